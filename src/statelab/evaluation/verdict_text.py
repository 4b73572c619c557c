"""The verdict in words, and what it rests on."""

from statelab.evaluation import paired_test, verdict
from statelab.evaluation.comparison import Candidate, Comparison
from statelab.evaluation.evaluation import VariantScores, VerdictSummary
from statelab.evaluation.statistics import Difference, interval
from statelab.formatting import in_steps, number

TIED = 1e-9  # a gap that is but rounding


def summary(contest: Comparison, found: verdict.Verdict) -> VerdictSummary:
    """Return the verdict as an evaluation holds it."""
    variants: dict[str, dict[str, VariantScores]] = {}
    for candidate in contest.entrants:
        validation = candidate.validation
        variants.setdefault(candidate.mode, {})[candidate.variant] = VariantScores(
            timesteps=candidate.timesteps,
            gradient_window=candidate.gradient_window,
            validation=None if validation is None else float(validation.mean()),
            test=interval(candidate.test),
            ceiling=candidate.ceiling,
        )
    return VerdictSummary(
        kind=found.kind,
        cause=found.cause,
        text=in_words(contest, found),
        steps=contest.steps,
        baseline=contest.baseline,
        margin=found.margin,
        chosen={c.mode: c.variant for c in (found.stateless, found.stateful)},
        difference=found.difference,
        over_test=found.over_test,
        noise=found.noise,
        variants=variants,
    )


def in_words(contest: Comparison, found: verdict.Verdict) -> str:
    """Say the verdict, and what it rests on, as one tells a colleague."""
    told = [
        *_lead(contest, found),
        *_alternatives(contest, found),
        *_evidence(contest, found),
        *_noise(found),
    ]
    return " ".join(told)


def _lead(contest: Comparison, found: verdict.Verdict) -> list[str]:
    stateless, stateful = found.stateless, found.stateful
    scores = (
        f"{contest.score.capitalize()}: {number(stateful.test.mean())} with carried "
        f"state, {number(stateless.test.mean())} without, {_seeing(contest, stateless)}"
        f"; {number(contest.baseline)} is one answer for all"
        f"{'' if any(found.learn.values()) else ', and neither is better'}."
    )
    if found.kind is None:
        return [
            f"No verdict: it takes at least {verdict.SEEDS} networks of each mode.",
            scores,
        ]
    if found.kind == "state_needed":
        return ["State is needed.", scores]
    if found.kind == "window_suffices":
        in_use = verdict.in_use(contest, "stateless")
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


def _alternatives(contest: Comparison, found: verdict.Verdict) -> list[str]:
    """Say what was tried besides, and what was not."""
    told = []
    for chosen in (found.stateless, found.stateful):
        in_use = verdict.in_use(contest, chosen.mode)
        if in_use is chosen:
            continue
        told.append(
            f"On validation, {chosen.mode} with {chosen.variant} came out best; what "
            f"is in use, {_own(in_use)}, has {number(in_use.test.mean())} on test."
        )
        learns = found.learn[chosen.mode], verdict.learns(contest, in_use, found.margin)
        if chosen.mode == "stateful" and learns == (True, False):
            told.append("The gradient window is why that does not learn.")
    longest = max(e.timesteps for e in contest.entrants if e.mode == "stateless")
    if found.kind == "state_needed" and longest < contest.longest:
        told.append(
            f"No window of over {in_steps(longest)} was trained, and a sequence has up "
            f"to {contest.longest:,}: a longer one may do as well "
            "(`train_stateless.lookbacks`)."
        )
    if found.learn["stateless"] > found.learn[
        "stateful"
    ] and verdict.gradient_too_short(contest):
        told.append(
            f"With carried state nothing is learned: {_too_short(contest)} "
            "(`train_stateful.gradient_windows`)."
        )
    return told


def _evidence(contest: Comparison, found: verdict.Verdict) -> list[str]:
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


def _noise(found: verdict.Verdict) -> list[str]:
    if not found.noise:
        return []
    each = [
        f"{mode} by {number(abs(noise.mean))} (p = {noise.p:.2g})"
        for mode, noise in found.noise.items()
    ]
    return [f"Noise: the same networks from other seeds differ, {', '.join(each)}."]


def _too_short(contest: Comparison) -> str:
    tried = max(each.gradient_window for each in contest.entrants)
    return (
        f"it reaches back {in_steps(tried)}, a target is up to "
        f"{in_steps(contest.gap)} from the one before it, and what lies between is "
        "never learned from"
    )


def _own(entrant: Candidate) -> str:
    if entrant.mode == "stateful":
        return f"gradient window {entrant.gradient_window}"
    return in_steps(entrant.timesteps)


def _seeing(contest: Comparison, entrant: Candidate) -> str:
    if entrant.timesteps >= contest.longest:
        return "on whole sequences"
    return f"on {in_steps(entrant.timesteps)} at a time"
