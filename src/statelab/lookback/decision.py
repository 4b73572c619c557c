"""The answer of a lookback search: the smallest window that is not worse than the best.

Judged by seeds, seed k of a trial against seed k of another, and by parts of the
validation split, as a verdict is. Everything is read from the trials' scores.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from statelab.errors import UserError
from statelab.evaluation import paired_test
from statelab.evaluation.statistics import LEVEL, interval
from statelab.networks import scores

COMPLETE, PRUNED = "complete", "pruned"

# whether to give up the n-th trial of a group, by its scores after a first part
ShouldPrune = Callable[[int, np.ndarray], bool]


class Outcome(NamedTuple):
    """What a trial came to: its settings, as in `trials.Trial`, and its scores."""

    phase: str  # optimise | bisect | stateful
    group: int  # trials of one group are asked for together
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
    def mean(self) -> float:
        """The score over seeds."""
        return float(np.mean(self.scores))

    @property
    def family(self) -> tuple[Any, ...]:
        """All settings but the window length."""
        return self[3:8]

    @property
    def counts(self) -> bool:
        """Whether it says what a window is worth: whole, and without carried state."""
        return self.state == COMPLETE and self.reset == "sample"


class Rule(NamedTuple):
    """What is better, and by how much it matters."""

    score: str  # accuracy, or the error rmse
    margin: float  # in units of the score

    @classmethod
    def of(cls, score: str, margin: float, baselines: Mapping[str, float]) -> "Rule":
        """Return the rule of a score; the margin of errors is a share of a baseline.

        Example:
            >>> Rule.of("rmse", 0.01, {"constant": 2.0}).margin
            0.02
        """
        main = scores.of_columns([score]).main
        return cls(score, main.margin(margin, baselines["constant"]))

    @property
    def sign(self) -> int:
        """1 where more is better."""
        return scores.of_columns([self.score]).main.sign


class Decision(NamedTuple):
    """What the trials so far say."""

    best: Outcome
    smallest: Outcome  # not worse than it
    below: int  # the longest shorter window that is behind it, or one that is too short
    floor: int | None  # the longest that is behind `below`


def judge(outcomes: Iterable[Outcome], rule: Rule, low: int) -> Decision:
    """Return the best trial, and the smallest window that is not worse.

    Args:
        outcomes: of the trials so far.
        rule: what is better.
        low: the shortest window that is searched.

    Raises:
        UserError: none of a window has come to its end.

    Example:
        >>> def trial(window, score):
        ...     scores = [score + k / 1e4 for k in range(6)]
        ...     return Outcome("optimise", 0, window, 1, None, "sample", 10, 0.01,
        ...                    COMPLETE, 9, scores, scores, scores, {}, "")
        >>> found = judge([trial(3, 0.5), trial(9, 0.9), trial(6, 0.8), trial(8, 0.9)],
        ...               Rule("accuracy", 0.01), low=1)
        >>> found.best.window_length, found.smallest.window_length
        (8, 8)
        >>> found.below, found.floor
        (6, 3)
    """
    outcomes = list(outcomes)
    known = sorted(
        (each for each in outcomes if each.counts), key=lambda o: o.window_length
    )
    if not known:
        raise UserError(
            "search/params.yaml: `search.learning_rate` must let networks learn: every "
            f"trial was given up. Received: {sorted({o[7] for o in outcomes})}"
        )
    best = max(known, key=lambda each: rule.sign * each.mean)  # the first of equals
    smallest = next(each for each in known if not_worse(each, best, rule))
    shorter = [
        each
        for each in known
        if each.family == smallest.family
        and each.window_length < smallest.window_length
    ]
    below = _longest_behind(shorter, best, rule)
    if below is None:
        return Decision(best, smallest, low - 1, None)
    still = [each for each in shorter if each.window_length < below.window_length]
    floor = _longest_behind(still, below, rule)
    return Decision(best, smallest, below.window_length, floor and floor.window_length)


def _longest_behind(
    shorter: Sequence[Outcome], than: Outcome, rule: Rule
) -> Outcome | None:
    return next((each for each in reversed(shorter) if _behind(each, than, rule)), None)


def _behind(one: Outcome, other: Outcome, rule: Rule) -> bool:
    """Tell whether the networks of a trial are worse, on the steps that were asked.

    Enough to look elsewhere; of other steps `worse` and `not_worse` tell more.
    """
    gaps, _ = better_by(other, one, rule)
    low = gaps.mean() if len(gaps) == 1 else interval(gaps).low
    return bool(gaps.mean() > rule.margin and low is not None and low > 0)


def not_worse(one: Outcome, best: Outcome, rule: Rule) -> bool:
    """Tell whether a trial is shown to be no worse than the best by more than matters.

    The 95 % interval of what the best is better by ends below the margin, over seeds
    and over parts of validation. With a single seed the mean has to do.
    """
    if one is best:
        return True
    highs = (
        gaps.mean() if len(gaps) == 1 else interval(gaps).high
        for gaps in better_by(best, one, rule)
    )
    return all(high is not None and high <= rule.margin for high in highs)


def worse(one: Outcome, best: Outcome, rule: Rule) -> bool:
    """Tell whether a trial is shown to be worse than the best, and that it matters."""
    return all(
        len(gaps) > 1
        and gaps.mean() > rule.margin
        and paired_test.p_value(gaps) < LEVEL
        for gaps in better_by(best, one, rule)
    )


def better_by(best: Outcome, one: Outcome, rule: Rule) -> list[np.ndarray]:
    """Return by what the best is better, for each seed and each part of validation."""
    return [
        rule.sign * (np.array(ours) - np.array(theirs))
        for ours, theirs in ((best.scores, one.scores), (best.parts, one.parts))
    ]
