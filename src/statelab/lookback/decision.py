"""The decision of a lookback search: the smallest window not worse than the best.

Trials are compared over seeds, seed k of one with seed k of another, and over parts of
the validation split, as in the verdict. Nothing but their scores is used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from statelab.errors import UserError
from statelab.evaluation import paired_test
from statelab.evaluation.statistics import LEVEL, interval
from statelab.lookback.outcomes import Outcome
from statelab.networks import scores

# whether to prune the n-th trial of a group, by its scores after a first part
ShouldPrune = Callable[[int, np.ndarray], bool]


class Rule(NamedTuple):
    """Which score is compared, and what difference matters."""

    score: str  # accuracy, or the error rmse
    margin: float  # in units of the score

    @classmethod
    def of(cls, score: str, margin: float, baselines: Mapping[str, float]) -> "Rule":
        """Return the rule of a score.

        Args:
            score: accuracy, or the error rmse.
            margin: `evaluate.margin`; of errors, a share of that of the mean.
            baselines: `constant`, the score of the mean or the most frequent class.

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
    """The result of the trials so far."""

    best: Outcome
    smallest: Outcome  # not worse than it
    worse_below: int  # the longest shorter window that scores worse; or `low` - 1
    next_below: int | None  # the longest that scores worse than that one in turn


def judge(outcomes: Iterable[Outcome], rule: Rule, low: int) -> Decision:
    """Return the best trial, and the smallest window that is not worse.

    Args:
        outcomes: of the trials so far.
        rule: what is better.
        low: the shortest window that is searched.

    Raises:
        UserError: no trial of a window is complete.

    Example:
        >>> def trial(window, score):
        ...     scores = [score + k / 1e4 for k in range(6)]
        ...     return Outcome("optimise", 0, window, 1, None, "sample", 10, 0.01,
        ...                    "complete", 9, scores, scores, scores, {}, "")
        >>> decision = judge(
        ...     [trial(3, 0.5), trial(9, 0.9), trial(6, 0.8), trial(8, 0.9)],
        ...     Rule("accuracy", 0.01), low=1)
        >>> decision.best.window_length, decision.smallest.window_length
        (8, 8)
        >>> decision.worse_below, decision.next_below
        (6, 3)
    """
    outcomes = list(outcomes)
    windows = [outcome for outcome in outcomes if outcome.is_window]
    windows.sort(key=lambda outcome: outcome.window_length)
    if not windows:
        rates = sorted({outcome.learning_rate for outcome in outcomes})
        raise UserError(
            "search/params.yaml: `search.learning_rate` must let networks learn: every "
            f"trial was pruned. Received: {rates}"
        )
    best = best_of(windows, rule)
    smallest = next(window for window in windows if not_worse(window, best, rule))
    shorter = [
        window
        for window in windows
        if window.family == smallest.family
        and window.window_length < smallest.window_length
    ]
    below = _longest_worse(shorter, best, rule)
    if below is None:
        return Decision(best, smallest, low - 1, None)
    still_shorter = [
        window for window in shorter if window.window_length < below.window_length
    ]
    lowest = _longest_worse(still_shorter, below, rule)
    return Decision(
        best, smallest, below.window_length, lowest and lowest.window_length
    )


def best_of(outcomes: Iterable[Outcome], rule: Rule) -> Outcome:
    """Return the outcome with the best mean; of equal ones the first."""
    return max(outcomes, key=lambda outcome: rule.sign * outcome.mean)


def _longest_worse(
    shorter: Sequence[Outcome], other: Outcome, rule: Rule
) -> Outcome | None:
    scored_worse = (
        outcome for outcome in reversed(shorter) if _scores_worse(outcome, other, rule)
    )
    return next(scored_worse, None)


def _scores_worse(one: Outcome, other: Outcome, rule: Rule) -> bool:
    """Tell whether the networks of a trial are worse at the scored steps.

    That is enough to search on elsewhere. `worse` and `not_worse` speak of other steps
    as well.
    """
    gaps, _ = better_by(other, one, rule)
    low = gaps.mean() if len(gaps) == 1 else interval(gaps).low
    return bool(gaps.mean() > rule.margin and low is not None and low > 0)


def not_worse(one: Outcome, best: Outcome, rule: Rule) -> bool:
    """Tell whether a trial is shown to be not worse than the best, up to the margin.

    The 95 % interval of the difference ends below the margin, over seeds and over parts
    of validation. With a single seed its mean is compared.
    """
    if one is best:
        return True
    highs = (
        gaps.mean() if len(gaps) == 1 else interval(gaps).high
        for gaps in better_by(best, one, rule)
    )
    return all(high is not None and high <= rule.margin for high in highs)


def worse(one: Outcome, best: Outcome, rule: Rule) -> bool:
    """Tell whether a trial is shown to be worse than the best, beyond the margin."""
    return all(
        len(gaps) > 1
        and gaps.mean() > rule.margin
        and paired_test.p_value(gaps) < LEVEL
        for gaps in better_by(best, one, rule)
    )


def better_by(best: Outcome, one: Outcome, rule: Rule) -> list[np.ndarray]:
    """Return how much better the best is, for each seed and each part of validation."""
    return [
        rule.sign * (np.array(ours) - np.array(theirs))
        for ours, theirs in ((best.scores, one.scores), (best.parts, one.parts))
    ]
