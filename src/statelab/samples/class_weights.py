"""Class weights: how much each class counts in the loss."""

import numpy as np

from statelab.data.sequences import SPLITS, Sequences, present, targets_at
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    sequences_in_split,
)


def balanced(sequences: Sequences, windows: Windows) -> np.ndarray:
    """Return weights with which each class counts as much in the loss as each other.

    The weight of a class is n / (k · nₖ), of n targets of train in k classes nₖ of that
    one, as scikit-learn has it. A class that train lacks has a weight of 0.

    Args:
        sequences: the targets, classes.
        windows: the split, and the steps that are predicted.

    Returns:
        float32 [classes].

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> targets = np.array([0, 1, 1, 1, 0, 0])
        >>> data = Sequences(np.zeros((6, 1)), np.array([0, 4, 6]), targets)
        >>> balanced(data, make_windows(data.offsets, np.int8([0, 2]), layout="full",
        ...     window_length=1, stride=1, segment_length=1)).round(3)
        array([2.   , 0.667], dtype=float32)
    """
    number = predictions_of(windows, sequences_in_split(windows, SPLITS["train"]))
    at = locate_predictions(windows, number)
    target = targets_at(sequences, at.sequence, at.step)
    every = sequences.targets
    counts = np.bincount(target[present(target)], minlength=int(every.max()) + 1)
    even = counts.sum() / np.count_nonzero(counts)
    return np.where(counts > 0, even / np.maximum(counts, 1), 0).astype(np.float32)
