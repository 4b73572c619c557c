"""The verdict: does state have to be carried, and how do we know?"""

from typing import NamedTuple

import numpy as np

from statelab.config.modes import AGAIN, IN_USE
from statelab.evaluation import loss_differences, paired_test
from statelab.evaluation.comparison import BaselineScore, Candidate, Comparison
from statelab.evaluation.statistics import LEVEL, Difference, interval

SEEDS = 10  # of each mode that a verdict takes at least
SPLITS = 5  # from which on the verdict must hold over splits, too
FAIR = 0.1  # share of updates, or labelled steps, by which modes may differ


class Verdict(NamedTuple):
    """What the comparison shows, and what that rests on."""

    # no_better_than | unequal_budgets | not_settled | state_needed | state_helps |
    # window_suffices | no_difference | neither_learns; None for too few networks
    kind: str | None
    # of neither_learns: ceiling | gradient_window; of no_better_than: of which baseline
    cause: str | None
    stateless: Candidate  # as chosen on validation
    stateful: Candidate
    margin: float  # in units of the score
    # what stateful is better than stateless by; None for less than two of them
    difference: Difference | None  # over pairs of seeds
    over_test: Difference  # over the time, or the sequences, of the test split
    over_splits: Difference | None  # over splits; None for less than two of them
    noise: dict[str, Difference]  # by mode, of the same networks from other seeds
    learn: dict[str, bool]  # by mode: is the chosen one better than the constant?
    best_simple: BaselineScore | None  # of the simple methods, where there are some

    @property
    def chosen(self) -> tuple[Candidate, Candidate]:
        """What is compared, stateless first."""
        return self.stateless, self.stateful


def judge(comparison: Comparison, margin: float) -> Verdict:
    """Compare the chosen variants of both modes on test.

    | verdict | where |
    | --- | --- |
    | `no_better_than` | there are simple methods, and neither mode is better than the \
best of them |
    | `neither_learns` | both are no better than one prediction for all, and it is \
known why: no model could be, or no gradient reaches some of the time steps; or they \
differ all the same |
    | `unequal_budgets` | one mode had over 10 % more updates, or labelled steps, than \
the other: no fair comparison |
    | `not_settled` | the last third of a training made it better by more than the \
margin: it might get better still |
    | `state_needed` | stateful is better by more than the margin, p below 0.05, and \
windows as long as a sequence were trained without state |
    | `state_helps` | the same, where only shorter windows were |
    | `window_suffices` | stateless learns, and the 95 % interval of what stateful is \
better by ends below the margin |
    | `no_difference` | anything else: these networks cannot tell |

    All networks predict one test split, and may agree on an accident of it. So the
    verdict must hold over seeds, and over the steps of the test split as well; where
    there are several splits, over the test steps of all of them, and from `SPLITS` on
    over splits.

    Args:
        comparison: the candidates.
        margin: a smaller difference does not matter: in accuracy, or as a share of the
            baseline's error.
    """
    margin = comparison.score.margin(margin, comparison.baseline)
    stateless = _chosen(comparison, "stateless")
    stateful = _chosen(comparison, "stateful")
    verdict = Verdict(
        kind=None,
        cause=None,
        stateless=stateless,
        stateful=stateful,
        margin=margin,
        difference=_over_seeds(comparison, stateful, stateless),
        over_test=_over_test(comparison, stateful.errors, stateless.errors),
        over_splits=paired_test.corrected(comparison.by_split, comparison.test_share),
        noise=_noise(comparison),
        learn={
            candidate.mode: learns(comparison, candidate, margin)
            for candidate in (stateless, stateful)
        },
        best_simple=_best_simple(comparison),
    )
    if min(len(stateless.test), len(stateful.test)) < SEEDS:
        return verdict
    kind, cause = _kind(comparison, verdict)
    return verdict._replace(kind=kind, cause=cause)


def _kind(comparison: Comparison, verdict: Verdict) -> tuple[str, str | None]:
    assert verdict.difference is not None
    simple = verdict.best_simple
    if simple is not None and not any(
        _better_than(comparison, one, simple.test, simple.errors, verdict.margin)
        for one in verdict.chosen
    ):
        return "no_better_than", simple.name
    if not any(verdict.learn.values()) and (cause := _cause(comparison, verdict)):
        return "neither_learns", cause
    if unequal_budgets(*verdict.chosen):
        return "unequal_budgets", None
    if any(one.late_gain > verdict.margin for one in verdict.chosen):
        return "not_settled", None
    by_chance = [verdict.difference, verdict.over_test]
    if verdict.over_splits is not None and verdict.over_splits.n >= SPLITS:
        by_chance.append(verdict.over_splits)
    differs = max(difference.p for difference in by_chance) < LEVEL
    high = max(difference.high for difference in by_chance)
    better_by, margin = verdict.difference.mean, verdict.margin
    if not any(verdict.learn.values()):
        matters = abs(better_by) > margin
        return ("neither_learns" if differs and matters else "no_difference"), None
    if differs and better_by > margin:
        whole = longest_window(comparison) >= comparison.longest_sequence
        return ("state_needed" if whole else "state_helps"), None
    if verdict.learn["stateless"] and high <= margin:
        return "window_suffices", None
    return "no_difference", None


