"""What is found out about a file, and how sure that is."""

import re
from typing import Any, NamedTuple

import numpy as np


class Guess(NamedTuple):
    """The value of one setting, and what speaks for it."""

    setting: str  # its key in params.yaml, without `generate.`
    value: Any
    evidence: str
    certain: bool = True


class TextTable(NamedTuple):
    """Rows out of a file, as text."""

    cells: dict[str, list[str]]  # by column, without spaces around it, "" for nothing
    part: np.ndarray  # int [rows]: rows of one part follow one another in the file
    header: int  # rows of the header

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.part)

    def filled(self, column: str) -> list[str]:
        """Return the cells of a column that hold something."""
        return [cell for cell in self.cells[column] if cell]

    def count(self, column: str) -> int:
        """Return how many cells of a column differ from one another."""
        return len(set(self.cells[column]))

    def numbers(self, column: str, pattern: str) -> np.ndarray | None:
        """Return a column as float64; None where some cell does not match a pattern."""
        matches = re.compile(pattern).fullmatch
        if not all(map(matches, self.cells[column])):
            return None
        return np.array([float(cell) for cell in self.cells[column]])

    def follows(self, *columns: str) -> np.ndarray:
        """Tell which rows follow one with the same cells, [rows - 1]."""
        same = np.diff(self.part) == 0
        for column in columns:
            cells = np.array(self.cells[column], object)
            same &= cells[1:] == cells[:-1]
        return same


def listed_values(guesses: list[Guess]) -> dict[str, Any]:
    """Return values by setting.

    Example:
        >>> listed_values([Guess("horizon", 1, "the default", False)])
        {'horizon': 1}
    """
    return {guess.setting: guess.value for guess in guesses}
