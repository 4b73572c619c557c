"""Lags: the features of the last steps, side by side, as linear models take them."""

import numpy as np

from statelab.data.sequences import Sequences, present, targets_at
from statelab.samples.windows import Windows


def lagged(sequences: Sequences, step: np.ndarray, lags: int) -> np.ndarray:
    """Return the features of some steps and of those before them.

    Args:
        sequences: the steps.
        step: flat steps, int64 [rows].
        lags: how many steps, each step itself counted.

    Returns:
        float32 [rows, lags * features], the step itself first. Before the first step of
        a sequence its first step stands again.

    Example:
        >>> values = np.float32([1, 2, 3, 10, 20])[:, None]
        >>> two = Sequences(values, np.array([0, 3, 5]), np.zeros(5))
        >>> lagged(two, np.array([2, 3, 4]), 3)
        array([[ 3.,  2.,  1.],
               [10., 10., 10.],
               [20., 10., 10.]], dtype=float32)
    """
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    source = step[:, None] - np.arange(lags)
    source = np.maximum(source, sequences.offsets[sequence][:, None])
    return sequences.values[source].reshape(len(step), -1)


def steps_of(
    sequences: Sequences, windows: Windows, code: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat steps of a split that have a target, and the targets.

    Args:
        sequences: the steps and their targets.
        windows: which steps are in which split.
        code: of `sequences.SPLITS`.
    """
    rows = np.flatnonzero(windows.split == code)
    stretches = [np.arange(windows.first[row], windows.stop[row]) for row in rows]
    step = np.concatenate([np.empty(0, np.int64), *stretches])
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    target = targets_at(sequences, sequence, step)
    known = present(target)
    return step[known], target[known]