def _cause(comparison: Comparison, verdict: Verdict) -> str | None:
    """Say why neither mode learns, whatever the number of updates; None if unknown."""
    ceilings = [one.ceiling for one in verdict.chosen]
    highest = comparison.baseline + verdict.margin
    if all(ceiling is not None and ceiling <= highest for ceiling in ceilings):
        return "ceiling"
    return "gradient_window" if gradient_too_short(comparison) else None


def gradient_too_short(comparison: Comparison) -> bool:
    """Tell whether there are time steps that no gradient of any variant reaches."""
    return longest_gradient_window(comparison) < comparison.target_gap


def longest_gradient_window(comparison: Comparison) -> int:
    """Return the longest gradient window of all variants."""
    return max(candidate.gradient_window for candidate in comparison.candidates)


def unequal_budgets(one: Candidate, other: Candidate) -> bool:
    """Tell whether updates or labelled steps differ by more than `FAIR`."""
    return any(
        max(pair) > (1 + FAIR) * min(pair)
        for pair in (
            (one.updates, other.updates),
            (one.labelled_steps, other.labelled_steps),
        )
    )


def longest_window(comparison: Comparison) -> int:
    """Return the steps of the longest window that was trained without state."""
    return max(c.timesteps for c in comparison.candidates if c.mode == "stateless")


def _best_simple(comparison: Comparison) -> BaselineScore | None:
    """Return the best simple method on validation, or without such a split on test."""

    def quality(baseline: BaselineScore) -> float:
        chosen_on = baseline.validation
        score = baseline.test if chosen_on is None else chosen_on
        return comparison.score.sign * score

    return max(comparison.simple, key=quality, default=None)


def _chosen(comparison: Comparison, mode: str) -> Candidate:
    return next(c for c in comparison.candidates if c.mode == mode and c.chosen)


def in_use(comparison: Comparison, mode: str) -> Candidate:
    """Return the candidate of a mode that is trained as params.yaml has it."""
    return next(
        c for c in comparison.candidates if (c.mode, c.variant) == (mode, IN_USE)
    )


def learns(comparison: Comparison, candidate: Candidate, margin: float) -> bool:
    """Tell whether a candidate is better than a constant by more than the margin."""
    constant, errors = comparison.baseline, comparison.baseline_errors
    return _better_than(comparison, candidate, constant, errors, margin)


def _better_than(
    comparison: Comparison,
    candidate: Candidate,
    baseline: float,
    baseline_errors: np.ndarray,
    margin: float,
) -> bool:
    """Tell whether a candidate is better than a baseline by more than the margin.

    It must be over seeds, and over the test split as well.
    """
    over_seeds = comparison.score.sign * (candidate.test - baseline)
    low = interval(over_seeds).low
    over_test = _over_test(comparison, candidate.errors, baseline_errors)
    certain = (low is None or low > 0) and over_test.low > 0
    return bool(over_seeds.mean() > margin and certain)


def _noise(comparison: Comparison) -> dict[str, Difference]:
    """Compare the networks that were trained again with those in use, by mode."""
    differences = {
        candidate.mode: _over_seeds(
            comparison, candidate, in_use(comparison, candidate.mode)
        )
        for candidate in comparison.candidates
        if candidate.variant == AGAIN
    }
    return {mode: d for mode, d in differences.items() if d is not None}


def _over_seeds(
    comparison: Comparison, one: Candidate, other: Candidate
) -> Difference | None:
    """Return by what one is better than the other; None for a single pair of seeds."""
    pairs = min(len(one.test), len(other.test))
    if pairs == 1:
        return None
    sign = comparison.score.sign
    return paired_test.compare(sign * one.test[:pairs], sign * other.test[:pairs])


def _over_test(
    comparison: Comparison, errors: np.ndarray, other_errors: np.ndarray
) -> Difference:
    """Return by what one is better than another, in units of the score.

    The difference of two rmse is that of the squared errors by the sum of both.
    """
    gain = other_errors - errors
    if not comparison.score.greater_is_better:
        both = np.sqrt(errors.mean()) + np.sqrt(other_errors.mean())
        gain = gain / both if both > 0 else gain
    return loss_differences.compare(gain, comparison.sequence, comparison.horizon)
