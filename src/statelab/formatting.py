"""Numbers and steps in words, written alike everywhere."""


def number(value: float | None) -> str:
    """Write a number with the digits that are worth reading.

    Example:
        >>> number(0.5250), number(1e-7), number(63.354), number(None)
        ('0.5250', '1e-07', '63.35', '–')
    """
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.2f}" if 10 <= abs(value) < 1e6 else f"{value:.3g}"


def in_steps(count: int) -> str:
    """Write a number of steps.

    Example:
        >>> in_steps(1), in_steps(1200)
        ('1 step', '1,200 steps')
    """
    return f"{count:,} step{'s' * (count != 1)}"
