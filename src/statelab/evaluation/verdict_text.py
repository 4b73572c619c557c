"""The verdict in words, and what it rests on."""

from statelab.baselines.naive import NAMES
from statelab.evaluation import paired_test
from statelab.evaluation.comparison import Candidate, Comparison
from statelab.evaluation.evaluation import (
    SimpleScore,
    VariantScores,
    VerdictSummary,
)
from statelab.evaluation.statistics import Difference, interval
from statelab.evaluation.verdict import (
    SEEDS,
    Verdict,
    gradient_too_short,
    in_use,
    learns,
    longest_gradient_window,
    longest_window,
)
from statelab.formatting import in_steps, number

METHODS = {  # in a sentence
    "persistence": "persistence",
    "seasonal_naive": "the seasonal naive forecast",
    "drift": "drift",
    "last_label": "the last label",
    "linear": "a linear model on lags",
    "boosting": "boosted trees on lags",
}
WITH = {"stateless": "without carried state", "stateful": "with carried state"}
ROUNDING = 1e-9  # a smaller gap is but rounding


def summary(comparison: Comparison, verdict: Verdict) -> VerdictSummary:
    """Return the verdict as an evaluation holds it."""
    variants: dict[str, dict[str, VariantScores]] = {}
    for candidate in comparison.candidates:
        validation = candidate.validation
        variants.setdefault(candidate.mode, {})[candidate.variant] = VariantScores(
            timesteps=candidate.timesteps,
            gradient_window=candidate.gradient_window,
            validation=None if validation is None else float(validation.mean()),
            test=interval(candidate.test),
            ceiling=candidate.ceiling,
        )
    return VerdictSummary(
        kind=verdict.kind,
        cause=verdict.cause,
        text=in_words(comparison, verdict),
        steps=comparison.steps,
        baseline=comparison.baseline,
        margin=verdict.margin,
        chosen={c.mode: c.variant for c in (verdict.stateless, verdict.stateful)},
        difference=verdict.difference,
        over_test=verdict.over_test,
        noise=verdict.noise,
        variants=variants,
        simple={
            one.name: SimpleScore(one.detail, one.validation, one.test)
            for one in comparison.simple
        },
    )


def in_words(comparison: Comparison, verdict: Verdict) -> str:
    """Say the verdict, and what it rests on.

    Where nothing can be said of state, no difference between the modes is named.
    """
    sentences = [
        _lead(comparison, verdict),
        _scores(comparison, verdict),
        *_simple(comparison),
        *_next_step(verdict),
    ]
    if verdict.kind not in ("no_better_than", "unequal_updates"):
        sentences += [
            *_alternatives(comparison, verdict),
            *_evidence(comparison, verdict),
            *_noise(verdict),
        ]
    return " ".join(sentences)


def _lead(comparison: Comparison, verdict: Verdict) -> str:
    match verdict.kind, verdict.cause:
        case None, _:
            return f"No verdict: it takes at least {SEEDS} networks of each mode."
        case "no_better_than", _:
            return _no_better(comparison, verdict)
        case "unequal_updates", _:
            return (
                "No verdict: the comparison is not fair. Each network had "
                f"{verdict.stateful.updates:,} updates with carried state, "
                f"{verdict.stateless.updates:,} without: set `updates` to one number "
                "in both sections."
            )
        case "state_needed", _:
            return "State is needed: no window of a whole sequence does as well."
        case "state_helps", _:
            longest = in_steps(longest_window(comparison))
            return f"State helps against windows of up to {longest}."
        case "window_suffices", _:
            usual = in_use(comparison, "stateless")
            longer = "longer " * (verdict.stateless.timesteps > usual.timesteps)
            return f"State is not needed: a {longer}window suffices."
        case "no_difference", _:
            assert verdict.difference is not None
            if verdict.difference.high <= verdict.margin:
                matters = f"it would matter from {number(verdict.margin)} on"
                return f"No difference that these seeds show to matter: {matters}."
            return "No difference that these seeds could show."
        case _, "ceiling":
            return (
                "Neither learns, and the ceiling is the cause: what a model may see "
                "does not determine the target."
            )
        case _, "gradient_window":
            return (
                "Neither learns, and the gradient window is the likely cause: "
                f"{_too_short(comparison)} (try a longer one in "
                "`train_stateful.gradient_windows`)."
            )
        case _:
            return "Neither learns, and nothing here says why."


def _no_better(comparison: Comparison, verdict: Verdict) -> str:
    simple = verdict.best_simple
    assert simple is not None
    sign = comparison.score.sign
    better = max(
        (verdict.stateless, verdict.stateful), key=lambda one: sign * one.test.mean()
    )
    return (
        f"These networks are no better than {METHODS[simple.name]}: "
        f"{comparison.score.name} {number(better.test.mean())} {WITH[better.mode]}, "
        f"{number(simple.test)} without a network. Nothing can be said of state."
    )


