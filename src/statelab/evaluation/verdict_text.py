"""The verdict in words: a sentence, and what it rests on, a line for each fact."""

from statelab.baselines.naive import NAMES
from statelab.evaluation import paired_test
from statelab.evaluation.comparison import Candidate, Comparison
from statelab.evaluation.evaluation import SimpleScore, VariantScores, VerdictSummary
from statelab.evaluation.statistics import Difference, interval
from statelab.evaluation.verdict import (
    FAIR,
    SEEDS,
    Verdict,
    gradient_too_short,
    in_use,
    learns,
    longest_gradient_window,
    longest_window,
)
from statelab.formatting import in_steps, number
from statelab.networks.scores import RMSE

METHODS = {  # in a sentence
    "persistence": "persistence",
    "seasonal_naive": "the seasonal naive forecast",
    "drift": "drift",
    "last_label": "the last label",
    "linear": "a linear model on lags",
    "boosting": "boosted trees on lags",
}
MODES = {"stateless": "without carried state", "stateful": "with carried state"}
FROM_THE_LAST_VALUE = ("persistence", "drift")  # methods that forecast changes from it
ROUNDING = 1e-9  # a smaller gap is but rounding
NOTHING_OF_STATE = ("no_better_than", "unequal_budgets", "not_settled")


def summary(
    comparison: Comparison, verdict: Verdict, target: str = "level"
) -> VerdictSummary:
    """Return the verdict as an evaluation holds it.

    Args:
        comparison: that was judged.
        verdict: on it.
        target: what the networks model, as `window.target` says.
    """
    variants: dict[str, dict[str, VariantScores]] = {}
    for candidate in comparison.candidates:
        validation = candidate.validation
        variants.setdefault(candidate.mode, {})[candidate.variant] = VariantScores(
            timesteps=candidate.timesteps,
            gradient_window=candidate.gradient_window,
            learning_rate=candidate.learning_rate,
            updates=candidate.updates,
            labelled_steps=candidate.labelled_steps,
            late_gain=candidate.late_gain,
            validation=None if validation is None else float(validation.mean()),
            test=interval(candidate.test),
            ceiling=candidate.ceiling,
        )
    return VerdictSummary(
        kind=verdict.kind,
        cause=verdict.cause,
        text=sentence(comparison, verdict),
        facts=facts(comparison, verdict, target),
        steps=comparison.steps,
        baseline=comparison.baseline,
        margin=verdict.margin,
        chosen={one.mode: one.variant for one in verdict.chosen},
        difference=verdict.difference,
        over_test=verdict.over_test,
        over_splits=verdict.over_splits,
        noise=verdict.noise,
        variants=variants,
        simple={
            one.name: SimpleScore(one.detail, one.validation, one.test)
            for one in comparison.simple
        },
    )


def sentence(comparison: Comparison, verdict: Verdict) -> str:
    """Say the verdict in 40 words at most."""
    score = comparison.score.name
    with_state = number(verdict.stateful.test.mean())
    without = number(verdict.stateless.test.mean())
    window = _window(comparison, verdict.stateless)
    match verdict.kind, verdict.cause:
        case None, _:
            return f"No verdict: it takes at least {SEEDS} networks of each mode."
        case "no_better_than", _:
            return _no_better(comparison, verdict)
        case "unequal_budgets", _:
            return (
                "No verdict: the comparison is not fair, as one mode had over "
                f"{100 * FAIR:.0f} % more updates or labelled steps than the other."
            )
        case "not_settled", _:
            late = [MODES[one.mode] for one in _not_settled(verdict)]
            return (
                f"No verdict: {' and '.join(late)}, the score on validation was still "
                "getting better when training ended."
            )
        case "state_needed", _:
            return (
                f"State is needed: {score} {with_state} with it, {without} without, on "
                "windows of up to a whole sequence."
            )
        case "state_helps", _:
            return (
                "State helps against windows of up to "
                f"{in_steps(longest_window(comparison))}: {score} {with_state} with "
                f"it, {without} without. A longer window may do as well."
            )
        case "window_suffices", _:
            return (
                f"State is not needed: {score} {without} on {window}, "
                f"{with_state} with carried state."
            )
        case "no_difference", _:
            scores = f"{score} {with_state} with state, {without} on {window}"
            if _bounded(verdict):
                return f"No difference that matters was found: {scores}."
            return f"It cannot be told whether state helps: {scores}."
        case _, "ceiling":
            return (
                "Neither mode learns, and none could: what a model may see does not "
                "determine the target."
            )
        case _, "gradient_window":
            return (
                "Neither mode learns, and the gradient window of "
                f"{in_steps(longest_gradient_window(comparison))} is the likely cause: "
                "some targets are further apart."
            )
        case _:
            return "Neither mode learns, and nothing here says why."


