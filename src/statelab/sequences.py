"""Sequences of any lengths, laid end to end in flat arrays, and their split."""

from typing import NamedTuple

import numpy as np

SPLITS = {"train": 0, "validation": 1, "test": 2}


class Sequences(NamedTuple):
    """Sequences end to end, as Arrow lays out a list column."""

    values: np.ndarray  # float32 [steps, features]
    offsets: (
        np.ndarray
    )  # int64 [sequences + 1]; sequence s is values[offsets[s]:offsets[s+1]]
    targets: np.ndarray  # float32 [sequences] or [steps]


def targets_at(
    sequences: Sequences, sequence: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Return the targets of some steps: a sequence's, or the steps' own.

    Args:
        sequences: the targets, and how many steps there are.
        sequence: which sequence each step belongs to, of any shape.
        step: flat steps, in the same shape.

    Example:
        >>> values = np.zeros((5, 1), np.float32)
        >>> task = Sequences(values, np.array([0, 2, 5]), np.array([1.0, 0.0]))
        >>> targets_at(task, np.array([0, 1, 1]), np.array([1, 2, 4]))
        array([1., 0., 0.])
    """
    each_step = len(sequences.targets) == len(sequences.values)
    return sequences.targets[step if each_step else sequence]


def count(size: int | float, sequences: int) -> int:
    """Return a size as a count of sequences, be it given as a count or a fraction.

    Example:
        >>> count(0.25, 10), count(3, 10)
        (2, 3)
    """
    return size if isinstance(size, int) else round(size * sequences)


def split(
    classes: np.ndarray,
    *,
    test_size: int | float,
    validation_size: int | float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Assign every sequence to train, validation or test, each class in proportion.

    Args:
        classes: the class of each sequence, [sequences].
        test_size: sequences to test on: a count, or a fraction of all.
        validation_size: likewise; these are taken out of what is left to train on.
        rng: draws which sequences of a class go where.

    Returns:
        A code of `SPLITS` for each sequence, int8 [sequences].

    Example:
        >>> classes = np.array([0, 1, 0, 1, 0, 1])
        >>> rng = np.random.default_rng(0)
        >>> split(classes, test_size=2, validation_size=0, rng=rng)
        array([0, 0, 2, 2, 0, 0], dtype=int8)
    """
    order = rng.permutation(len(classes))
    # Deal the classes like cards: the k-th member of a class of n has rank (k + ½)/n,
    # so that every stretch of the deal holds the classes in proportion.
    rank = np.empty(len(classes))
    for label in np.unique(classes):
        members = order[classes[order] == label]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    dealt = order[np.argsort(rank[order], kind="stable")]
    test, validation = (
        count(size, len(classes)) for size in (test_size, validation_size)
    )
    codes = np.full(len(classes), SPLITS["train"], np.int8)
    codes[dealt[:test]] = SPLITS["test"]
    codes[dealt[test : test + validation]] = SPLITS["validation"]
    return codes
