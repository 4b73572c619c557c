"""Trials of a lookback search, and how they ended."""

from typing import Any, NamedTuple

import numpy as np

COMPLETE, PRUNED = "complete", "pruned"


class Trial(NamedTuple):
    """One point of the space that is searched."""

    window_length: int  # time steps; with carried state those of a segment
    stride: int  # time steps between windows
    gradient_window: int | None  # time steps; None for a whole window
    reset: str  # sample: windows, without state | sequence | every_20, say
    units: int
    learning_rate: float

    @property
    def carries_state(self) -> bool:
        """Whether it is a stateful training, on segments."""
        return self.reset != "sample"


class Outcome(NamedTuple):
    """How a trial ended: its settings, as in `Trial`, and its scores."""

    phase: str  # optimise | bisect | stateful
    group: int  # trials of one group are begun together
    window_length: int
    stride: int
    gradient_window: int | None
    reset: str
    units: int
    learning_rate: float
    state: str  # complete | pruned
    updates: int
    early: list[float]  # the score of each seed, on validation, after a first part
    scores: list[float]  # and where the trial ended
    parts: list[float]  # of validation, in each the mean over seeds
    seconds: dict[str, float]  # compile, train, score, other
    worker: str

    @property
    def trial(self) -> Trial:
        """Its settings."""
        return Trial(*self[2:8])

    @property
    def mean(self) -> float:
        """The score over seeds."""
        return float(np.mean(self.scores))

    @property
    def family(self) -> tuple[Any, ...]:
        """All settings but the window length."""
        return self.trial[1:]

    @property
    def is_window(self) -> bool:
        """Whether it says what a window is worth: complete, and without state."""
        return self.state == COMPLETE and not self.trial.carries_state
