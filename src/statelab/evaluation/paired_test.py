"""Statistics of paired differences: seed k of a training against seed k of another."""

import bisect
import math

import numpy as np
from scipy import optimize, stats

from statelab.evaluation.statistics import LEVEL, Difference, half_width

POWER = 0.8  # with which a detectable gap is detected
RESAMPLES = 9999  # of signs; all of them where there are fewer, up to 13 pairs


def compare(one: np.ndarray, other: np.ndarray) -> Difference:
    """Compare two trainings seed by seed.

    The test is the paired permutation test: were there no difference, either of a pair
    might as well have had the score of the other. All ties are no difference.

    Args:
        one, other: a score for each seed, [seeds]; two at least.

    Returns:
        Of `one` minus `other`.

    Example:
        >>> compare(np.array([3.0, 5.0, 4.0, 4.0]), np.array([2.0, 3.0, 3.0, 3.0])).p
        0.125

    Reference:
        Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005, 3.
    """
    difference = one - other
    n = len(difference)
    mean, std = float(difference.mean()), float(difference.std(ddof=1))
    half = half_width(std, n)
    return Difference(
        mean=mean,
        std=std,
        low=mean - half,
        high=mean + half,
        p=p_value(difference),
        n=n,
        detectable=detectable(std, n),
    )


def corrected(difference: np.ndarray, test_share: float) -> Difference | None:
    """Compare two trainings split by split, whose train sets overlap.

    Splits are less independent than pairs of seeds: the variance of their mean is (1 /
    splits + test / train) times that of the splits, in place of 1 / splits.

    Args:
        difference: on each split, [splits].
        test_share: steps of test by those of train.

    Returns:
        By Student's t with splits - 1 degrees of freedom; None for less than two.

    Example:
        >>> over_splits = corrected(np.array([1.0, 2.0, 3.0]), 0.25)
        >>> round(over_splits.low, 3), round(over_splits.high, 3)
        (-1.286, 5.286)

    Reference:
        Nadeau and Bengio, Inference for the Generalization Error, 2003.
    """
    n = len(difference)
    if n < 2:
        return None
    mean, std = float(difference.mean()), float(difference.std(ddof=1))
    error = std * math.sqrt(1 / n + test_share)
    half = float(stats.t.ppf(1 - LEVEL / 2, n - 1)) * error
    p = 1.0 if mean == 0 else 0.0
    if error > 0:
        p = 2 * float(stats.t.sf(abs(mean) / error, n - 1))
    return Difference(
        mean=mean,
        std=std,
        low=mean - half,
        high=mean + half,
        p=p,
        n=n,
        detectable=detectable_gap(error, n - 1),
    )


def p_value(difference: np.ndarray) -> float:
    """Return how often signs at random give a mean as far from 0, or farther.

    Args:
        difference: of each pair, [pairs].

    Example:
        >>> p_value(np.array([1.0, 2.0, 3.0])), p_value(np.zeros(3))
        (0.25, 1.0)
    """
    if not difference.any():
        return 1.0
    result = stats.permutation_test(
        (difference,),
        np.mean,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def detectable(std: float, n: int) -> float:
    """Return the gap that a paired t test would detect four times in five.

    It is δ · std / √n, where δ solves P(T > t) = 0.8: T follows a noncentral t
    distribution with n − 1 degrees of freedom and noncentrality δ, and t is the 97.5 %
    quantile of Student's t.

    Args:
        std: of the differences.
        n: pairs.

    Example:
        >>> round(detectable(1.0, 10), 3), detectable(0.0, 10)
        (0.996, 0.0)

    Reference:
        Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988, 2.
    """
    return detectable_gap(std / math.sqrt(n), n - 1)


def detectable_gap(error: float, freedom: float) -> float:
    """Return the gap that a t test would detect four times in five.

    Args:
        error: the standard error of the mean.
        freedom: degrees of freedom of Student's t; at least 1.

    Example:
        >>> round(detectable_gap(10**-0.5, 9), 3)
        0.996
    """
    critical = stats.t.ppf(1 - LEVEL / 2, freedom)

    def missing_power(shift: float) -> float:
        """Power of a mean that many standard errors from 0, less what is wanted.

        That the test calls it a difference in the other direction is left out: there
        power is below 1e-4 where it is 0.8 in this one.
        """
        return float(stats.nct.sf(critical, freedom, shift)) - POWER

    # with one degree of freedom the t of 5 % is 12.7 standard errors
    shift = optimize.root_scalar(missing_power, bracket=(1.0, 4 * critical)).root
    return float(shift * error)


def pairs_for(gap: float, std: float, most: int = 100_000) -> int | None:
    """Return how many pairs it takes to detect a gap; None where `most` do not.

    Args:
        gap: above 0.
        std: of the differences.
        most: pairs to try.

    Example:
        >>> pairs_for(3.45, 9 * 2**0.5), pairs_for(1.0, 0.0)
        (109, 2)
    """
    counts = range(2, most + 1)
    enough = bisect.bisect_left(counts, True, key=lambda n: detectable(std, n) <= gap)
    return counts[enough] if enough < len(counts) else None
