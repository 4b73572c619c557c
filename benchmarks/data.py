"""The data and the first weights of a work, the same for every contestant."""

from typing import NamedTuple

import numpy as np

from benchmarks.works import GATES, Work

NOISE = 0.2  # variance of the input
FLIPPED = 0.1  # share of wrong labels: without them the loss goes to 0, and moments
# of Adam become subnormal numbers, on which every processor is slow


class Sequences(NamedTuple):
    """Sequences of noise whose first step shows the class, most of them labelled so."""

    values: np.ndarray  # float32 [sequences, length, features]
    target: np.ndarray  # float32 [sequences]; of every step


class Batches(NamedTuple):
    """What each update reads."""

    x: np.ndarray  # float32 [updates, lanes, timesteps, features]
    y: np.ndarray  # float32 [updates, lanes]
    weight: np.ndarray  # float32 [updates, lanes]; 0 on padding of the last batch
    reset: np.ndarray  # bool [updates]; state is zero before this update, in all lanes


def sequences(work: Work, updates: int) -> Sequences:
    """Draw as many sequences as some updates read; fewer are the first ones of more."""
    samples, lanes = _samples(work), work.batch_size
    if work.rows:
        work, count = work._replace(length=work.rows), 1
    elif work.stateful:
        count = max(updates // samples, 1) * lanes  # lanes begin and end together
    else:
        count = max(updates * lanes // samples, 1)
    labels, flips, noise = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence(0).spawn(3)
    )
    target = labels.integers(0, 2, count).astype(np.float32)
    values = noise.standard_normal((count, work.length, work.features), np.float32)
    values *= np.float32(np.sqrt(NOISE))
    values[:, 0, 0] += 2 * target - 1
    flipped = flips.random(count) < FLIPPED
    return Sequences(values, np.where(flipped, 1 - target, target))


def batches(work: Work, updates: int) -> Batches:
    """Copy samples out, batch by batch, for those who read arrays."""
    values, target = sequences(work, updates)
    count, lanes, samples = len(target), work.batch_size, _samples(work)
    if work.stateful:
        shape = (-1, lanes, samples, work.timesteps, work.features)
        x = values.reshape(shape).swapaxes(1, 2)  # [rounds, segments, B, T, F]
        y = np.repeat(target.reshape(-1, 1, lanes), samples, axis=1)
    else:
        windows = np.lib.stride_tricks.sliding_window_view(values, work.timesteps, 1)
        x = windows.swapaxes(2, 3)  # [sequences, windows, T, F]
        y = np.repeat(target, samples)
    x = x.reshape(count * samples, work.timesteps, work.features)
    y = y.ravel()
    filled = -len(x) % lanes
    x = np.concatenate([x, np.zeros((filled, *x.shape[1:]), np.float32)])
    weight = np.concatenate([np.ones(len(y)), np.zeros(filled)]).astype(np.float32)
    y = np.concatenate([y, np.zeros(filled, np.float32)])
    x = x.reshape(-1, lanes, work.timesteps, work.features)
    every = samples if work.stateful else 1
    return Batches(
        x=x,
        y=y.reshape(-1, lanes),
        weight=weight.reshape(-1, lanes),
        reset=np.arange(len(x)) % every == 0,
    )


def weights(work: Work, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw first weights as Keras does, by its names and in its order and shapes."""
    rng = np.random.default_rng(seed)
    gates, units, features = GATES[work.cell], work.units, work.features
    drawn = {}
    for layer in range(work.layers):
        name = f"{work.cell}_{layer}"
        wide = rng.standard_normal((gates * units, units))
        bias = np.zeros(gates * units)
        if work.cell == "lstm":
            bias[units : 2 * units] = 1  # the forget gate's
        else:
            bias = np.zeros((2, gates * units))  # the input's and the state's
        drawn[f"{name}/kernel"] = _glorot(features, gates * units, rng)
        drawn[f"{name}/recurrent_kernel"] = np.linalg.qr(wide)[0].T
        drawn[f"{name}/bias"] = bias
        features = units
    drawn["dense/kernel"] = _glorot(units, 1, rng)
    drawn["dense/bias"] = np.zeros(1)
    return {name: array.astype(np.float32) for name, array in drawn.items()}


def _samples(work: Work) -> int:
    """Return how many samples a sequence is cut into."""
    if work.stateful:
        return work.length // work.timesteps
    return work.length - work.timesteps + 1


def _glorot(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns))
