"""The 95 % t interval of a mean over seeds, and what pairs of seeds say."""

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit  # scipy.stats takes a second to import

LEVEL = 0.05  # of intervals and tests, two-sided


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

    The interval is mean ± t · s / √n, where t is the 97.5 % quantile of Student's t
    with n − 1 degrees of freedom and s the standard deviation.

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
    half = half_width(std, n)
    return Interval(mean, std, mean - half, mean + half, n)


def half_width(std: float, n: int) -> float:
    """Return half the width of the 95 % t interval of the mean of n values.

    Example:
        >>> round(half_width(1.0, 3), 4)
        2.4841
    """
    return float(stdtrit(n - 1, 1 - LEVEL / 2) * std / np.sqrt(n))
