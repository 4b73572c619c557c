"""Scores of a population's answers, one number for each seed."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

EPSILON = 1e-7  # Keras's own, below which it calls a probability 0


def accuracy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the share of right answers.

    Args:
        probability: of class 1, [seeds, samples]; or of each of more classes, [seeds,
            samples, classes].
        target: classes, [samples].

    Returns:
        [seeds].

    Example:
        >>> accuracy(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 1]))
        array([0.75])
    """
    return (_chosen(probability) == target).mean(axis=1)


def crossentropy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean negative log-likelihood, in nats, never below 1e-7.

    Args and returns as in `accuracy`.

    Example:
        >>> crossentropy(np.array([[0.5, 0.25]]), np.array([1, 0])).round(4)
        array([0.4904])
    """
    if probability.ndim == 3:
        right = np.take_along_axis(probability, target[None, :, None], axis=2)[..., 0]
    else:
        right = np.where(target == 1, probability, 1 - probability.astype(np.float64))
    return -np.log(np.clip(right, EPSILON, 1 - EPSILON)).mean(axis=1)


def balanced_accuracy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean over the classes that occur of the share of right answers.

    Args and returns as in `accuracy`.

    Example:
        >>> balanced_accuracy(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 0]))
        array([0.66666667])
    """
    right = _chosen(probability) == target
    shares = [right[:, target == label].mean(axis=1) for label in np.unique(target)]
    return np.mean(shares, axis=0)


def auc(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the chance that a sample of a class is ranked above one of another.

    Of more than two classes it is the mean over each one against the rest; NaN where
    there is one class alone.

    Args and returns as in `accuracy`.

    Example:
        >>> auc(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 1]))
        array([0.75])
    """
    if probability.ndim == 2:
        return _auc_of_class(probability, target == 1)
    classes = np.unique(target)
    each = [_auc_of_class(probability[..., k], target == k) for k in classes]
    return np.mean(each, axis=0)


def squared_error(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean squared error.

    Args:
        value: [seeds, samples].
        target: [samples].

    Returns:
        [seeds].

    Example:
        >>> squared_error(np.array([[1.0, 3.0]]), np.array([1.0, 1.0]))
        array([2.])
    """
    # A seed at a time, in 64 bits: in 32 the square of a large error is infinite.
    return np.array([((row - target.astype(float)) ** 2).mean() for row in value])


def rmse(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the root of the mean squared error; see `squared_error`."""
    return np.sqrt(squared_error(value, target))


def mae(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean absolute error; see `squared_error`."""
    return np.abs(value - target).mean(axis=1)


def _chosen(probability: np.ndarray) -> np.ndarray:
    """Return the class that is answered, [seeds, samples]."""
    return probability.argmax(axis=2) if probability.ndim == 3 else probability > 0.5


def _auc_of_class(probability: np.ndarray, positive: np.ndarray) -> np.ndarray:
    from scipy.stats import (
        rankdata,
    )  # takes a second to import, and training needs none

    n, m = positive.sum(), (~positive).sum()
    if n * m == 0:
        return np.full(len(probability), np.nan)
    rank_sum = rankdata(probability, axis=1)[:, positive].sum(axis=1)
    return (rank_sum - n * (n + 1) / 2) / (n * m)


class Scores(NamedTuple):
    """What the answers of a head are scored by."""

    functions: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]
    main: str  # of them, the one by which answers are compared
    running: str  # the one that training counts as the weights move


_OF_CLASSES = Scores(
    {
        "accuracy": accuracy,
        "loss": crossentropy,
        "balanced_accuracy": balanced_accuracy,
        "auc": auc,
    },
    main="accuracy",
    running="accuracy",
)
SCORES = {
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "regression": Scores(
        {"rmse": rmse, "loss": squared_error, "mae": mae}, main="rmse", running="mae"
    ),
}
