"""Training of a trial of a lookback search: a few networks at once, part by part.

Windows are padded, so that the program that is compiled for one trial trains the next.
A trial comes in parts, so that it can be pruned in between. Every trial predicts the
same steps of the validation split: each from a window that ends there, or from carried
state.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from statelab.data.sequences import LEFT_OUT, SPLITS
from statelab.errors import UserError
from statelab.lookback import shards, trial_plans
from statelab.lookback.outcomes import Trial
from statelab.lookback.problem import Problem
from statelab.lookback.shards import Shard
from statelab.networks import keras_models, scores
from statelab.networks.architecture import Weights
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import unscale
from statelab.samples.windows import sequences_in_split
from statelab.training import compiled
from statelab.training.compiled import TrainState
from statelab.training.options import TrainOptions

PREDICTION_LANES = 100
EARLY = 1 / 4  # of the updates, after which a trial may be pruned
# Parts of a trial of carried state, as a share of the updates. It is long, and between
# two parts its worker can take another trial.
QUARTERS = (EARLY, 1 / 2, 3 / 4, 1)

_compiling = threading.Lock()
_compiled: set[Any] = set()


class TrialState(NamedTuple):
    """How far a trial is trained, and its scores there."""

    run: TrainState
    updates: int
    ended: bool
    early: np.ndarray  # [seeds]; the scores, on validation, after a first part
    scores: np.ndarray  # [seeds]; and here
    parts: np.ndarray  # [parts]; of validation, in each the mean over seeds
    seconds: dict[str, float]  # so far: `compile`, `train`, `score`, and `other`


def train_to_end(
    problem: Problem, trial: Trial, state: TrialState | None = None
) -> TrialState:
    """Train a trial to its end, part by part, and score it."""
    state = train_next_part(problem, trial, state)
    while not state.ended:
        state = train_next_part(problem, trial, state)
    return state


def train_next_part(
    problem: Problem, trial: Trial, state: TrialState | None = None
) -> TrialState:
    """Train the next part of a trial, and score it.

    Args:
        problem: what it has in common with others.
        trial: its settings.
        state: how far it is trained; None to begin.

    Raises:
        UserError: no window ends on a step with a target.
    """
    clock = Clock()
    begun = 0 if state is None else state.updates
    most = problem.optimizer.updates
    stops = QUARTERS if trial.carries_state else (EARLY, 1)
    until = next(n for n in (max(round(part * most), 1) for part in stops) if n > begun)
    run = _start(problem, trial) if state is None else state.run
    run = _train_until(problem, trial, run, until, clock)
    by_seed, by_part = _score(problem, trial, run, clock)
    seconds = clock.seconds()
    if state is not None:
        seconds = {kind: state.seconds[kind] + more for kind, more in seconds.items()}
    return TrialState(
        run,
        until,
        ended=until == most,
        early=by_seed if state is None else state.early,
        scores=by_seed,
        parts=by_part,
        seconds=seconds,
    )


def _start(problem: Problem, trial: Trial) -> TrainState:
    network = problem.network_of(trial)
    carried = trial.carries_state
    weights = keras_models.initial_weights(
        range(problem.seed, problem.seed + problem.seeds),
        network,
        forget_bias=problem.forget_bias,
        longest=problem.longest_sequence if carried else trial.window_length,
    )
    return compiled.start(weights, TrainOptions(network, problem.optimizer))


def _train_until(
    problem: Problem, trial: Trial, run: TrainState, until: int, clock: "Clock"
) -> TrainState:
    """Train on all shards in turn, until there have been so many updates."""
    begun = _updates(run)
    # Each shard has its share of the updates, once in a part of a trial; what one of
    # short sequences cannot do the next ones make up for.
    ends = begun + np.rint(np.cumsum(problem.shares) * (until - begun)).astype(int)
    while (before := _updates(run)) < until:
        for number, end in enumerate(ends.tolist()):
            if (updates := _updates(run)) < end:
                shard = shards.read(problem.shards[number])
                rng = np.random.default_rng((problem.seed, 5, updates, number))
                run = _train(problem, trial, shard, run, end - updates, rng, clock)
                del shard  # before the next one is read
        if _updates(run) == before:
            raise UserError(
                "search/params.yaml: `search.stride` must lead to a step with a target "
                f"in windows of {trial.window_length} steps. Received: {trial.stride}"
            )
        ends[:] = until
    return run


def _train(
    problem: Problem,
    trial: Trial,
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
    table = trial_plans.cut(shard.windows, trial)
    plan = trial_plans.training_plan(
        shard.sequences,
        table,
        trial,
        batch_size=problem.batch_size,
        updates=updates,
        rng=rng,
    )
    if plan.batches == 0:  # no sample of it has a target
        return run
    network = problem.network_of(trial)
    optimizer = problem.optimizer._replace(learning_rate=trial.learning_rate)
    padded_to = trial_plans.padded_length(trial)
    reader = ChunkReader(
        shard.sequences, table, [plan], problem.scaling, padded_to=padded_to
    )
    # one core: other trials use the other cores
    options = TrainOptions(network, optimizer, trial.gradient_window, cores=1)

    def train(run: TrainState, until: int) -> TrainState:
        return compiled.train(run, reader, options, until=until)

    window = padded_to or (trial.window_length, trial.gradient_window)
    program = ("train", network, optimizer.rule, window, plan.lanes, problem.seeds)
    run = run._replace(batch=0, batches=0)  # a pass of its own
    with clock("compile"):
        _compile(program, lambda: train(run, until=1))
    with clock("train"):
        end = _updates(run) + updates
        run = train(run, until=updates)
        while _updates(run) < end and run.batch < plan.batches:  # some have no target
            run = train(run, until=run.batch + end - _updates(run))
        return run


def _updates(run: TrainState) -> int:
    """Return how many updates there have been, as many of each network."""
    return int(run.updates[0])


def _score(
    problem: Problem, trial: Trial, run: TrainState, clock: "Clock"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the score of each seed, and of each part of validation the mean."""
    weights = compiled.weights_of(run, problem.network_of(trial))
    by_shard, targets = [], []
    for shard_or_file in problem.shards:
        shard = shards.read(shard_or_file)
        if len(shard.scored_steps):
            by_shard.append(_predict(problem, trial, shard, weights, clock))
            targets.append(shard.sequences.targets[shard.scored_steps])
        del shard  # before the next one is read
    predictions, target = np.concatenate(by_shard, axis=1), np.concatenate(targets)
    score = scores.OF_HEAD[problem.network.head].main.function
    by_seed = score(predictions, target)
    for weight in weights.values():  # NaN would be counted as a class
        diverged = ~np.isfinite(weight).all(axis=tuple(range(1, weight.ndim)))
        by_seed[diverged] = np.nan
    borders = np.flatnonzero(np.diff(problem.parts)) + 1
    by_part = [
        score(predictions[:, part], target[part]).mean()
        for part in np.split(np.arange(len(target)), borders)
    ]
    return by_seed, np.array(by_part)


