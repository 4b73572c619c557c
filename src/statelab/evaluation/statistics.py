"""Intervals of means over seeds."""

import numpy as np
from scipy.special import stdtrit


def interval(values: np.ndarray) -> dict[str, float | int | None]:
    """Summarise one score over seeds by its mean and the 95 % t interval of the mean.

    Args:
        values: one score for each seed, [seeds].

    Returns:
        `mean`, `std` (ddof 1), `low`, `high` and `n`; null where one seed says nothing
        about spread, and where the score is not defined.

    Example:
        >>> interval(np.array([1.0, 2.0, 3.0]))["high"].round(4)
        np.float64(4.4841)
    """
    n = len(values)
    if np.isnan(values).any():
        return {"mean": None, "std": None, "low": None, "high": None, "n": n}
    mean = float(np.mean(values))
    if n == 1:
        return {"mean": mean, "std": None, "low": None, "high": None, "n": 1}
    std = float(np.std(values, ddof=1))
    half = stdtrit(n - 1, 0.975) * std / np.sqrt(n)
    return {"mean": mean, "std": std, "low": mean - half, "high": mean + half, "n": n}