def _next_step(verdict: Verdict) -> list[str]:
    """Say what to try where a simple method does as well."""
    if verdict.kind != "no_better_than":
        return []
    return [
        "What may help: more epochs or updates, other learning rates, more units, "
        "longer windows, or more data."
    ]


def _scores(comparison: Comparison, verdict: Verdict) -> str:
    stateless, stateful = verdict.stateless, verdict.stateful
    sentence = (
        f"{comparison.score.name.capitalize()} on test: "
        f"{number(stateful.test.mean())} with carried state, "
        f"{number(stateless.test.mean())} without, {_seen(comparison, stateless)}; "
        f"{number(comparison.baseline)} is the baseline, a constant prediction"
    )
    if not any(verdict.learn.values()):
        sentence += ", and neither is better"
    return f"{sentence}."


def _simple(comparison: Comparison) -> list[str]:
    """Say how well simple methods do on the same steps."""
    if not comparison.simple:
        return []
    ordered = sorted(comparison.simple, key=lambda b: -comparison.score.sign * b.test)
    parts = []
    for baseline in ordered:
        detail = f" ({baseline.detail})" if baseline.detail else ""
        parts.append(f"{NAMES[baseline.name]}{detail} {number(baseline.test)}")
    return [f"Simple methods on the same steps: {', '.join(parts)}."]


def _alternatives(comparison: Comparison, verdict: Verdict) -> list[str]:
    """Say which other variants were trained, and which were not."""
    sentences = []
    for chosen in (verdict.stateless, verdict.stateful):
        usual = in_use(comparison, chosen.mode)
        if usual is chosen:
            continue
        sentences.append(
            f"On validation, {chosen.mode} with {chosen.variant} is best; what is in "
            f"use, {_setting(usual)}, has {number(usual.test.mean())} on test."
        )
        learn = (verdict.learn[chosen.mode], learns(comparison, usual, verdict.margin))
        if chosen.mode == "stateful" and learn == (True, False):
            sentences.append("The gradient window is why that does not learn.")
    if verdict.kind == "state_helps":
        sentences.append(
            f"A sequence has up to {in_steps(comparison.longest_sequence)}, and a "
            "longer window may do as well: try `train_stateless.lookbacks`."
        )
    only_stateless_learns = verdict.learn["stateless"] and not verdict.learn["stateful"]
    if only_stateless_learns and gradient_too_short(comparison):
        sentences.append(
            f"With carried state nothing is learned: {_too_short(comparison)} "
            "(`train_stateful.gradient_windows`)."
        )
    return sentences


def _evidence(comparison: Comparison, verdict: Verdict) -> list[str]:
    """Say how large the difference is, and how large it would have to be."""
    if verdict.difference is None:
        return []
    seeds, parts = verdict.difference, verdict.over_test
    tests = [_test(seeds, f"{seeds.n} pairs of seeds")]
    gap = seeds.detectable
    if parts is not None:
        tests.append(
            _test(parts, f"{parts.n} parts of {comparison.steps:,} test steps")
        )
        gap = max(gap, parts.detectable)
    sentences = [
        f"Carrying state is {'worse' if seeds.mean < 0 else 'better'} by "
        f"{number(abs(seeds.mean))} ({'; '.join(tests)}); below "
        f"{number(verdict.margin)} it would not matter."
    ]
    if gap < ROUNDING:
        return [*sentences, "All pairs differ alike: any gap would be detected."]
    power = f"A gap of {number(gap)} would be detected four times in five"
    if seeds.detectable > verdict.margin > 0:
        pairs = paired_test.pairs_for(verdict.margin, seeds.std)
        if pairs is not None:
            power += f"; one of {number(verdict.margin)} takes {pairs:,} pairs of seeds"
    return [*sentences, f"{power}."]


def _test(difference: Difference, over: str) -> str:
    return (
        f"over {over} p = {difference.p:.2g}, 95 % interval {number(difference.low)} "
        f"to {number(difference.high)}"
    )


def _noise(verdict: Verdict) -> list[str]:
    if not verdict.noise:
        return []
    by_mode = ", ".join(
        f"{mode} by {number(abs(noise.mean))} (p = {noise.p:.2g})"
        for mode, noise in verdict.noise.items()
    )
    return [f"Noise: the same networks from other seeds differ, {by_mode}."]


def _too_short(comparison: Comparison) -> str:
    return (
        f"it goes back {in_steps(longest_gradient_window(comparison))}, a target is up "
        f"to {in_steps(comparison.target_gap)} from the one before it, and what lies "
        "between is never learned from"
    )


def _setting(candidate: Candidate) -> str:
    if candidate.mode == "stateful":
        return f"gradient window {candidate.gradient_window}"
    return in_steps(candidate.timesteps)


def _seen(comparison: Comparison, candidate: Candidate) -> str:
    if candidate.timesteps >= comparison.longest_sequence:
        return "on whole sequences"
    return f"on {in_steps(candidate.timesteps)} at a time"
