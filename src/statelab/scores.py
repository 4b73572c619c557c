"""Scores of a population's answers, one number for each seed."""

import numpy as np

EPSILON = 1e-7  # Keras's own, below which it calls a probability 0


def accuracy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the share of right answers.

    Args:
        probability: of class 1, [seeds, samples].
        target: 0 or 1, [samples].

    Returns:
        [seeds].

    Example:
        >>> accuracy(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 1]))
        array([0.75])
    """
    return ((probability > 0.5) == (target > 0.5)).mean(axis=1)


def binary_crossentropy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean negative log-likelihood, in nats, never below 1e-7.

    Args:
        probability: of class 1, [seeds, samples].
        target: 0 or 1, [samples].

    Returns:
        [seeds].

    Example:
        >>> binary_crossentropy(np.array([[0.5, 0.25]]), np.array([1, 0])).round(4)
        array([0.4904])
    """
    right = np.where(target > 0.5, probability, 1 - probability.astype(np.float64))
    return -np.log(np.clip(right, EPSILON, 1 - EPSILON)).mean(axis=1)


def balanced_accuracy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean over both classes of the share of right answers.

    Args and returns as in `accuracy`.

    Example:
        >>> balanced_accuracy(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 0]))
        array([0.66666667])
    """
    positive = target > 0.5
    right = (probability > 0.5) == positive
    return (right[:, positive].mean(axis=1) + right[:, ~positive].mean(axis=1)) / 2


def auc(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the chance that a sample of class 1 is ranked above one of class 0.

    Args and returns as in `accuracy`.

    Example:
        >>> auc(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 1]))
        array([0.75])
    """
    from scipy.stats import (
        rankdata,
    )  # takes a second to import, and training needs none

    positive = target > 0.5
    n, m = positive.sum(), (~positive).sum()
    rank_sum = rankdata(probability, axis=1)[:, positive].sum(axis=1)
    return (rank_sum - n * (n + 1) / 2) / (n * m)


SCORES = {
    "accuracy": accuracy,
    "loss": binary_crossentropy,
    "balanced_accuracy": balanced_accuracy,
    "auc": auc,
}
