"""Ours: `compiled.train`. No other file of the benchmarks knows how it is called."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.contestants import Turn
from benchmarks.works import Work
from statelab.data.sequences import Sequences
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.samples import plans
from statelab.samples.windows import make_windows
from statelab.training import compiled

PASSES = 20


def prepare(work: Work, updates: int, form: str) -> Turn:
    """Train every seed of a work: a pass for each turn, or in the form `passes` many.

    A turn of 20 ms would be told apart from a long one by how a process wakes up.
    """
    many = PASSES if form == "passes" else 1
    return passes_of(compiled.start, compiled.train, work, updates, many)


def passes_of(
    start: Callable[..., Any],
    train: Callable[..., Any],
    work: Work,
    updates: int,
    many: int = 1,
) -> Turn:
    """Return a turn of some passes by one of this package's trainers."""
    weights, arguments, follow = case(work, updates)
    run = start(weights, arguments["network"], arguments["optimizer"])
    passes = 0

    def turn() -> float:
        nonlocal run, passes
        for _ in range(many):
            run = train(run, followed=follow(passes), **arguments)
            passes += 1
        return float(np.mean(run.loss))

    return Turn(run=turn, updates=follow(0)[0].batches * work.seeds * many)


def case(work: Work, updates: int) -> tuple[dict[str, np.ndarray], dict[str, Any], Any]:
    """Return first weights, other arguments of `train`, and a function to the plans."""
    values, target = data.sequences(work, updates)
    count, length, features = values.shape
    offsets = np.arange(count + 1) * length
    windows = make_windows(
        offsets,
        np.zeros(count, np.int8),
        layout="subsampled",  # one label for each sample, at its end
        window_length=work.timesteps,
        stride=work.timesteps if work.stateful else 1,
        segment_length=1,
    )

    def plan(rng: np.random.Generator | None = None) -> plans.Plan:
        return plans.make_plan(
            windows,
            np.arange(count),
            batch_size=work.batch_size,
            stateful=work.stateful,
            rng=rng,
        )

    always = [plan()]
    population = [data.weights(work, seed) for seed in range(work.seeds)]
    weights = {
        name: np.stack([each[name] for each in population]) for name in population[0]
    }
    arguments = {
        "sequences": Sequences(values.reshape(-1, features), offsets, target),
        "windows": windows,
        "network": Architecture(
            work.cell, "binary", work.layers, work.units, features, outputs=1
        ),
        "optimizer": Optimizer("adam", 1e-3, "constant", None, always[0].batches),
        "gradient_window": work.gradient_window,
    }
    if not work.shuffle:
        return weights, arguments, lambda epoch: always
    return (
        weights,
        arguments,
        lambda epoch: [
            plan(np.random.default_rng((seed, epoch))) for seed in range(work.seeds)
        ],
    )
