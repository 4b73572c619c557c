"""Trials: what a lookback search tries, each a training of a few networks at once.

A trial is trained on windows, padded to 8, 16, 32 … steps: how long they are is data,
so that a program compiled for one trial trains the next. It comes in parts, so that a
hopeless one can be given up in between. Every trial answers the same steps of the
validation split, each from a window that ends there; or from carried state.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from statelab.data.sequences import LEFT_OUT, SPLITS, Sequences
from statelab.errors import UserError
from statelab.lookback import shards
from statelab.lookback.shards import Shard
from statelab.networks import keras_models, scores
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.optimizers import Optimizer
from statelab.samples import plans
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling, unscale
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    rewindow,
    sequences_in_split,
    with_targets,
)
from statelab.training import compiled
from statelab.training.compiled import TrainState

SHORTEST = 8  # steps that windows are padded to, at least
ANSWERING = 100  # lanes
EARLY = 1 / 4  # of the updates, after which a trial may be given up
QUARTERS = (EARLY, 1 / 2, 3 / 4, 1)  # a trial of carried state lets others go between

_compiling = threading.Lock()
_compiled: set[Any] = set()


class Trial(NamedTuple):
    """One point of the space that is searched."""

    window_length: int  # steps; with carried state those of a segment
    stride: int  # steps between windows
    gradient_window: int | None  # steps; None for a whole window
    reset: str  # sample: windows, without state | sequence | every_20, say
    units: int
    learning_rate: float

    @property
    def carries_state(self) -> bool:
        """Whether it is a stateful training, on segments."""
        return self.reset != "sample"


class Problem(NamedTuple):
    """What all trials of a search have in common."""

    shards: tuple[Shard | Path, ...]  # the sequences; a file is read when it is needed
    shares: np.ndarray  # float64 [shards]; of the steps to train on
    parts: np.ndarray  # int64 [answers]; the part of validation that each is in
    scaling: Scaling | None
    longest: int  # steps of a sequence
    network: Architecture  # its units are each trial's own
    optimizer: Optimizer  # its learning rate is each trial's own
    forget_bias: str  # unit | chrono: up to the window, or with state the sequence
    batch_size: int
    seed: int  # of the first network
    seeds: int  # networks of a trial


class TrialState(NamedTuple):
    """Where a trial stands, and how well it does there."""

    run: TrainState
    updates: int
    ended: bool
    early: np.ndarray  # [seeds]; the scores, on validation, after a first part
    scores: np.ndarray  # [seeds]; and here
    parts: np.ndarray  # [parts]; of validation, in each the mean over seeds
    seconds: dict[str, float]  # so far: `compile`, `train`, `score`, and `other`


def share_cores(trials: int) -> None:
    """Let each of the trials that a process carries out side by side have one core."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(trials)


def train_to_end(
    ground: Problem, trial: Trial, at: TrialState | None = None
) -> TrialState:
    """Train a trial to its end, part by part, and score it."""
    at = train_next_part(ground, trial, at)
    while not at.ended:
        at = train_next_part(ground, trial, at)
    return at


def train_next_part(
    ground: Problem, trial: Trial, at: TrialState | None = None
) -> TrialState:
    """Train the next part of a trial, and score it.

    Args:
        ground: what it has in common with others.
        trial: its settings.
        at: where it stands; None to begin.
    """
    clock = Clock()
    network = ground.network._replace(units=trial.units)
    begun = 0 if at is None else at.updates
    most = ground.optimizer.updates
    stops = QUARTERS if trial.carries_state else (EARLY, 1)
    until = next(n for n in (max(round(part * most), 1) for part in stops) if n > begun)
    run = _start(ground, trial, network) if at is None else at.run
    # Each shard has its share of the updates, once in a part of a trial; what one of
    # short sequences cannot do the next ones make up for.
    ends = begun + np.rint(np.cumsum(ground.shares) * (until - begun)).astype(int)
    while (before := _made(run)) < until:
        for number, end in enumerate(ends.tolist()):
            if (made := _made(run)) < end:
                shard = shards.read(ground.shards[number])
                rng = np.random.default_rng((ground.seed, 5, made, number))
                run = _train(ground, trial, network, shard, run, end - made, rng, clock)
                del shard  # before the next one is read
        if _made(run) == before:
            raise UserError(
                "search/params.yaml: `search.stride` must lead to a step with a target "
                f"in windows of {trial.window_length} steps. Received: {trial.stride}"
            )
        ends[:] = until
    weights = compiled.weights_of(run, network)
    answers, targets = [], []
    for each in ground.shards:
        shard = shards.read(each)
        if len(shard.asked):
            answers.append(_answer(ground, trial, network, shard, weights, clock))
            targets.append(shard.sequences.targets[shard.asked])
        del shard
    score = scores.OF_HEAD[network.head].main.function
    answer, target = np.concatenate(answers, axis=1), np.concatenate(targets)
    borders = np.flatnonzero(np.diff(ground.parts)) + 1
    by_part = np.split(np.arange(len(target)), borders)
    scored = score(answer, target)
    for weight in weights.values():  # a class can be told from what is no number
        scored[~np.isfinite(weight).all(axis=tuple(range(1, weight.ndim)))] = np.nan
    of_parts = [score(answer[:, part], target[part]).mean() for part in by_part]
    spent = clock.seconds()
    if at is not None:
        spent = {kind: at.seconds[kind] + more for kind, more in spent.items()}
    return TrialState(
        run,
        until,
        ended=until == most,
        early=scored if at is None else at.early,
        scores=scored,
        parts=np.array(of_parts),
        seconds=spent,
    )


