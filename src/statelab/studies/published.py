"""Published figures, and whether our runs agree with them.

Two rules, by what is published. A mean and a standard deviation over some runs are
compared with ours by Welch's t test. A single figure is taken for one run, and has to
lie where a further run of ours would.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit  # scipy.stats takes a second to import

from statelab.evaluation.statistics import LEVEL, Interval, interval

AGREES, DIFFERS, CANNOT_TELL = "agrees", "differs", "cannot tell"
MARGIN = 0.05  # of the published figure; a smaller difference does not matter
WIDEST = 0.5  # of the published figure; in a wider interval nearly all would lie


class Published(NamedTuple):
    """A figure that somebody has published."""

    mean: float
    std: float | None = None  # over the runs; None where one figure is all there is
    n: int = 1  # runs
    half: float = 0.0  # of its last digit, or of a range: so far off it may be


class Difference(NamedTuple):
    """The difference of two means, and its 95 % interval by Welch."""

    mean: float
    low: float
    high: float


def compare(published: Published, scores: np.ndarray) -> str:
    """Say whether our runs agree with a published figure.

    Of a mean and a standard deviation: `differs` where Welch's test has p < 0.05, which
    is where the interval of the difference is without 0; `agrees` where that interval
    is within 5 % of the published mean; else `cannot tell`.

    Of a single figure: `differs` where it is outside the 95 % prediction interval of
    our runs; `cannot tell` where it is inside, and the interval is wider than half of
    the figure; else `agrees`.

    Args:
        published: the figure.
        scores: ours, in the same unit, [runs].

    Example:
        >>> ours = np.array([9.9, 10.0, 10.1])
        >>> compare(Published(10.0, std=0.1, n=5), ours), compare(Published(12.0), ours)
        ('agrees', 'differs')

    Reference:
        Welch, The generalization of "Student's" problem when several different
        population variances are involved, Biometrika 34, 1947.
    """
    if published.std is not None:
        margin = MARGIN * abs(published.mean)
        theirs = Interval(published.mean, published.std, None, None, published.n)
        _, low, high = difference(interval(scores), theirs)
        if low > 0 or high < 0:
            return DIFFERS
        return AGREES if -margin <= low and high <= margin else CANNOT_TELL
    low, high = prediction_interval(scores)
    if not low - published.half <= published.mean <= high + published.half:
        return DIFFERS
    wide = high - low > WIDEST * abs(published.mean)
    return CANNOT_TELL if wide else AGREES


def difference(one: Interval, other: Interval) -> Difference:
    """Return the difference of two means of independent runs, one minus the other.

        d ± t(ν) √(v₁ + v₂), v = s²/n, ν = (v₁ + v₂)² / (v₁²/(n₁ - 1) + v₂²/(n₂ - 1))

    Args:
        one, other: each with its mean, its standard deviation and its runs.

    Example:
        >>> ours, theirs = (Interval(m, s, None, None, 10) for m, s in ((5, 1), (3, 2)))
        >>> [round(value, 2) for value in difference(ours, theirs)]
        [2, 0.48, 3.52]
    """
    parts = []
    for score in (one, other):
        if score.mean is None or score.std is None:
            raise ValueError(f"must be of two runs or more. Received: {score}")
        parts.append((score.mean, score.std**2 / score.n, score.n - 1))
    (mean, v, df), (other_mean, w, other_df) = parts
    centre = mean - other_mean
    if v + w == 0:
        return Difference(centre, centre, centre)
    freedom = (v + w) ** 2 / (v**2 / df + w**2 / other_df)
    half = float(stdtrit(freedom, 1 - LEVEL / 2) * np.sqrt(v + w))
    return Difference(centre, centre - half, centre + half)


def prediction_interval(scores: np.ndarray) -> tuple[float, float]:
    """Return where a further run lies, 95 times in 100.

        mean ± t(n - 1) s √(1 + 1/n)

    Args:
        scores: of some runs, [runs]; one alone is taken for exact.

    Example:
        >>> low, high = prediction_interval(np.array([1.0, 2.0, 3.0]))
        >>> round(low, 4), round(high, 4)
        (-2.9683, 6.9683)
    """
    n, mean = len(scores), float(np.mean(scores))
    if n == 1:
        return mean, mean
    std = float(np.std(scores, ddof=1))
    half = float(stdtrit(n - 1, 1 - LEVEL / 2) * std * np.sqrt(1 + 1 / n))
    return mean - half, mean + half


def chance_difference(std: float, runs: int) -> float:
    """Return how far the means of two equal arms are apart, at most 95 times in 100.

        t(2n - 2) s √(2/n)

    Args:
        std: of a run.
        runs: of each arm.

    Example:
        >>> round(chance_difference(7.0, 10), 2)
        6.58
    """
    return float(stdtrit(2 * runs - 2, 1 - LEVEL / 2) * std * np.sqrt(2 / runs))
