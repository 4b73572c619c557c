"""Numbers, counts and lists of names in words, written alike everywhere."""

import math
from collections.abc import Iterable

NAMES = 20  # of a list, at most


def number(value: float | None) -> str:
    """Write a number with the digits that are worth reading.

    Example:
        >>> number(0.5250), number(1e-7), number(63.354), number(None)
        ('0.5250', '1e-07', '63.35', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.2f}" if 10 <= abs(value) < 1e6 else f"{value:.3g}"


def interval(low: float | None, high: float | None) -> str:
    """Write the interval of a mean in brackets; nothing where there is none.

    Example:
        >>> interval(0.5, 0.625), interval(None, None)
        ('[0.5000, 0.6250]', '')
    """
    if low is None or math.isnan(low):
        return ""
    return f"[{number(low)}, {number(high)}]"


def count_of(count: int, noun: str) -> str:
    """Write a count and the noun that it counts.

    Example:
        >>> count_of(1, "layer"), count_of(1200, "batch")
        ('1 layer', '1,200 batches')
    """
    plural = "es" if noun.endswith("ch") else "s"
    return f"{count:,} {noun}{plural * (count != 1)}"


def in_steps(count: int) -> str:
    """Write a number of steps.

    Example:
        >>> in_steps(1), in_steps(1200)
        ('1 step', '1,200 steps')
    """
    return count_of(count, "step")


def step_range(shortest: int, longest: int) -> str:
    """Write how many steps there are at least and at most.

    Example:
        >>> step_range(3, 3), step_range(3, 1200)
        ('3 steps', '3 to 1,200 steps')
    """
    if shortest == longest:
        return in_steps(longest)
    return f"{shortest:,} to {in_steps(longest)}"


def listed(names: Iterable[str], most: int = NAMES) -> str:
    """Join names; of many, the first ones.

    Example:
        >>> listed("abc"), listed(map(str, range(32)))[-24:]
        ('a, b, c', '18, 19 and 12 more of 32')
    """
    names = list(names)
    more = len(names) - most
    text = ", ".join(names[:most])
    return text if more <= 0 else f"{text} and {more:,} more of {len(names):,}"