def _start(ground: Problem, trial: Trial, network: Architecture) -> TrainState:
    weights = keras_models.initial_weights(
        range(ground.seed, ground.seed + ground.seeds),
        forget_bias=ground.forget_bias,
        longest=ground.longest if trial.carries_state else trial.window_length,
        **network._asdict(),
    )
    return compiled.start(weights, network, ground.optimizer)


def _train(
    ground: Problem,
    trial: Trial,
    network: Architecture,
    shard: Shard,
    run: TrainState,
    updates: int,
    rng: np.random.Generator,
    clock: "Clock",
) -> TrainState:
    """Train on one shard, for so many updates; for none where it has no sample."""
    train_split = shard.windows.split == SPLITS["train"]
    steps = (shard.windows.stop - shard.windows.first)[train_split]
    if steps.max(initial=0) < (1 if trial.carries_state else trial.window_length):
        return run
    cut = _cut(shard.windows, trial)
    lay_out = _in_succession if trial.carries_state else _shuffled
    plan = lay_out(shard.sequences, cut, trial, ground.batch_size, updates, rng)
    if plan.batches == 0:  # no sample of it has a target
        return run
    optimizer = ground.optimizer._replace(learning_rate=trial.learning_rate)
    padded_to = _padded_to(trial)

    def train(run: TrainState, until: int) -> TrainState:
        return compiled.train(
            run,
            shard.sequences,
            cut,
            [plan],
            network=network,
            optimizer=optimizer,
            gradient_window=trial.gradient_window,
            scaling=ground.scaling,
            until=until,
            padded_to=padded_to,
            cores=1,  # trials are what stands side by side
        )

    window = padded_to or (trial.window_length, trial.gradient_window)
    program = ("train", network, optimizer.rule, window, plan.lanes, ground.seeds)
    run = run._replace(batch=0, batches=0)  # a pass of its own
    with clock("compile"):
        _compile(program, lambda: train(run, until=1))
    with clock("train"):
        end = _made(run) + updates
        run = train(run, until=updates)
        while _made(run) < end and run.batch < plan.batches:  # some have no target
            run = train(run, until=run.batch + end - _made(run))
        return run


def _made(run: TrainState) -> int:
    """Return how many updates there have been, as many of each network."""
    return int(run.updates[0])


def _answer(
    ground: Problem,
    trial: Trial,
    network: Architecture,
    shard: Shard,
    weights: Weights,
    clock: "Clock",
) -> np.ndarray:
    """Return the answers of each network to what is asked of one shard."""
    if trial.carries_state:
        others = shard.windows.split != SPLITS["validation"]
        split = np.where(others, LEFT_OUT, shard.windows.split).astype(np.int8)
        cut = _cut(shard.windows._replace(split=split), trial)
        sequence = np.searchsorted(cut.first, shard.asked, side="right") - 1
        number = cut.answers[sequence] + shard.asked - cut.first[sequence]
        visited = sequences_in_split(cut, SPLITS["validation"])
    else:  # a window that ends at each of them, whatever the stride
        cut = ending_at(shard.asked, trial.window_length)
        number = visited = np.arange(len(shard.asked))
    plan = plans.make_plan(
        cut,
        visited,
        batch_size=min(ANSWERING, len(visited)),
        stateful=trial.carries_state,
        reset=_reset(trial),
    )
    padded_to = _padded_to(trial)

    def answer() -> np.ndarray:
        return compiled.predict(
            weights, shard.sequences, cut, plan, network, ground.scaling, padded_to
        )

    steps = padded_to or trial.window_length
    program = ("answer", network, steps, plan.lanes, plan.batches, ground.seeds)
    with clock("compile"):
        _compile(program, answer)
    with clock("score"):
        return unscale(ground.scaling, answer()[:, number])


