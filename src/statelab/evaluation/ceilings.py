"""Ceilings: the best score that any model could have from what it may see."""

import numpy as np

from statelab.data.sequences import Sequences
from statelab.samples.windows import Windows, locate_predictions

MAX_SYMBOLS = 32  # more distinct values than this are taken for continuous inputs
MAX_VISIBLE = 20_000  # steps; where an answer may see more, it takes too long to tell
STEPS_AT_ONCE = 1 << 16  # of the flat steps, when symbols are counted


def visible_classes(
    values: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> np.ndarray:
    """Number stretches of steps so that equal stretches get equal numbers.

    Args:
        values: flat steps, [steps, features].
        start: first step of each stretch, [samples].
        stop: the step after its last, [samples].

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
    prefix = np.zeros(
        len(starts), int
    )  # class of the first `length` steps from a start
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
    """Return the accuracy of answering, for each class, its most frequent target.

    Who sees only the class cannot do better.

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
    answers: np.ndarray,
    target: np.ndarray,
) -> float | None:
    """Return the best accuracy that any model could reach from what it may see.

    Args:
        sequences: the steps.
        windows: where the answers are.
        visible_from: the first step that each answer can depend on, [answers].
        answers: the numbers of those that are asked for.
        target: theirs.

    Returns:
        The accuracy of a majority vote over equal visible inputs; None where inputs
        are continuous, or what is visible is no single stretch of steps, or a very long
        one.
    """
    start = visible_from[answers]
    if (start < 0).any() or _continuous(sequences.values):
        return None
    step = locate_predictions(windows, answers).step
    if (step - start).max() >= MAX_VISIBLE:
        return None
    classes = visible_classes(sequences.values, start, step + 1)
    return majority_vote(classes, target)


def _continuous(values: np.ndarray) -> bool:
    """Tell whether there are too many symbols, by looking no further than it takes."""
    symbols = np.empty(0)
    for start in range(0, len(values), STEPS_AT_ONCE):
        symbols = np.union1d(symbols, values[start : start + STEPS_AT_ONCE])
        if len(symbols) > MAX_SYMBOLS:
            return True
    return False
