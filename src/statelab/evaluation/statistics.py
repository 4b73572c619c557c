"""Intervals of means over seeds."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True)
class Interval:
    """A score over seeds, as `interval` returns it."""

    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    n: int  # seeds


@dataclass(frozen=True)
class Difference:
    """What pairs say of a difference, as `paired_test.compare` returns it."""

    mean: float
    std: float  # of the pairs
    low: float  # of the 95 % t interval of the mean
    high: float
    p: float  # that signs at random give a mean as far from 0, or farther
    n: int  # pairs
    detectable: float  # the gap that so many such pairs show four times in five


def interval(values: np.ndarray) -> Interval:
    """Summarise one score over seeds by its mean and the 95 % t interval of the mean.

    Args:
        values: one score for each seed, [seeds].

    Returns:
        With a standard deviation of ddof 1; None where one seed says nothing about
        spread, and where the score is not defined.

    Example:
        >>> round(interval(np.array([1.0, 2.0, 3.0])).high, 4)
        4.4841
    """
    n = len(values)
    if np.isnan(values).any():
        return Interval(mean=None, std=None, low=None, high=None, n=n)
    mean = float(np.mean(values))
    if n == 1:
        return Interval(mean, std=None, low=None, high=None, n=1)
    std = float(np.std(values, ddof=1))
    half = float(stdtrit(n - 1, 0.975) * std / np.sqrt(n))
    return Interval(mean, std, mean - half, mean + half, n)
