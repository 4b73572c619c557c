"""What a chunk of batches reads, copied out of the flat steps just before it trains."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from statelab import arrays, layouts
from statelab.layouts import Windows
from statelab.plans import Batches
from statelab.sequences import Sequences, present, targets_at


class Chunk(NamedTuple):
    """What some batches read, of one population, or of several with plans apart."""

    x: np.ndarray  # float32 [batches, populations, lanes, timesteps, features]
    length: np.ndarray  # int32 [batches, populations, lanes]; steps
    target: np.ndarray  # float32 [batches, populations, lanes]
    reset: np.ndarray  # bool [batches, populations, lanes]
    weight: np.ndarray  # float32 [batches, populations, lanes]


def gather(
    sequences: Sequences, windows: Windows, written: Sequence[Batches], timesteps: int
) -> Chunk:
    """Copy out what some batches read; samples without a target do not count.

    Of the flat steps nothing else is read, and nothing of them is held on to: they may
    be mapped, and larger than the memory.

    Args:
        sequences: the steps and their targets.
        windows: where the samples are.
        written: the batches of each population, [batches, lanes].
        timesteps: steps of the longest sample; what follows a shorter one is anything.
    """
    sample, reset, weight = (
        np.stack(fields, axis=1) for fields in zip(*written, strict=True)
    )
    at = layouts.locate(windows, np.maximum(sample, 0))
    target = targets_at(sequences, at.sequence, at.first + at.length - 1)
    labelled = present(target)
    chunk = Chunk(
        x=stretches(sequences.values, at.first, timesteps),
        length=at.length.astype(np.int32),
        target=np.where(labelled, target, 0).astype(np.float32),
        reset=reset,
        weight=weight * labelled,
    )
    arrays.let_go(sequences.values)
    arrays.let_go(sequences.targets)
    return chunk


def stretches(values: np.ndarray, first: np.ndarray, timesteps: int) -> np.ndarray:
    """Copy out as many steps from each first one on.

    Blocks of memory, one for each stretch, are copied many times as fast as steps are.

    Args:
        values: [steps, features], row by row in memory.
        first: flat steps, of any shape.
        timesteps: how many; what would be behind the end is anything.

    Returns:
        [..., timesteps, features].

    Example:
        >>> stretches(np.arange(5.0)[:, None], np.array([0, 3]), 2)[..., 0]
        array([[0., 1.],
               [3., 4.]])
    """
    steps, features = values.shape
    latest = steps - timesteps
    blocks = sliding_window_view(values.reshape(-1), timesteps * features)
    x = blocks[np.minimum(first, latest) * features]
    x = x.reshape(*first.shape, timesteps, features)
    short = first > latest  # the last of the data, cut short by their end
    if short.any():
        step = first[short][:, None] + np.arange(timesteps)
        x[short] = values[np.minimum(step, steps - 1)]
    return x
