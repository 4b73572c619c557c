"""Trains one mode of an experiment, stateless or stateful, for every seed asked for."""

import functools
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from statelab import layouts, models, reference, scores, training
from statelab.errors import UserError
from statelab.layouts import Plan, Windows
from statelab.models import Weights
from statelab.sequences import SPLITS, Sequences

ENGINES = {
    "compiled": (training.fit, training.predict),
    "reference": (reference.fit, reference.predict),
    "reference_loop": (
        functools.partial(reference.fit, by_loop=True),
        reference.predict,
    ),
}

ANSWERING = 100  # lanes for answers: where no lane sees another, more are faster


class Trained(NamedTuple):
    """What training one mode leaves behind."""

    weights: Weights
    probability: np.ndarray  # float32 [seeds, samples], from the last weights
    visible_from: np.ndarray  # int64 [samples]; see layouts.visible_from
    history: pd.DataFrame  # one line for each seed and epoch
    updates: int  # of each seed
    seconds: list[float]  # of each epoch's training; the first one compiles


class Watcher(Protocol):
    """Is told how training goes."""

    def batches(self, done: int, total: int) -> None: ...

    def epoch(self, epoch: int, scores: dict[str, float]) -> None: ...


def train(
    sequences: Sequences,
    windows: Windows,
    watcher: Watcher,
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
    shuffle: bool = False,
    gradient_window: int | None = None,
    reset: str = "sequence",
    batching: str = "aligned",
) -> Trained:
    """Train a population on the train split, and answer every split with it.

    Every pass over a split begins with a state of zeros, so that no state leaks from
    one into another.

    Args:
        sequences: the steps and their targets.
        windows: the samples of each split.
        watcher: is told of batches and epochs as they end.
        stateful: carry state from a batch to the next.
        seed: of the first network; network k has `seed + k`, in either mode.
        seeds: networks to train.
        engine: a key of `ENGINES`.
        cell, units, layers: of the network, as in `models.build`.
        epochs: passes over the train split.
        batch_size: lanes of a batch.
        optimizer, learning_rate, schedule, clipnorm: as in `training.Optimizer`.
        shuffle: visit the samples in a new order for each epoch and seed, stateless.
        gradient_window: steps that the gradient reaches back; None for a whole sample.
        reset, batching: as in `layouts.plan`, stateful.

    Returns:
        Weights, answers and history.

    Raises:
        UserError: a network diverged.
    """
    fit, predict = ENGINES[engine]
    lay_out = functools.partial(
        layouts.plan, windows, stateful=stateful, reset=reset, batching=batching
    )
    splits = {
        name: chosen
        for name, code in SPLITS.items()
        if len(chosen := layouts.of_split(windows, code))
    }
    plan = lay_out(splits["train"], batch_size=batch_size)
    # Which samples share a lane is part of what naive batches do; else it is no matter.
    naive = stateful and (batching, reset) != ("aligned", "sequence")
    lanes = batch_size if naive else ANSWERING
    answering = {name: lay_out(each, batch_size=lanes) for name, each in splits.items()}
    samples = training.Samples(
        values=np.asarray(sequences.values),
        first=windows.first,
        length=windows.length,
        target=layouts.sample_targets(sequences, windows),
    )
    updates = len(plan.sample) * epochs
    architecture = {"cell": cell, "layers": layers}
    numbers = range(seed, seed + seeds)
    weights = models.initial_weights(
        numbers, units=units, features=samples.values.shape[1], **architecture
    )
    answer = functools.partial(predict, samples=samples, **architecture)

    history, seconds = [], []
    started = time.perf_counter()
    for epoch, trained in enumerate(
        fit(
            weights,
            samples,
            _reshuffled(
                functools.partial(lay_out, splits["train"], batch_size=batch_size),
                numbers,
            )
            if shuffle
            else lambda _: [plan],
            epochs=epochs,
            optimizer=training.Optimizer(
                optimizer, learning_rate, schedule, clipnorm, updates
            ),
            gradient_window=gradient_window,
            report=watcher.batches,
            **architecture,
        ),
        start=1,
    ):
        seconds.append(time.perf_counter() - started)
        if diverged := np.count_nonzero(~np.isfinite(trained.loss)):
            raise UserError(
                f"{diverged} of {seeds} networks diverged in epoch {epoch}: their loss "
                "is not finite. Lower `learning_rate`, or set `clipnorm`. Received: "
                f"learning_rate={learning_rate}, clipnorm={clipnorm}"
            )
        line = {"loss": trained.loss, "accuracy": trained.accuracy}
        for name in [split for split in splits if split != "train"]:
            answers = answer(trained.weights, plan=answering[name])[:, splits[name]]
            line |= _held_out(name, answers, samples.target[splits[name]])
        history.append(pd.DataFrame({"seed": numbers, "epoch": epoch, **line}))
        watcher.epoch(
            epoch, {name: float(np.mean(each)) for name, each in line.items()}
        )
        weights = trained.weights
        started = time.perf_counter()

    answers = [answer(weights, plan=each) for each in answering.values()]
    visible = [layouts.visible_from(each, windows) for each in answering.values()]
    return Trained(
        weights=weights,
        probability=np.fmax.reduce(answers),  # NaN outside a plan's own split
        visible_from=np.maximum.reduce(visible),  # -1 outside it
        history=pd.concat(history, ignore_index=True),
        updates=updates,
        seconds=seconds,
    )


def _reshuffled(
    lay_out: Callable[..., Plan], seeds: range
) -> Callable[[int], list[Plan]]:
    return lambda epoch: [
        lay_out(rng=np.random.default_rng((seed, epoch))) for seed in seeds
    ]


def _held_out(
    name: str, probability: np.ndarray, target: np.ndarray
) -> dict[str, np.ndarray]:
    return {
        f"{name}_loss": scores.binary_crossentropy(probability, target),
        f"{name}_accuracy": scores.accuracy(probability, target),
    }
