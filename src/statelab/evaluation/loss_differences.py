"""Is one prediction better than another beyond the accidents of this test split?

Losses of neighbouring time steps are alike, so that a thousand steps of one series say
less than a thousand series would.
"""

import math

import numpy as np
from scipy.special import stdtr, stdtrit

from statelab.evaluation import paired_test
from statelab.evaluation.statistics import LEVEL, Difference

FEW_SEQUENCES = 10  # with fewer, steps are compared as they follow each other in time
PARTS = 100  # of sequences, at most


def compare(gain: np.ndarray, sequence: np.ndarray, horizon: int = 1) -> Difference:
    """Compare the losses of two predictions at the same time steps.

    Args:
        gain: what one loses less than the other at each step, [steps].
        sequence: the number of the sequence of each step, in order, [steps].
        horizon: time steps ahead that are forecast: so long errors are alike at least.

    Returns:
        Of the mean gain. With 10 sequences or more, sequences are what is paired, up to
        100 parts of them. With fewer it is the test of Diebold and Mariano, as
        `over_time` has it.

    Example:
        >>> gain = np.repeat([1.0, 2.0, 0.0, 3.0, 1.0], 4)
        >>> one = compare(gain, np.zeros(20, int))
        >>> one.mean, round(one.low, 2), round(one.high, 2)
        (1.4, 0.78, 2.02)
    """
    number = np.unique(sequence, return_inverse=True)[1]
    count = int(number[-1]) + 1
    if count < FEW_SEQUENCES:
        return over_time(gain, number, horizon)
    parts = min(count, PARTS)
    part = number * parts // count
    means = np.bincount(part, gain) / np.bincount(part)
    return paired_test.compare(means, np.zeros(parts))


def over_time(gain: np.ndarray, sequence: np.ndarray, horizon: int) -> Difference:
    """Test a mean gain over time, with the variance of Newey and West.

    Covariances up to S steps apart count, with weights that fall to 0 there; S is twice
    the root of the steps, and no less than the horizon. As the mean is subtracted
    first, the variance is too small, of independent steps by 1 - b + b²/3 with b = S /
    steps, and is divided by that. Student's t has 1.5 / b degrees of freedom, which is
    how many independent stretches the variance is of, about.

    Args:
        gain, sequence, horizon: as in `compare`; steps of two sequences are taken to be
            independent.

    Reference:
        Diebold and Mariano, Comparing Predictive Accuracy, 1995. Newey and West, 1987.
        Lazarus, Lewis, Stock and Watson, HAR Inference, 2018.
    """
    steps, mean = len(gain), float(gain.mean())
    bandwidth = min(max(math.ceil(2 * math.sqrt(steps)), horizon), steps)
    share = bandwidth / steps
    rest = gain - mean
    variance = float(rest @ rest)
    for lag in range(1, bandwidth):
        alike = sequence[lag:] == sequence[:-lag]
        covariance = float((rest[lag:] * rest[:-lag])[alike].sum())
        variance += 2 * (1 - lag / bandwidth) * covariance
    variance /= 1 - share + share**2 / 3
    error = math.sqrt(max(variance, 0.0)) / steps
    freedom = max(1.5 / share, 1.0)
    half = float(stdtrit(freedom, 1 - LEVEL / 2)) * error
    p = 1.0 if mean == 0 else 0.0
    if error > 0:
        p = 2 * float(stdtr(freedom, -abs(mean) / error))
    return Difference(
        mean=mean,
        std=error * math.sqrt(steps),
        low=mean - half,
        high=mean + half,
        p=p,
        n=steps,
        detectable=paired_test.detectable_gap(error, freedom),
    )
