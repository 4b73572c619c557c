"""The verdict: does state have to be carried, and how do we know?"""

from typing import Any, NamedTuple

from statelab import metrics, paired
from statelab.entrants import Contest, Entrant
from statelab.metrics import number
from statelab.paired import Difference
from statelab.variants import AGAIN, IN_USE

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
    difference: Difference | None  # stateful better than stateless by; None for a pair
    noise: dict[str, Difference]  # by mode, of the same networks from other seeds
    learn: dict[str, bool]  # by mode: is the one that is chosen better than no model?


def judge(contest: Contest, margin: float) -> Verdict:
    """Choose a variant of each mode on validation, and compare both on test.

    | verdict | where |
    | --- | --- |
    | `neither_learns` | both are no better than one answer for all, and it is known \
why: no model could be, or no gradient reaches some of the steps |
    | `state_needed` | stateful is better by more than the margin, p below 0.05 |
    | `window_suffices` | stateless learns, and the 95 % interval of what stateful is \
better by ends below the margin |
    | `no_difference` | anything else: these seeds cannot tell |

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
        difference=_better_by(contest, stateful, stateless) if pairs > 1 else None,
        noise={
            each.mode: _better_by(contest, each, _named(contest, each.mode, IN_USE))
            for each in contest.entrants
            if each.variant == AGAIN and len(each.test) > 1
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
    if not any(found.learn.values()):
        ceilings = [found.stateless.ceiling, found.stateful.ceiling]
        if all(
            c is not None and c <= contest.baseline + found.margin for c in ceilings
        ):
            return "neither_learns", "ceiling"
        if out_of_reach(contest):
            return "neither_learns", "gradient_window"
        return "no_difference", None
    if found.difference.p < paired.LEVEL and found.difference.mean > found.margin:
        return "state_needed", None
    if found.learn["stateless"] and found.difference.high <= found.margin:
        return "window_suffices", None
    return "no_difference", None


def out_of_reach(contest: Contest) -> bool:
    """Tell whether there are steps that no gradient of any stateful variant reaches."""
    tried = [each for each in contest.entrants if each.mode == "stateful"]
    return max(each.gradient_window for each in tried) < contest.gap


def _chosen(contest: Contest, mode: str) -> Entrant:
    """Return the best of a mode on validation, the earlier one where they tie."""
    among = [e for e in contest.entrants if e.mode == mode and e.variant != AGAIN]

    def goodness(entrant: Entrant) -> float:
        if entrant.validation is None:  # then there is no other
            return 0.0
        return _sign(contest) * float(entrant.validation.mean())

    return max(among, key=goodness)


def _named(contest: Contest, mode: str, variant: str) -> Entrant:
    return next(e for e in contest.entrants if (e.mode, e.variant) == (mode, variant))


def _better_by(contest: Contest, one: Entrant, other: Entrant) -> Difference:
    n = min(len(one.test), len(other.test))
    sign = _sign(contest)
    return paired.compare(sign * one.test[:n], sign * other.test[:n])


def _learns(contest: Contest, entrant: Entrant, margin: float) -> bool:
    gain = _sign(contest) * (entrant.test - contest.baseline)
    low = metrics.interval(gain)["low"]
    return bool(gain.mean() > margin and (low is None or low > 0))


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
            "test": metrics.interval(each.test),
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
        in_use = _named(contest, "stateless", IN_USE)
        longer = "longer " * (stateless.timesteps > in_use.timesteps)
        return [f"State is not needed: a {longer}window suffices.", scores]
    if found.kind == "no_difference":
        assert found.difference is not None
        matters = "could see"
        if found.difference.p < paired.LEVEL:
            matters = f"show to matter: it would from {number(found.margin)} on"
        return [f"No difference that these seeds {matters}.", scores]
    if found.cause == "ceiling":
        why = "the ceiling is the cause: what a model may see does not tell the target."
    else:
        why = (
            f"the gradient window is the cause: {_too_short(contest)} "
            "(`train_stateful.gradient_windows` tries longer ones)."
        )
    return [f"Neither learns, and {why}", scores]


def _alternatives(contest: Contest, found: Verdict) -> list[str]:
    """Say what was tried besides, and what was not."""
    told = []
    for chosen in (found.stateless, found.stateful):
        in_use = _named(contest, chosen.mode, IN_USE)
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
            f"No window of over {_steps(longest)} was trained, and a sequence has up "
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
    mean, std, low, high, p, n, gap = found.difference
    told = [
        f"Carrying state is {'worse' if mean < 0 else 'better'} by {number(abs(mean))} "
        f"(95 % interval {number(low)} to {number(high)}; p = {p:.2g}, paired "
        f"permutation test over {n} seeds, {contest.steps:,} test steps); below "
        f"{number(found.margin)} it would not matter."
    ]
    if gap < TIED:
        return [*told, "Every pair of seeds differs alike: any gap would be seen."]
    seen = f"So many seeds show a gap of {number(gap)} four times in five"
    if gap > found.margin > 0 and (more := paired.pairs_for(found.margin, std)):
        seen += f"; it takes {more:,} to see one of {number(found.margin)}"
    return [*told, f"{seen}."]


def _noise(found: Verdict) -> list[str]:
    if not found.noise:
        return []
    each = [
        f"{mode} by {number(abs(noise.mean))} (p = {noise.p:.2g})"
        for mode, noise in found.noise.items()
    ]
    return [f"Noise: the same networks from other seeds differ, {', '.join(each)}."]


def _too_short(contest: Contest) -> str:
    tried = [e.gradient_window for e in contest.entrants if e.mode == "stateful"]
    return (
        f"it reaches back {_steps(max(tried))}, a target is up to "
        f"{_steps(contest.gap)} from the one before it, and what lies between is never "
        "learned from"
    )


def _own(entrant: Entrant) -> str:
    if entrant.mode == "stateful":
        return f"gradient window {entrant.gradient_window}"
    return _steps(entrant.timesteps)


def _seeing(contest: Contest, entrant: Entrant) -> str:
    if entrant.timesteps >= contest.longest:
        return "on whole sequences"
    return f"on {_steps(entrant.timesteps)} at a time"


def _steps(count: int) -> str:
    return f"{count:,} step{'s' * (count != 1)}"
