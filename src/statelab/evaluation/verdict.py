"""The verdict: does state have to be carried, and how do we know?"""

from typing import Any, NamedTuple

import numpy as np

from statelab.evaluation import paired_test, scoring
from statelab.evaluation.comparison import Contest, Entrant
from statelab.evaluation.paired_test import Difference
from statelab.evaluation.scoring import in_steps, number
from statelab.evaluation.variants import AGAIN, IN_USE

SEEDS = 10  # of each mode that a verdict takes at least
TIED = 1e-9  # a gap that is but rounding


class Verdict(NamedTuple):
    """What is found, and what it rests on."""

    # state_needed | window_suffices | no_difference | neither_learns; None for too few
    # networks
    kind: str | None
    cause: str | None  # of neither_learns: ceiling | gradient_window
    stateless: Entrant  # as chosen on validation
    stateful: Entrant
    margin: float  # in units of the score
    # what stateful is better than stateless by; None for less than two of them
    difference: Difference | None  # over pairs of seeds
    over_test: Difference | None  # over parts of the test split
    noise: dict[str, Difference]  # by mode, of the same networks from other seeds
    learn: dict[str, bool]  # by mode: is the one that is chosen better than no model?


def judge(contest: Contest, margin: float) -> Verdict:
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
            and (differs := _better_by(contest, each, _in_use(contest, each.mode)))
        },
        learn={
            each.mode: _learns(contest, each, margin) for each in (stateless, stateful)
        },
    )
    if pairs < SEEDS:
        return found
    kind, cause = _kind(contest, found)
    return found._replace(kind=kind, cause=cause)


def _kind(contest: Contest, found: Verdict) -> tuple[str, str | None]:
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
        if out_of_reach(contest):
            return "neither_learns", "gradient_window"
        return ("neither_learns" if differs and matters else "no_difference"), None
    if differs and found.difference.mean > found.margin:
        return "state_needed", None
    high = max(each.high for each in both)
    if found.learn["stateless"] and high <= found.margin:
        return "window_suffices", None
    return "no_difference", None


def out_of_reach(contest: Contest) -> bool:
    """Tell whether there are steps that no gradient of any variant reaches."""
    return max(each.gradient_window for each in contest.entrants) < contest.gap


def _chosen(contest: Contest, mode: str) -> Entrant:
    """Return the best of a mode on validation, the earlier one where they tie."""
    among = [e for e in contest.entrants if e.mode == mode and e.variant != AGAIN]

    def goodness(entrant: Entrant) -> float:
        if entrant.validation is None:  # then there is no other
            return 0.0
        return _sign(contest) * float(entrant.validation.mean())

    return max(among, key=goodness)


def _in_use(contest: Contest, mode: str) -> Entrant:
    return next(e for e in contest.entrants if (e.mode, e.variant) == (mode, IN_USE))


def _better_by(contest: Contest, one: Entrant, other: Entrant) -> Difference | None:
    n = min(len(one.test), len(other.test))
    return _compare(contest, one.test[:n], other.test[:n])


def _compare(contest: Contest, one: np.ndarray, other: np.ndarray) -> Difference | None:
    """Return by what one is better than the other; None for a single pair."""
    sign = _sign(contest)
    return paired_test.compare(sign * one, sign * other) if len(one) > 1 else None


def _learns(contest: Contest, entrant: Entrant, margin: float) -> bool:
    gain = _sign(contest) * (entrant.test - contest.baseline)
    by_part = _sign(contest) * (entrant.parts - contest.baseline_parts)
    lows = [scoring.interval(each)["low"] for each in (gain, by_part)]
    sure = all(low is None or low > 0 for low in lows)
    return bool(gain.mean() > margin and sure)


def _sign(contest: Contest) -> int:
    return 1 if contest.score == "accuracy" else -1


def figures(contest: Contest, found: Verdict) -> dict[str, Any]:
    """Return the verdict as evaluate.json holds it."""
    variants: dict[str, dict[str, Any]] = {}
    for each in contest.entrants:
        validation = each.validation
        variants.setdefault(each.mode, {})[each.variant.replace(" ", "_")] = {
            "timesteps": each.timesteps,
            "gradient_window": each.gradient_window,
            "validation": None if validation is None else float(validation.mean()),
            "test": scoring.interval(each.test),
            "ceiling": each.ceiling,
        }
    return {
        "kind": found.kind,
        "cause": found.cause,
        "text": in_words(contest, found),
        "score": contest.score,
        "steps": contest.steps,
        "baseline": contest.baseline,
        "margin": found.margin,
        "chosen": {
            each.mode: each.variant for each in (found.stateless, found.stateful)
        },
        "difference": found.difference and found.difference._asdict(),
        "over_test": found.over_test and found.over_test._asdict(),
        "noise": {mode: each._asdict() for mode, each in found.noise.items()},
        "variants": variants,
    }


def in_words(contest: Contest, found: Verdict) -> str:
    """Say the verdict, and what it rests on, as one tells a colleague."""
    told = [
        *_lead(contest, found),
        *_alternatives(contest, found),
        *_evidence(contest, found),
        *_noise(found),
    ]
    return " ".join(told)


