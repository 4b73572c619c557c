"""The verdict: does state have to be carried, and how do we know?"""

from typing import NamedTuple

import numpy as np

from statelab.config.modes import AGAIN, IN_USE
from statelab.evaluation import paired_test
from statelab.evaluation.comparison import BaselineScore, Candidate, Comparison
from statelab.evaluation.statistics import LEVEL, Difference, interval

SEEDS = 10  # of each mode that a verdict takes at least
FAIR = 0.1  # share of updates by which modes may differ


class Verdict(NamedTuple):
    """What the comparison shows, and what that rests on."""

    # no_better_than | unequal_updates | state_needed | state_helps | window_suffices |
    # no_difference | neither_learns; None for too few networks
    kind: str | None
    # of neither_learns: ceiling | gradient_window; of no_better_than: of which baseline
    cause: str | None
    stateless: Candidate  # as chosen on validation
    stateful: Candidate
    margin: float  # in units of the score
    # what stateful is better than stateless by; None for less than two of them
    difference: Difference | None  # over pairs of seeds
    over_test: Difference | None  # over parts of the test split
    noise: dict[str, Difference]  # by mode, of the same networks from other seeds
    learn: dict[str, bool]  # by mode: is the chosen one better than the constant?
    best_simple: BaselineScore | None  # of the simple methods, where there are some


def judge(comparison: Comparison, margin: float) -> Verdict:
    """Choose a variant of each mode on validation, and compare both on test.

    | verdict | where |
    | --- | --- |
    | `no_better_than` | there are simple methods, and neither mode is better than the \
best of them |
    | `unequal_updates` | one mode had over 10 % more updates than the other: no fair \
comparison |
    | `neither_learns` | both are no better than one prediction for all, and it is \
known why: no model could be, or no gradient reaches some of the time steps; or they \
differ all the same |
    | `state_needed` | stateful is better by more than the margin, p below 0.05, and \
windows as long as a sequence were trained without state |
    | `state_helps` | the same, where only shorter windows were |
    | `window_suffices` | stateless learns, and the 95 % interval of what stateful is \
better by ends below the margin |
    | `no_difference` | anything else: these networks cannot tell |

    All networks predict one test split, and may agree on an accident of it. So the
    verdict must hold over seeds, and over parts of the test split as well.

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
        over_test=_better_by(comparison, stateful.parts, stateless.parts),
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
    chosen = (verdict.stateless, verdict.stateful)
    if simple is not None and not any(
        _better_than(comparison, one, simple.test, simple.parts, verdict.margin)
        for one in chosen
    ):
        return "no_better_than", simple.name
    both = [
        difference
        for difference in (verdict.difference, verdict.over_test)
        if difference is not None
    ]
    differs = max(difference.p for difference in both) < LEVEL
    high = max(difference.high for difference in both)
    better_by, margin = verdict.difference.mean, verdict.margin
    if not any(verdict.learn.values()) and (cause := _cause(comparison, verdict)):
        return "neither_learns", cause
    if unequal_updates(*chosen):
        return "unequal_updates", None
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
    ceilings = [verdict.stateless.ceiling, verdict.stateful.ceiling]
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


def unequal_updates(one: Candidate, other: Candidate) -> bool:
    """Tell whether one was trained by over `FAIR` more updates than the other.

    Where training ended with validation there is no budget to be equal.
    """
    if one.updates is None or other.updates is None:
        return False
    fewer, more = sorted([one.updates, other.updates])
    return more > (1 + FAIR) * fewer


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
    """Return the best of a mode on validation, the earlier one where they tie."""

    def on_validation(candidate: Candidate) -> float:
        if candidate.validation is None:  # then there is no other
            return 0.0
        return comparison.score.sign * float(candidate.validation.mean())

    of_mode = [c for c in comparison.candidates if c.mode == mode]
    return max((c for c in of_mode if c.variant != AGAIN), key=on_validation)


def in_use(comparison: Comparison, mode: str) -> Candidate:
    """Return the candidate of a mode that is trained as params.yaml has it."""
    return next(
        c for c in comparison.candidates if (c.mode, c.variant) == (mode, IN_USE)
    )


def learns(comparison: Comparison, candidate: Candidate, margin: float) -> bool:
    """Tell whether a candidate is better than a constant by more than the margin."""
    constant, parts = comparison.baseline, comparison.baseline_parts
    return _better_than(comparison, candidate, constant, parts, margin)


def _better_than(
    comparison: Comparison,
    candidate: Candidate,
    baseline: float,
    baseline_parts: np.ndarray,
    margin: float,
) -> bool:
    """Tell whether a candidate is better than a baseline by more than the margin.

    It must be over seeds, and over parts of the test split as well.
    """
    sign = comparison.score.sign
    over_seeds = sign * (candidate.test - baseline)
    over_test = sign * (candidate.parts - baseline_parts)
    lows = [interval(gain).low for gain in (over_seeds, over_test)]
    certain = all(low is None or low > 0 for low in lows)
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
    pairs = min(len(one.test), len(other.test))
    return _better_by(comparison, one.test[:pairs], other.test[:pairs])


def _better_by(
    comparison: Comparison, one: np.ndarray, other: np.ndarray
) -> Difference | None:
    """Return by what one is better than the other; None for a single pair."""
    if len(one) == 1:
        return None
    sign = comparison.score.sign
    return paired_test.compare(sign * one, sign * other)