def _predict(
    problem: Problem, trial: Trial, shard: Shard, weights: Weights, clock: "Clock"
) -> np.ndarray:
    """Return the predictions of each network at the scored steps of one shard."""
    steps = shard.scored_steps
    if trial.carries_state:
        others = shard.windows.split != SPLITS["validation"]
        split = np.where(others, LEFT_OUT, shard.windows.split).astype(np.int8)
        table = trial_plans.cut(shard.windows._replace(split=split), trial)
        sequence = np.searchsorted(table.first, steps, side="right") - 1
        prediction = table.answers[sequence] + steps - table.first[sequence]
        visited = sequences_in_split(table, SPLITS["validation"])
    else:  # a window that ends at each of them, whatever the stride
        table = trial_plans.ending_at(steps, trial.window_length)
        prediction = visited = np.arange(len(steps))
    plan = plans.make_plan(
        table,
        visited,
        batch_size=min(PREDICTION_LANES, len(visited)),
        stateful=trial.carries_state,
        reset=trial_plans.reset_of(trial),
    )
    network, padded_to = problem.network_of(trial), trial_plans.padded_length(trial)
    reader = ChunkReader(
        shard.sequences, table, [plan], problem.scaling, padded_to=padded_to
    )

    def predict() -> np.ndarray:
        return compiled.predict(weights, reader, network)

    timesteps = padded_to or trial.window_length
    lanes = plan.lanes, plan.batches, problem.seeds
    program = ("predict", network, timesteps, lanes)
    with clock("compile"):
        _compile(program, predict)
    with clock("score"):
        return unscale(problem.scaling, predict()[:, prediction])


def _compile(program: object, run: Callable[[], object]) -> None:
    """Run something once for each program, so that later runs find it compiled."""
    if program in _compiled:
        return
    with _compiling:  # a program that another trial compiles is waited for
        if program not in _compiled:
            run()
            _compiled.add(program)


class Clock:
    """Measures each kind of work, in seconds; anything else is `other`."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._seconds = {"compile": 0.0, "train": 0.0, "score": 0.0}

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._seconds[kind] += time.perf_counter() - began

    def seconds(self) -> dict[str, float]:
        """Return the seconds since the clock was made."""
        total = time.perf_counter() - self._began
        return {**self._seconds, "other": total - sum(self._seconds.values())}
