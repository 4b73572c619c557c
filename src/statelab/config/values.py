"""Values of params.yaml that are words with a number in them, parsed once."""

import re
from typing import Self


class Reset(str):
    """Where carried state is set to zero, as params.yaml writes it.

    `sequence`: at the beginning of each sequence. `every_20`: there, and every 20 time
    steps of it. `never`: once an epoch. `sample`: at each sample, so that no state is
    carried.

    Raises:
        ValueError: it is none of these.

    Example:
        >>> Reset("every_20").every, Reset("sequence").every
        (20, None)
    """

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch("sample|sequence|never|every_[1-9][0-9]*", text):
            raise ValueError("must be sequence, never or, say, every_20")
        return super().__new__(cls, text)

    @property
    def every(self) -> int | None:
        """Time steps from a reset to the next within a sequence; None for no such."""
        steps = self.removeprefix("every_")
        return int(steps) if steps.isdecimal() else None


class ForgetBias(str):
    """How the forget gates of an LSTM begin, as params.yaml writes it.

    `unit`: a bias of 1, as in Keras. `chrono`: spread out up to the longest sequence;
    `chrono_133`: up to 133 time steps.

    Raises:
        ValueError: it is none of these.

    Example:
        >>> ForgetBias("chrono_133").longest(20), ForgetBias("chrono").longest(20)
        (133, 20)
    """

    def __new__(cls, text: str) -> Self:
        if not re.fullmatch("unit|chrono(_[1-9][0-9]*)?", text):
            raise ValueError("must be unit, chrono or, say, chrono_133")
        return super().__new__(cls, text)

    @property
    def chrono(self) -> bool:
        """Whether biases are spread out."""
        return self != "unit"

    def longest(self, sequence: int) -> int:
        """Return up to how many time steps, where a sequence has at most so many."""
        return int(self.removeprefix("chrono").removeprefix("_") or sequence)


def count(size: int | float, sequences: int) -> int:
    """Return a size as a count of sequences, be it given as a count or a fraction.

    A fraction above 0 is at least one sequence.

    Example:
        >>> count(0.25, 10), count(0.1, 3), count(0.0, 10), count(3, 10)
        (2, 1, 0, 3)
    """
    if isinstance(size, int) or size == 0:
        return int(size)
    return max(round(size * sequences), 1)
