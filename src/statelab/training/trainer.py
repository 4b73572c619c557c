"""Trains one mode of an experiment, stateless or stateful, for every seed asked for."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from statelab.config.values import Reset
from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.errors import UserError
from statelab.networks import keras_models, scores
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.optimizers import Optimizer
from statelab.samples import plans
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling, unscale
from statelab.samples.windows import (
    Windows,
    has_a_target,
    per_prediction,
    predictions_of,
    sample_lengths,
    sequences_in_split,
    with_targets,
)
from statelab.training import compiled, early_stopping, keras_fit, sizing
from statelab.training.early_stopping import Stopping


class Engine(NamedTuple):
    """What trains: functions of the same arguments and meaning."""

    start: Callable[..., Any]
    train: Callable[..., Any]
    weights_of: Callable[..., Weights]
    predict: Callable[..., np.ndarray]


def _keras(**options: bool) -> Engine:
    return Engine(
        keras_fit.start,
        functools.partial(keras_fit.train, **options),
        keras_fit.weights_of,
        keras_fit.predict,
    )


ENGINES = {
    "compiled": Engine(
        compiled.start, compiled.train, compiled.weights_of, compiled.predict
    ),
    "reference": _keras(),
    "reference_loop": _keras(by_loop=True),
}


class Trained(NamedTuple):
    """What training one mode leaves behind."""

    network: Architecture
    weights: Weights
    answers: np.ndarray  # float32 [seeds, answers, …], from the last weights
    visible_from: np.ndarray  # int64 [answers]; the first step that each may depend on
    history: pd.DataFrame  # one line for each seed and epoch
    updates: int  # of each seed
    seconds: list[float]  # of each epoch's training; the first one compiles


class _HeldOut(NamedTuple):
    """A split that is answered after every epoch."""

    plan: Plan
    asked: np.ndarray  # int64 [answers]; those with a target
    target: np.ndarray  # [answers]


class TrainingProgress(NamedTuple):
    """How far training has come: all that the rest of it depends on."""

    epoch: int  # epochs done
    run: Any  # of the engine; its pass is over, or under way, or has not begun
    best: Stopping
    history: list[pd.DataFrame]  # lines of the epochs done
    seconds: list[float]  # of each epoch's training, and so far of one under way


class ProgressCallback(Protocol):
    """Is told how training goes."""

    def resumed(self, epoch: int, batch: int, done: int) -> None: ...

    def batches(self, done: int, total: int) -> None: ...

    def epoch(self, epoch: int, lines: pd.DataFrame) -> None: ...

    def done(self) -> None: ...


def train(
    sequences: Sequences,
    windows: Windows,
    watcher: ProgressCallback,
    *,
    stateful: bool,
    seed: int,
    seeds: int,
    engine: str,
    cell: str,
    units: int,
    layers: int,
    epochs: int,
    batch_size: int,
    optimizer: str,
    learning_rate: float,
    schedule: str,
    clipnorm: float | None,
    forget_bias: str = "unit",
    shuffle: bool = False,
    patience: int | None = None,
    gradient_window: int | None = None,
    burn_in: int = 0,
    reset: str = "sequence",
    batching: str = "aligned",
    scaling: Scaling | None = None,
    resume: TrainingProgress | None = None,
    keep: Callable[[TrainingProgress], None] = lambda _: None,
) -> Trained:
    """Train a population on the train split, and answer every split with it.

    No state leaks from a split into another: each sequence begins with a state of
    zeros, or where none is reset, each pass over a split.

    Args:
        sequences: the steps and their targets.
        windows: the samples of each split.
        watcher: is told of batches and epochs as they end.
        stateful: carry state from a batch to the next.
        seed: of the first network; network k has `seed + k`, in either mode.
        seeds: networks to train.
        engine: a key of `ENGINES`.
        cell, units, layers: of the network, as in `keras_models.build`.
        forget_bias: as in `keras_models.initial_weights`, up to the longest sequence.
        epochs: passes over the train split.
        batch_size: lanes of a batch.
        optimizer, learning_rate, schedule, clipnorm: as in `optimizers.Optimizer`.
        shuffle: visit the samples, or with state the sequences, in a new order for each
            epoch and seed.
        patience: epochs without a lower loss on the validation split after which a
            network stops, and goes back to its best weights; None for never.
        gradient_window: steps that the gradient reaches back; None for a whole sample.
        burn_in: steps at the beginning of a sequence that do not count in the loss.
        reset, batching: as in `plans.make_plan`, stateful.
        scaling: of features and values to predict. Answers, losses and scores are in
            the units of the sequences all the same.
        resume: where training of the same settings and data stood, to go on from there;
            None to begin.
        keep: is told after each chunk and each epoch where training stands.

    Returns:
        Weights, answers and history, the same to the byte however often training was
        resumed.

    Raises:
        UserError: a network diverged.
    """
    start, train_pass, weights_of, predict = ENGINES[engine]
    lay_out = functools.partial(
        plans.make_plan,
        windows,
        stateful=stateful,
        reset=Reset(reset),
        batching=batching,
    )
    splits = {
        name: chosen
        for name, code in SPLITS.items()
        if len(chosen := sequences_in_split(windows, code))
    }
    lay_out_train = functools.partial(lay_out, splits["train"], batch_size=batch_size)
    plan = lay_out_train()
    head, outputs = head_of(sequences.targets)
    network = Architecture(
        cell=cell,
        units=units,
        layers=layers,
        features=sequences.values.shape[1],
        head=head,
        outputs=outputs,
    )
    # Which samples share a lane is part of what naive batches do: they are answered in
    # such batches, and each split apart. Else every sequence begins with zeros.
    naive = stateful and (batching == "contiguous" or reset == "never")

    def answering(chosen: np.ndarray) -> Plan:
        lanes = sizing.prediction_lanes(
            network, windows, chosen, seeds=seeds, stateful=stateful
        )
        return lay_out(chosen, batch_size=batch_size if naive else lanes)

    if not any(
        has_a_target(sequences, windows, each, burn_in) for each in splits["train"]
    ):
        raise UserError(
            "`train_stateful.burn_in` must leave a target in train. "
            f"Received: {burn_in}"
            if burn_in
            else "`window.stride` must lead to a step of train with a target, with "
            f"windows of {sample_lengths(windows)[1]} steps as well. "
            f"Received: {windows.stride[0]}"
        )
    held_out = {
        name: _HeldOut(
            answering(chosen),
            *with_targets(sequences, windows, predictions_of(windows, chosen)),
        )
        for name, chosen in splits.items()
        if name != "train"
    }
    reported = scores.OF_HEAD[head]
    rule = Optimizer(
        optimizer, learning_rate, schedule, clipnorm, plan.batches * epochs
    )
    numbers = range(seed, seed + seeds)
    weights = keras_models.initial_weights(
        numbers,
        forget_bias=forget_bias,
        longest=int(np.diff(sequences.offsets).max()),
        **network._asdict(),
    )
    unit = 1.0  # of values to predict, in which training counts its errors
    if scaling is not None:
        unit = scaling.target_scale.item()

    def answer(weights: Weights, plan: Plan) -> np.ndarray:
        given = predict(weights, sequences, windows, plan, network, scaling)
        return unscale(scaling, given)

    at: TrainingProgress = resume or TrainingProgress(
        epoch=0,
        run=start(weights, network, rule),
        best=early_stopping.begin(weights),
        history=[],
        seconds=[],
    )
    if resume is not None:
        done = at.epoch * plan.batches + at.run.batch
        watcher.resumed(at.epoch + 1, at.run.batch, done)
    while at.epoch < epochs and (active := _active(at.best, patience)).any():
        under_way = _under_way(at)
        if at.run.batch == 0 or at.run.batch < at.run.batches:
            run = train_pass(
                at.run,
                sequences,
                windows,
                _shuffled(lay_out_train, numbers, at.epoch) if shuffle else [plan],
                network=network,
                optimizer=rule,
                gradient_window=gradient_window,
                burn_in=burn_in,
                scaling=scaling,
                active=active,
                after_chunk=functools.partial(
                    _report, watcher, keep, under_way, at.epoch, epochs
                ),
            )
            at = under_way(run)
        if diverged := np.count_nonzero(active & ~np.isfinite(at.run.loss)):
            raise UserError(
                f"{diverged} of {seeds} networks diverged in epoch {at.epoch + 1}: "
                "their loss is not finite. Lower `learning_rate`, or set `clipnorm`. "
                f"Received: learning_rate={learning_rate}, clipnorm={clipnorm}"
            )
        weights = weights_of(at.run, network)
        line = {"loss": at.run.loss, reported.running.name: at.run.score}
        if head == "regression":
            line["loss"] *= unit**2
            line[reported.running.name] *= unit
        for name, split in held_out.items():
            answers = answer(weights, plan=split.plan)[:, split.asked]
            for score in (reported.loss, reported.running):
                line[f"{name}_{score.name}"] = score.function(answers, split.target)
        lines = pd.DataFrame({"seed": numbers, "epoch": at.epoch + 1, **line})
        lines = lines.loc[active]
        watcher.epoch(at.epoch + 1, lines)
        best = at.best
        if patience is not None:
            best = early_stopping.observe(best, line["validation_loss"], weights)
        at = TrainingProgress(
            epoch=at.epoch + 1,
            run=at.run._replace(batch=0, batches=0),  # the next pass has not begun
            best=best,
            history=[*at.history, lines],
            seconds=at.seconds,
        )
        keep(at)
    weights = weights_of(at.run, network) if patience is None else at.best.weights
    watcher.done()

    every = np.sort(np.concatenate(list(splits.values())))
    passes = [answering(each) for each in (splits.values() if naive else [every])]
    answers = (answer(weights, plan=each) for each in passes)
    visible = (plans.visible_from(each, windows) for each in passes)
    return Trained(
        network=network,
        weights=weights,
        # outside a plan there are NaN and -1
        answers=functools.reduce(np.fmax, answers),
        visible_from=per_prediction(windows, functools.reduce(np.maximum, visible)),
        history=pd.concat(at.history, ignore_index=True),
        updates=plan.batches * at.epoch,
        seconds=at.seconds,
    )


def _active(best: Stopping, patience: int | None) -> np.ndarray:
    """Return which networks still learn, [seeds]."""
    if patience is None:
        return np.ones(len(best.waited), bool)
    return best.waited < patience


def _under_way(at: TrainingProgress) -> Callable[[Any], TrainingProgress]:
    """Begin an epoch, or go on with it; return what says where a run within it is."""
    started = time.perf_counter() - sum(at.seconds[at.epoch :])

    def under_way(run: Any) -> TrainingProgress:
        spent = time.perf_counter() - started
        return at._replace(run=run, seconds=[*at.seconds[: at.epoch], spent])

    return under_way


def _report(
    watcher: ProgressCallback,
    keep: Callable[[TrainingProgress], None],
    under_way: Callable[[Any], TrainingProgress],
    epoch: int,
    epochs: int,
    run: Any,
) -> None:
    watcher.batches(epoch * run.batches + run.batch, epochs * run.batches)
    keep(under_way(run))


def _shuffled(lay_out: Callable[..., Plan], seeds: range, epoch: int) -> list[Plan]:
    return [lay_out(rng=np.random.default_rng((seed, epoch))) for seed in seeds]