def facts(
    comparison: Comparison, verdict: Verdict, target: str = "level"
) -> dict[str, str]:
    """Return what the verdict rests on, by name, in the order of reading.

    Where nothing can be said of state, no difference between the modes is named.

    Args:
        comparison, verdict, target: as in `summary`.
    """
    said = {
        "Scores": _scores(comparison, verdict),
        "Simple methods": _simple(comparison),
        "Variants": _variants(comparison, verdict),
        "Fair chance": _fair_chance(comparison, verdict),
    }
    if verdict.kind not in NOTHING_OF_STATE and verdict.difference is not None:
        said |= {
            "Seeds": _seeds(comparison, verdict, verdict.difference),
            "Test": _test(comparison, verdict),
            "Splits": _splits(comparison, verdict),
            "Doubt": _doubt(verdict, verdict.difference),
            "Noise": _noise(verdict),
            "Power": _power(verdict, verdict.difference),
        }
    said["Next step"] = _next_step(comparison, verdict, target)
    return {name: fact for name, fact in said.items() if fact}


def _no_better(comparison: Comparison, verdict: Verdict) -> str:
    simple = verdict.best_simple
    assert simple is not None
    sign = comparison.score.sign
    better = max(verdict.chosen, key=lambda one: sign * one.test.mean())
    ahead = sign * (better.test.mean() - simple.test) > 0
    claim = "not shown to be better than" if ahead else "no better than"
    return (
        f"These networks are {claim} {METHODS[simple.name]}: {comparison.score.name} "
        f"{number(better.test.mean())} {MODES[better.mode]}, {number(simple.test)} by "
        "the simple method. Nothing can be said of state."
    )


def _not_settled(verdict: Verdict) -> list[Candidate]:
    return [one for one in verdict.chosen if one.late_gain > verdict.margin]


def _bounded(verdict: Verdict) -> bool:
    """Tell whether a difference that matters is excluded, in either direction."""
    assert verdict.difference is not None
    both = (verdict.difference, verdict.over_test)
    return all(
        -verdict.margin <= one.low and one.high <= verdict.margin for one in both
    )


def _scores(comparison: Comparison, verdict: Verdict) -> str:
    parts = []
    for one in reversed(verdict.chosen):
        over_seeds = interval(one.test)
        text = f"{MODES[one.mode]} {number(one.test.mean())}"
        if over_seeds.low is not None:
            text += f" [{number(over_seeds.low)}, {number(over_seeds.high)}]"
        if one.mode == "stateless":
            text += f" on {_window(comparison, one)}"
        if one.ceiling is not None:
            text += f", ceiling {number(one.ceiling)}"
        if not verdict.learn[one.mode]:
            ahead = comparison.score.sign * (one.test.mean() - comparison.baseline) > 0
            claim = "not shown to be better" if ahead else "no better"
            text += f", which is {claim} than a constant"
        parts.append(text)
    return (
        f"{comparison.score.name} on {in_steps(comparison.steps)} of test: "
        f"{'; '.join(parts)}; {number(comparison.baseline)} by a constant prediction"
    )


