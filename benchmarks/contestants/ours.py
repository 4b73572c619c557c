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
from statelab.samples.chunks import ChunkReader
from statelab.samples.windows import make_windows
from statelab.training import compiled
from statelab.training.options import TrainOptions

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
    weights, options, reader = case(work, updates)
    state = start(weights, options)
    passes = 0

    def turn() -> float:
        nonlocal state, passes
        for _ in range(many):
            state = train(state, reader(passes), options)
            passes += 1
        return float(np.mean(state.loss))

    done = work.rows or reader(0).batches
    return Turn(run=turn, updates=done * work.seeds * many)


def case(
    work: Work, updates: int
) -> tuple[dict[str, np.ndarray], TrainOptions, Callable[[int], ChunkReader]]:
    """Return first weights, how they are trained, and the reader of each epoch."""
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
            stretch_burn_in=work.timesteps if work.rows else None,
        )

    in_order = plan()
    population = [data.weights(work, seed) for seed in range(work.seeds)]
    weights = {
        name: np.stack([network[name] for network in population])
        for name in population[0]
    }
    options = TrainOptions(
        Architecture(work.cell, "binary", work.layers, work.units, features, outputs=1),
        Optimizer("adam", 1e-3, "constant", None, in_order.batches),
        work.gradient_window,
    )
    sequences = Sequences(values.reshape(-1, features), offsets, target)

    def reader(epoch: int) -> ChunkReader:
        followed = [in_order]
        if work.shuffle:
            rngs = (np.random.default_rng((seed, epoch)) for seed in range(work.seeds))
            followed = [plan(rng) for rng in rngs]
        return ChunkReader(sequences, windows, followed)

    return weights, options, reader
