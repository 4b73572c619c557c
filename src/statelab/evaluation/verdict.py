"""The verdict: does state have to be carried, and how do we know?"""

from typing import NamedTuple

import numpy as np

from statelab.evaluation import paired_test
from statelab.evaluation.comparison import Candidate, Comparison
from statelab.evaluation.statistics import Difference, interval
from statelab.evaluation.variants import AGAIN, IN_USE

SEEDS = 10  # of each mode that a verdict takes at least


class Verdict(NamedTuple):
    """What is found, and what it rests on."""

    # state_needed | window_suffices | no_difference | neither_learns; None for too few
    # networks
    kind: str | None
    cause: str | None  # of neither_learns: ceiling | gradient_window
    stateless: Candidate  # as chosen on validation
    stateful: Candidate
    margin: float  # in units of the score
    # what stateful is better than stateless by; None for less than two of them
    difference: Difference | None  # over pairs of seeds
    over_test: Difference | None  # over parts of the test split
    noise: dict[str, Difference]  # by mode, of the same networks from other seeds
    learn: dict[str, bool]  # by mode: is the one that is chosen better than no model?


def judge(contest: Comparison, margin: float) -> Verdict:
    """Choose a variant of each mode on validation, and compare both on test.

    | verdict | where |
    | --- | --- |
    | `neither_learns` | both are no better than one answer for all, and it is known \
why: no model could be, or no gradient reaches some of the steps; or they differ all \
the same |
    | `state_needed` | stateful is better by more than the margin, p below 0.05 |
    | `window_suffices` | stateless learns, and the 95 % interval of what stateful is \
better by ends below the margin |
    | `no_difference` | anything else: these networks cannot tell |

    All networks answer one test split, and may agree on an accident of it. So what is
    said must hold over seeds, and over parts of the test split as well.

    Args:
        contest: what is compared.
        margin: a smaller difference does not matter: in accuracy, or as a share of the
            error of one answer for all.
    """
    stateless, stateful = (_chosen(contest, each) for each in ("stateless", "stateful"))
    if contest.score != "accuracy":
        margin *= contest.baseline
    pairs = min(len(stateless.test), len(stateful.test))
    found = Verdict(
        kind=None,
        cause=None,
        stateless=stateless,
        stateful=stateful,
        margin=margin,
        difference=_better_by(contest, stateful, stateless),
        over_test=_compare(contest, stateful.parts, stateless.parts),
        noise={
            each.mode: differs
            for each in contest.entrants
            if each.variant == AGAIN
            and (differs := _better_by(contest, each, in_use(contest, each.mode)))
        },
        learn={
            each.mode: learns(contest, each, margin) for each in (stateless, stateful)
        },
    )
    if pairs < SEEDS:
        return found
    kind, cause = _kind(contest, found)
    return found._replace(kind=kind, cause=cause)


def _kind(contest: Comparison, found: Verdict) -> tuple[str, str | None]:
    assert found.difference is not None
    both = [each for each in (found.difference, found.over_test) if each is not None]
    differs = max(each.p for each in both) < paired_test.LEVEL
    matters = abs(found.difference.mean) > found.margin
    if not any(found.learn.values()):
        ceilings = [found.stateless.ceiling, found.stateful.ceiling]
        if all(
            c is not None and c <= contest.baseline + found.margin for c in ceilings
        ):
            return "neither_learns", "ceiling"
        if gradient_too_short(contest):
            return "neither_learns", "gradient_window"
        return ("neither_learns" if differs and matters else "no_difference"), None
    if differs and found.difference.mean > found.margin:
        return "state_needed", None
    high = max(each.high for each in both)
    if found.learn["stateless"] and high <= found.margin:
        return "window_suffices", None
    return "no_difference", None


def gradient_too_short(contest: Comparison) -> bool:
    """Tell whether there are steps that no gradient of any variant reaches."""
    return max(each.gradient_window for each in contest.entrants) < contest.gap


def _chosen(contest: Comparison, mode: str) -> Candidate:
    """Return the best of a mode on validation, the earlier one where they tie."""
    among = [e for e in contest.entrants if e.mode == mode and e.variant != AGAIN]

    def goodness(entrant: Candidate) -> float:
        if entrant.validation is None:  # then there is no other
            return 0.0
        return _sign(contest) * float(entrant.validation.mean())

    return max(among, key=goodness)


def in_use(contest: Comparison, mode: str) -> Candidate:
    return next(e for e in contest.entrants if (e.mode, e.variant) == (mode, IN_USE))


def _better_by(
    contest: Comparison, one: Candidate, other: Candidate
) -> Difference | None:
    n = min(len(one.test), len(other.test))
    return _compare(contest, one.test[:n], other.test[:n])


def _compare(
    contest: Comparison, one: np.ndarray, other: np.ndarray
) -> Difference | None:
    """Return by what one is better than the other; None for a single pair."""
    sign = _sign(contest)
    return paired_test.compare(sign * one, sign * other) if len(one) > 1 else None


def learns(contest: Comparison, entrant: Candidate, margin: float) -> bool:
    gain = _sign(contest) * (entrant.test - contest.baseline)
    by_part = _sign(contest) * (entrant.parts - contest.baseline_parts)
    lows = [interval(each).low for each in (gain, by_part)]
    sure = all(low is None or low > 0 for low in lows)
    return bool(gain.mean() > margin and sure)


def _sign(contest: Comparison) -> int:
    return 1 if contest.score == "accuracy" else -1