def _simple(comparison: Comparison) -> str:
    """Say how well simple methods do on the same steps."""
    ordered = sorted(comparison.simple, key=lambda b: -comparison.score.sign * b.test)
    parts = []
    for baseline in ordered:
        detail = f" ({baseline.detail})" if baseline.detail else ""
        parts.append(f"{NAMES[baseline.name]}{detail} {number(baseline.test)}")
    return ", ".join(parts)


def _variants(comparison: Comparison, verdict: Verdict) -> str:
    """Say which other variants were chosen than those in use."""
    sentences = []
    for chosen in verdict.chosen:
        usual = in_use(comparison, chosen.mode)
        if usual is chosen:
            continue
        split = "train" if chosen.validation is None else "validation"
        sentences.append(
            f"on {split} {chosen.mode} is best with {chosen.variant}; what is in use, "
            f"{_setting(usual)}, has {number(usual.test.mean())} on test"
        )
        if len(comparison.by_split) > 1:  # on the first alone what is in use is trained
            continue
        learn = (verdict.learn[chosen.mode], learns(comparison, usual, verdict.margin))
        if chosen.mode == "stateful" and learn == (True, False):
            sentences.append("the gradient window is why that does not learn")
    only_stateless_learns = verdict.learn["stateless"] and not verdict.learn["stateful"]
    if only_stateless_learns and gradient_too_short(comparison):
        sentences.append(
            f"with carried state nothing is learned: {_too_short(comparison)}"
        )
    return "; ".join(sentences)


def _fair_chance(comparison: Comparison, verdict: Verdict) -> str:
    """Say what each network was trained with."""
    parts = []
    for one in reversed(verdict.chosen):
        gained = number(max(0.0, one.late_gain))
        parts.append(
            f"{MODES[one.mode]} up to {one.updates:,} updates on "
            f"{one.labelled_steps:,} labelled steps at a learning rate of "
            f"{one.learning_rate:g}, of which the last third gained at least {gained}"
        )
    return "; ".join(parts)


def _seeds(comparison: Comparison, verdict: Verdict, seeds: Difference) -> str:
    """Say how large the difference is over seeds."""
    pairs = verdict.stateful.test[: seeds.n] - verdict.stateless.test[: seeds.n]
    if not pairs.any():
        return f"no difference in any of {seeds.n} pairs"
    gains = comparison.score.sign * pairs
    better = 100 * ((gains > 0) + 0.5 * (gains == 0)).mean()
    return (
        f"state is {'worse' if seeds.mean < 0 else 'better'} by "
        f"{number(abs(seeds.mean))} over {seeds.n} pairs, p = {seeds.p:.2g}, 95 % "
        f"interval {number(seeds.low)} to {number(seeds.high)}; it is better in "
        f"{better:.0f} % of pairs; below {number(verdict.margin)} it would not matter"
    )


def _test(comparison: Comparison, verdict: Verdict) -> str:
    over = verdict.over_test
    if over.n == comparison.steps:
        what = f"over {in_steps(over.n)} in time (Diebold-Mariano, Newey-West)"
    else:
        what = f"over {over.n} groups of sequences"
    return (
        f"{what} p = {over.p:.2g}, 95 % interval {number(over.low)} to "
        f"{number(over.high)}"
    )


def _splits(comparison: Comparison, verdict: Verdict) -> str:
    """Say what each split says, and all of them together."""
    over = verdict.over_splits
    if over is None:
        return ""
    each = ", ".join(number(gain) for gain in comparison.by_split)
    return (
        f"on each of {over.n}, the latest first, state is better by {each}; corrected "
        "for train sets that overlap (Nadeau and Bengio) p = "
        f"{over.p:.2g}, 95 % interval {number(over.low)} to {number(over.high)}"
    )


