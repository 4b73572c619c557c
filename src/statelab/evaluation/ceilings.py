"""Ceilings: the best score that any model could have from what it may see."""

import numpy as np

from statelab.data.sequences import Sequences
from statelab.samples.windows import Windows, locate_predictions

MAX_SYMBOLS = 32  # more distinct values than this are taken for continuous inputs
MAX_VISIBLE = 20_000  # time steps; for predictions that may see more it takes too long
STEPS_AT_ONCE = 1 << 16  # of the flat time steps, when symbols are counted


def visible_classes(
    values: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> np.ndarray:
    """Number stretches of time steps so that equal stretches get equal numbers.

    Args:
        values: flat time steps, [steps, features].
        start: first time step of each stretch, [samples].
        stop: the time step after its last, [samples].

    Returns:
        Classes, int64 [samples].

    Example:
        >>> values = np.array([[1], [0], [0], [1], [0]])
        >>> visible_classes(values, np.array([0, 1, 3]), np.array([2, 3, 5]))
        array([3, 2, 3])
    """
    _, symbol = np.unique(values, axis=0, return_inverse=True)
    starts, origin = np.unique(start, return_inverse=True)
    lengths = stop - start
    longest = np.zeros(len(starts), int)
    np.maximum.at(longest, origin, lengths)
    by_length = np.argsort(lengths, kind="stable")
    ends = np.searchsorted(lengths[by_length], np.arange(longest.max() + 2))
    classes = np.empty(len(start), int)
    prefix = np.zeros(len(starts), int)  # class of the first `length` steps
    used, symbols = 0, symbol.max() + 1
    for length in range(1, longest.max() + 1):
        alive = np.flatnonzero(longest >= length)
        longer = prefix[alive] * symbols + symbol[starts[alive] + length - 1]
        distinct, prefix[alive] = np.unique(longer, return_inverse=True)
        ending = by_length[ends[length] : ends[length + 1]]
        classes[ending] = used + prefix[origin[ending]]
        used += len(distinct)
    return classes


def majority_vote(classes: np.ndarray, target: np.ndarray) -> float:
    """Return the accuracy of predicting, for each class, its most frequent target.

    No model that sees only the class can do better. With classes c and targets y, of n
    samples, it is the sum over c of max_y count(c, y), divided by n.

    Example:
        >>> majority_vote(np.array([0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0]))
        0.8
    """
    pairs, count = np.unique(np.stack([classes, target]), axis=1, return_counts=True)
    _, first_pair = np.unique(pairs[0], return_index=True)
    return float(np.maximum.reduceat(count, first_pair).sum() / len(target))


def find_ceiling(
    sequences: Sequences,
    windows: Windows,
    visible_from: np.ndarray,
    predictions: np.ndarray,
    target: np.ndarray,
) -> float | None:
    """Return the best accuracy that any model could reach from what it may see.

    Args:
        sequences: the time steps.
        windows: which time step each prediction is of.
        visible_from: the first time step that each prediction can depend on,
            [all predictions].
        predictions: the numbers of those that are scored, [predictions].
        target: their targets, [predictions].

    Returns:
        The accuracy of a majority vote over equal visible inputs; None where inputs
        are continuous, or what is visible is no single stretch of time steps, or a very
        long one.
    """
    start = visible_from[predictions]
    if (start < 0).any() or _continuous(sequences.values):
        return None
    step = locate_predictions(windows, predictions).step
    if (step - start).max() >= MAX_VISIBLE:
        return None
    classes = visible_classes(sequences.values, start, step + 1)
    return majority_vote(classes, target)


def _continuous(values: np.ndarray) -> bool:
    """Tell whether there are more than `MAX_SYMBOLS` values; stop at the first more."""
    symbols = np.empty(0)
    for start in range(0, len(values), STEPS_AT_ONCE):
        symbols = np.union1d(symbols, values[start : start + STEPS_AT_ONCE])
        if len(symbols) > MAX_SYMBOLS:
            return True
    return False