def _lead(contest: Contest, found: Verdict) -> list[str]:
    stateless, stateful = found.stateless, found.stateful
    scores = (
        f"{contest.score.capitalize()}: {number(stateful.test.mean())} with carried "
        f"state, {number(stateless.test.mean())} without, {_seeing(contest, stateless)}"
        f"; {number(contest.baseline)} is one answer for all"
        f"{'' if any(found.learn.values()) else ', and neither is better'}."
    )
    if found.kind is None:
        return [f"No verdict: it takes at least {SEEDS} networks of each mode.", scores]
    if found.kind == "state_needed":
        return ["State is needed.", scores]
    if found.kind == "window_suffices":
        in_use = _in_use(contest, "stateless")
        longer = "longer " * (stateless.timesteps > in_use.timesteps)
        return [f"State is not needed: a {longer}window suffices.", scores]
    if found.kind == "no_difference":
        assert found.difference is not None
        matters = "could see"
        if found.difference.high <= found.margin:
            matters = f"show to matter: it would from {number(found.margin)} on"
        return [f"No difference that these seeds {matters}.", scores]
    why = {
        "ceiling": (
            ", and the ceiling is the cause: what a model may see does not tell the "
            "target"
        ),
        "gradient_window": (
            f", and the gradient window is the likely cause: {_too_short(contest)} "
            "(a longer one in `train_stateful.gradient_windows` will show)"
        ),
        None: ", and nothing here says why",
    }[found.cause]
    return [f"Neither learns{why}.", scores]


def _alternatives(contest: Contest, found: Verdict) -> list[str]:
    """Say what was tried besides, and what was not."""
    told = []
    for chosen in (found.stateless, found.stateful):
        in_use = _in_use(contest, chosen.mode)
        if in_use is chosen:
            continue
        told.append(
            f"On validation, {chosen.mode} with {chosen.variant} came out best; what "
            f"is in use, {_own(in_use)}, has {number(in_use.test.mean())} on test."
        )
        learns = found.learn[chosen.mode], _learns(contest, in_use, found.margin)
        if chosen.mode == "stateful" and learns == (True, False):
            told.append("The gradient window is why that does not learn.")
    longest = max(e.timesteps for e in contest.entrants if e.mode == "stateless")
    if found.kind == "state_needed" and longest < contest.longest:
        told.append(
            f"No window of over {in_steps(longest)} was trained, and a sequence has up "
            f"to {contest.longest:,}: a longer one may do as well "
            "(`train_stateless.lookbacks`)."
        )
    if found.learn["stateless"] > found.learn["stateful"] and out_of_reach(contest):
        told.append(
            f"With carried state nothing is learned: {_too_short(contest)} "
            "(`train_stateful.gradient_windows`)."
        )
    return told


def _evidence(contest: Contest, found: Verdict) -> list[str]:
    if found.difference is None:
        return []
    mean, seeds, parts = found.difference.mean, found.difference, found.over_test
    told = [_sure(seeds, f"{seeds.n} pairs of seeds")]
    if parts is not None:
        told.append(_sure(parts, f"{parts.n} parts of {contest.steps:,} test steps"))
    better = (
        f"Carrying state is {'worse' if mean < 0 else 'better'} by {number(abs(mean))} "
        f"({'; '.join(told)}); below {number(found.margin)} it would not matter."
    )
    gap = max(each.detectable for each in (seeds, parts) if each is not None)
    if gap < TIED:
        return [better, "All differ alike: any gap would be seen."]
    seen = f"A gap of {number(gap)} would be seen four times in five"
    if seeds.detectable > found.margin > 0:
        more = paired_test.pairs_for(found.margin, seeds.std)
        if more is not None:
            seen += f"; one of {number(found.margin)} takes {more:,} pairs of seeds"
    return [better, f"{seen}."]


def _sure(difference: Difference, over: str) -> str:
    return (
        f"over {over} p = {difference.p:.2g}, 95 % interval {number(difference.low)} "
        f"to {number(difference.high)}"
    )


def _noise(found: Verdict) -> list[str]:
    if not found.noise:
        return []
    each = [
        f"{mode} by {number(abs(noise.mean))} (p = {noise.p:.2g})"
        for mode, noise in found.noise.items()
    ]
    return [f"Noise: the same networks from other seeds differ, {', '.join(each)}."]


def _too_short(contest: Contest) -> str:
    tried = max(each.gradient_window for each in contest.entrants)
    return (
        f"it reaches back {in_steps(tried)}, a target is up to "
        f"{in_steps(contest.gap)} from the one before it, and what lies between is "
        "never learned from"
    )


def _own(entrant: Entrant) -> str:
    if entrant.mode == "stateful":
        return f"gradient window {entrant.gradient_window}"
    return in_steps(entrant.timesteps)


def _seeing(contest: Contest, entrant: Entrant) -> str:
    if entrant.timesteps >= contest.longest:
        return "on whole sequences"
    return f"on {in_steps(entrant.timesteps)} at a time"