def _doubt(verdict: Verdict, seeds: Difference) -> str:
    """Say which source of chance the difference is uncertain by."""
    by_seeds = seeds.std**2 / seeds.n
    by_test = verdict.over_test.std**2 / verdict.over_test.n
    total = by_seeds + by_test
    if total < ROUNDING**2:
        return ""
    seeds_share, test_share = 100 * by_seeds / total, 100 * by_test / total
    return (
        f"of the variance of the difference {seeds_share:.0f} % is from seeds, "
        f"{test_share:.0f} % from the test split; that of other train data is not "
        "measured"
    )


def _noise(verdict: Verdict) -> str:
    if not verdict.noise:
        return ""
    by_mode = ", ".join(
        f"{mode} by {number(abs(noise.mean))} (p = {noise.p:.2g})"
        for mode, noise in verdict.noise.items()
    )
    return f"the same networks from other seeds differ, {by_mode}"


def _power(verdict: Verdict, seeds: Difference) -> str:
    gap = max(seeds.detectable, verdict.over_test.detectable)
    if gap < ROUNDING:
        return "all pairs differ alike: any gap would be detected"
    power = f"a gap of {number(gap)} would be detected four times in five"
    if seeds.detectable > verdict.margin > 0:
        pairs = paired_test.pairs_for(verdict.margin, seeds.std)
        if pairs is not None:
            power += f"; one of {number(verdict.margin)} takes {pairs:,} pairs of seeds"
    return power


def _next_step(comparison: Comparison, verdict: Verdict, target: str) -> str:
    """Say what would tell more."""
    match verdict.kind:
        case None:
            return f"set `seeds` to {SEEDS} or more"
        case "no_better_than":
            steps = ["other learning rates", "more units, longer windows, more data"]
            if target == "level" and _behind_the_last_value(comparison, verdict):
                steps.insert(0, "`window.target: difference`")
            if _not_settled(verdict):
                steps.insert(0, "more `updates`, as training had not settled")
            return "; ".join(steps)
        case "unequal_budgets":
            return "give both modes the same `updates` and `batch_size: auto`"
        case "not_settled":
            return "more `epochs` or `updates` in both sections"
        case "state_helps":
            return (
                f"a sequence has up to {in_steps(comparison.longest_sequence)}: try "
                "longer windows in `train_stateless.lookbacks`"
            )
        case "neither_learns" if verdict.cause == "gradient_window":
            return (
                f"{_too_short(comparison)}: try a longer one in "
                "`train_stateful.gradient_windows`"
            )
        case "no_difference" if not _bounded(verdict):
            assert verdict.difference is not None
            if verdict.over_test.std**2 / verdict.over_test.n > (
                verdict.difference.std**2 / verdict.difference.n
            ):
                return "a longer test split, or more sequences in it"
            return "more `seeds`"
    return ""


def _behind_the_last_value(comparison: Comparison, verdict: Verdict) -> bool:
    """Tell whether values are forecast better from the last one than by networks."""
    if comparison.score is not RMSE:
        return False
    best = min(one.test.mean() for one in verdict.chosen)
    simple = (one for one in comparison.simple if one.name in FROM_THE_LAST_VALUE)
    return any(one.test < best for one in simple)


def _too_short(comparison: Comparison) -> str:
    return (
        f"the gradient window goes back {in_steps(longest_gradient_window(comparison))}"
        f", a target is up to {in_steps(comparison.target_gap)} from the one before "
        "it, and what lies between is never learned from"
    )


def _setting(candidate: Candidate) -> str:
    if candidate.mode == "stateful":
        return f"gradient window {candidate.gradient_window}"
    return in_steps(candidate.timesteps)


def _window(comparison: Comparison, candidate: Candidate) -> str:
    """Say what a network without carried state sees at a time."""
    window = f"a window of {in_steps(candidate.timesteps)}"
    if candidate.timesteps >= comparison.longest_sequence:
        return f"{window}, a whole sequence"
    return window