def _cut(windows: Windows, trial: Trial) -> Windows:
    if trial.carries_state:
        return rewindow(
            windows, layout="per_timestep", segment_length=trial.window_length
        )
    return rewindow(
        windows,
        layout="subsampled",
        window_length=trial.window_length,
        stride=trial.stride,
    )


def ending_at(step: np.ndarray, window_length: int) -> Windows:
    """Return the table of the windows that end at some flat steps."""
    each, counted = np.ones_like(step), np.arange(len(step) + 1)
    return Windows(
        samples=counted,
        first=step - (window_length - 1),
        stop=step + 1,
        stride=each,
        length=each * window_length,
        answers=counted,
        answered=each,
        split=np.zeros(len(step), np.int8),
    )


def _shuffled(
    sequences: Sequences,
    cut: Windows,
    trial: Trial,
    batch_size: int,
    updates: int,
    rng: np.random.Generator,
) -> Plan:
    """Lay out so many batches of windows with a target, pass after pass, each shuffled.

    All networks of a trial follow it, which is gathered once for all of them.
    """
    train = sequences_in_split(cut, SPLITS["train"])
    known, _ = with_targets(sequences, cut, predictions_of(cut, train))
    passes = -(-updates * batch_size // max(len(known), 1))  # a window is an answer
    order = np.concatenate([rng.permutation(known) for _ in range(passes)])
    every = int(cut.samples[-1])
    return Plan(
        first_sample=np.zeros(1, int),
        begin=np.array([0, every]),
        interval=np.ones(1, int),
        order=order[: updates * batch_size],
        batches=updates if len(known) else 0,
        lanes=batch_size,
        lane_by_lane=False,
    )


def _in_succession(
    sequences: Sequences,
    cut: Windows,
    trial: Trial,
    batch_size: int,
    updates: int,
    rng: np.random.Generator,
) -> Plan:
    """Lay out batches of segments for at least so many updates, whole sequences each.

    Every pass goes through them in another order.
    """
    train = sequences_in_split(cut, SPLITS["train"])
    known, _ = with_targets(sequences, cut, predictions_of(cut, train))
    samples = len(np.unique(locate_predictions(cut, known).sample))
    lanes = min(batch_size, len(train))
    # lanes do not end together; without a target there is nothing to follow
    passes = -(-updates * lanes // samples) + 1 if samples else 0
    return plans.make_plan(
        cut,
        np.concatenate([train[:0], *(rng.permutation(train) for _ in range(passes))]),
        batch_size=lanes,
        stateful=True,
        reset=_reset(trial),
    )


def _reset(trial: Trial) -> str:
    """Return the reset interval of a trial, whole segments of it."""
    if not trial.reset.startswith("every_"):
        return trial.reset
    asked = int(trial.reset.removeprefix("every_"))
    return f"every_{-(-asked // trial.window_length) * trial.window_length}"


def _padded_to(trial: Trial) -> int | None:
    """Return how many steps a window is padded to; segments are not."""
    if trial.carries_state:
        return None
    return max(SHORTEST, 2 ** (trial.window_length - 1).bit_length())


def _compile(program: object, run: Callable[[], object]) -> None:
    """Run something once for each program, so that later runs find it compiled."""
    if program in _compiled:
        return
    with _compiling:  # a program that another trial compiles is waited for
        if program not in _compiled:
            run()
            _compiled.add(program)


class Clock:
    """Tells what each kind of work takes, in seconds; anything else is `other`."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._spent = {"compile": 0.0, "train": 0.0, "score": 0.0}

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._spent[kind] += time.perf_counter() - began

    def seconds(self) -> dict[str, float]:
        """Return what has been spent since the clock was made."""
        whole = time.perf_counter() - self._began
        return {**self._spent, "other": whole - sum(self._spent.values())}
