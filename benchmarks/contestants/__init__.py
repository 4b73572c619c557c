"""Those who train: each module is one tool, and all are used in the same way.

`prepare(work, updates, form)` returns a `Turn`. Whatever is done once, whoever's it is,
is done in there or in the first run; what is done for each pass over the data is not.
"""

from collections.abc import Callable
from typing import NamedTuple


class Turn(NamedTuple):
    """A pass over the data, and how much it is."""

    run: Callable[[], float]  # trains on from where it was; returns the mean loss
    updates: int  # of all networks together
