"""What the values of rows show of their order in time, where rows follow in lanes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from statelab.diagnosis import step_hashes

MAX_ROWS = 200  # in which overlap is looked for
MIN_DIGITS = 12  # decimal digits by which it is no chance that steps are equal
ROUGH = 0.3  # of the spread: data whose steps differ by more show no order


def overlap(before: np.ndarray, after: np.ndarray) -> tuple[int, int] | None:
    """Look for rows that begin with the end of the row before: windows that overlap.

    By as many steps in each. Data that recur as often elsewhere, or with that period,
    show nothing.

    Args:
        before: rows, [n, timesteps, features].
        after: the row that follows each of them in its lane, of the same shape.

    Returns:
        By how many steps they overlap, and the first row that does; None if none does.

    Example:
        >>> x = np.arange(90).reshape(10, 9, 1)
        >>> overlap(x, x + 6), overlap(x, x + 9)
        ((3, 0), None)
    """
    before, after = before[:MAX_ROWS], after[:MAX_ROWS]
    if len(before) < 3:
        return None
    _, count = np.unique(
        step_hashes.steps(np.concatenate([before, after])), return_counts=True
    )
    rarity = -np.log10(np.sum((count / count.sum()) ** 2))  # of two equal steps
    elsewhere = np.roll(after, len(after) // 2, axis=0)
    for steps in range(before.shape[1] - 1, 0, -1):
        tail, head = before[:, -steps:], after[:, :steps]
        overlaps = _equal(tail, head)
        recurs = _equal(before[:, steps:], before[:, :-steps]).mean()
        by_chance = _equal(tail, elsewhere[:, :steps]).mean()
        varied = _equal(tail, tail[:, :1]).mean() < 0.5 or steps == 1
        certain = overlaps.sum() * steps * rarity > MIN_DIGITS
        mostly = overlaps.mean() >= 0.8 and by_chance <= 0.2 and recurs <= 0.6
        if mostly and varied and certain:
            return steps, int(overlaps.argmax())
    return None


def _equal(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which rows are equal throughout, [n]."""
    return (some == others).reshape(len(some), -1).all(axis=1)


class Smoothness(NamedTuple):
    """How far values go from one step to the next, in units of the spread."""

    inside: float  # rows
    along: float  # lanes: from a row to the one that follows it
    flat: float  # from a row to the one that is fed beside it


def smoothness(
    rows: Sequence[np.ndarray], before: np.ndarray, after: np.ndarray
) -> Smoothness | None:
    """Measure how smoothly rows go on.

    Args:
        rows: in the order in which they are fed, each [n, timesteps, features].
        before: rows, [m, timesteps, features].
        after: the row that follows each of them in its lane, of the same shape.

    Returns:
        Medians; None where rows are too few, too short or too rough.
    """
    joined = np.concatenate(rows)
    if len(before) < 3 or joined.shape[1] < 3:
        return None
    spread = joined.std(axis=(0, 1))
    if not spread.any():
        return None

    def change(some: np.ndarray, others: np.ndarray) -> np.ndarray:
        by_feature = np.abs(some - others)[..., spread > 0] / spread[spread > 0]
        return by_feature.max(axis=-1)

    inside = float(np.median(change(joined[:, 1:], joined[:, :-1])))
    if not 0 < inside < ROUGH:
        return None
    along = float(np.median(change(after[:, 0], before[:, -1])))
    beside = np.concatenate([change(x[1:, 0], x[:-1, -1]) for x in rows])
    flat = float(np.median(beside)) if beside.size else np.inf
    return Smoothness(inside, along, flat)
