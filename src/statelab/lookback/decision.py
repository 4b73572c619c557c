"""The answer of a lookback search: the smallest window that is not worse than the best.

Judged by seeds, seed k of a trial against seed k of another, and by parts of the
validation split, as a verdict is. Everything is read from the trials' scores.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from statelab.errors import UserError
from statelab.evaluation import paired_test, scoring
from statelab.evaluation.paired_test import LEVEL
from statelab.evaluation.scoring import in_steps, number

ADOPTED = ("batch_size", "optimizer", "schedule", "clipnorm")
COMPLETE, PRUNED = "complete", "pruned"

# whether to give up the n-th trial of a group, by its scores after a first part
Hopeless = Callable[[int, np.ndarray], bool]


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
        """Return the rule of a score; of errors the margin is a share of one answer's.

        Example:
            >>> Rule.of("rmse", 0.01, {"one_answer": 2.0}).margin
            0.02
        """
        unit = 1.0 if score == "accuracy" else baselines["one_answer"]
        return cls(score, margin * unit)

    @property
    def sign(self) -> int:
        """1 where more is better."""
        return 1 if self.score == "accuracy" else -1


class Found(NamedTuple):
    """What the trials so far say."""

    best: Outcome
    smallest: Outcome  # not worse than it
    below: int  # the longest shorter window that is behind it, or one that is too short
    floor: int | None  # the longest that is behind `below`


def judge(outcomes: Iterable[Outcome], rule: Rule, low: int) -> Found:
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
        return Found(best, smallest, low - 1, None)
    still = [each for each in shorter if each.window_length < below.window_length]
    floor = _longest_behind(still, below, rule)
    return Found(best, smallest, below.window_length, floor and floor.window_length)


def _longest_behind(
    shorter: Sequence[Outcome], than: Outcome, rule: Rule
) -> Outcome | None:
    return next((each for each in reversed(shorter) if _behind(each, than, rule)), None)


def _behind(one: Outcome, other: Outcome, rule: Rule) -> bool:
    """Tell whether the networks of a trial are worse, on the steps that were asked.

    Enough to look elsewhere; of other steps `worse` and `not_worse` tell more.
    """
    gaps, _ = _better_by(other, one, rule)
    low = gaps.mean() if len(gaps) == 1 else scoring.interval(gaps)["low"]
    return bool(gaps.mean() > rule.margin and low is not None and low > 0)


def not_worse(one: Outcome, best: Outcome, rule: Rule) -> bool:
    """Tell whether a trial is shown to be no worse than the best by more than matters.

    The 95 % interval of what the best is better by ends below the margin, over seeds
    and over parts of validation. With a single seed the mean has to do.
    """
    if one is best:
        return True
    highs = (
        gaps.mean() if len(gaps) == 1 else scoring.interval(gaps)["high"]
        for gaps in _better_by(best, one, rule)
    )
    return all(high is not None and high <= rule.margin for high in highs)


def worse(one: Outcome, best: Outcome, rule: Rule) -> bool:
    """Tell whether a trial is shown to be worse than the best, and that it matters."""
    return all(
        len(gaps) > 1
        and gaps.mean() > rule.margin
        and paired_test.p_value(gaps) < LEVEL
        for gaps in _better_by(best, one, rule)
    )


def _better_by(best: Outcome, one: Outcome, rule: Rule) -> list[np.ndarray]:
    """Return by what the best is better, for each seed and each part of validation."""
    return [
        rule.sign * (np.array(ours) - np.array(theirs))
        for ours, theirs in ((best.scores, one.scores), (best.parts, one.parts))
    ]


def table(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Return the trials, one line each, in the order asked for.

    Returns:
        The fields of `Outcome`, `score` (the mean over seeds), and `seconds` as a
        column for each kind.
    """
    lines = []
    for nth, each in enumerate(outcomes):
        told = each._asdict()
        spent = {f"seconds_{kind}": s for kind, s in told.pop("seconds").items()}
        lines.append({"trial": nth, **told, "score": each.mean, **spent})
    return pd.DataFrame(lines).astype({"gradient_window": "Int64"})


def curve(
    outcomes: Iterable[Outcome], rule: Rule, ceilings: Mapping[int, float | None]
) -> pd.DataFrame:
    """Return the score against window length, of the best settings of each window.

    Args:
        outcomes: of all trials.
        rule: what is better.
        ceilings: by window length, the best that any model could reach.

    Returns:
        One line for each window that was tried to the end: `window_length`, `mean`,
        `low`, `high` (95 % t interval over seeds), `ceiling` (NaN where it is not
        known), and `against_best`: best, not worse, worse, or cannot tell.
    """
    lines = []
    known = [each for each in outcomes if each.counts]
    best = max(known, key=lambda each: rule.sign * each.mean)
    for window in sorted({each.window_length for each in known}):
        own = [each for each in known if each.window_length == window]
        each = max(
            own,
            key=lambda each: (not_worse(each, best, rule), rule.sign * each.mean),
        )
        if each is best:
            against = "best"
        elif not_worse(each, best, rule):
            against = "not worse"
        else:
            against = "worse" if worse(each, best, rule) else "cannot tell"
        scored = scoring.interval(np.array(each.scores))
        lines.append(
            {
                "window_length": window,
                **{name: scored[name] for name in ("mean", "low", "high")},
                "ceiling": ceilings[window],
                "against_best": against,
            }
        )
    columns = {name: float for name in ("mean", "low", "high", "ceiling")}
    return pd.DataFrame(lines).astype(columns)


def summary(
    outcomes: list[Outcome],
    rule: Rule,
    *,
    low: int,
    high: int,
    grid_size: int,
    asked: int,
    longest: int,
    baselines: Mapping[str, float],
) -> dict[str, Any]:
    """Return the answer as metrics/lookback.json holds it.

    Args:
        outcomes: of all trials.
        rule: what is better.
        low, high: the shortest and the longest window that was searched.
        grid_size: trials that everything would have taken.
        asked: steps of validation that were scored.
        longest: steps of a sequence.
        baselines: scores of what is no network: `one_answer`, and of forecasts
            `persistence` and `seasonal_naive`.
    """
    found = judge(outcomes, rule, low)
    best, smallest = found.best, found.smallest
    windows = curve(outcomes, rule, dict.fromkeys(range(low, high + 1)))
    undecided = windows.loc[windows["against_best"] != "worse", "window_length"]
    stateful = max(
        (o for o in outcomes if o.state == COMPLETE and o.reset != "sample"),
        key=lambda each: rule.sign * each.mean,
        default=None,
    )
    seeds, parts = (
        paired_test.compare(gaps, np.zeros_like(gaps))._asdict()
        if len(gaps) > 1
        else None
        for gaps in _better_by(best, smallest, rule)
    )
    return {
        "smallest": smallest.window_length,
        "best": best.window_length,
        "low": low,
        "high": high,
        "longest_sequence": longest,
        "smallest_that_may_do": int(undecided.min()),
        "stateful_score": None if stateful is None else stateful.mean,
        "trials": len(outcomes),
        "pruned": sum(each.state == PRUNED for each in outcomes),
        "grid_size": grid_size,
        "score": rule.score,
        "margin": rule.margin,
        "steps": asked,
        "scores": {
            name: scoring.interval(np.array(each.scores))
            for name, each in (
                ("smallest", smallest),
                ("best", best),
                ("stateful", stateful),
            )
            if each is not None
        },
        "baselines": dict(baselines),
        "best_is_better_by": {
            "over_seeds": seeds,
            "over_validation": parts,
        },
        "one_standard_error": _one_standard_error(outcomes, best, rule),
        "settings": dict(zip(Outcome._fields[2:8], smallest[2:8], strict=True)),
    }


def _one_standard_error(
    outcomes: list[Outcome], best: Outcome, rule: Rule
) -> int | None:
    """Return the smallest window within a standard error of the best, if there is one.

    Reference:
        Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984,
        3.4.3.
    """
    if len(best.scores) == 1:
        return None
    error = float(np.std(best.scores, ddof=1) / np.sqrt(len(best.scores)))
    within = [
        each.window_length
        for each in outcomes
        if each.counts and rule.sign * (best.mean - each.mean) <= error
    ]
    return min(within)


def adopt(
    found: Mapping[str, Any],
    search: Mapping[str, Any],
    *,
    samples: int,
    forget_bias: str,
) -> dict[str, Any]:
    """Return the keys of params.yaml that put the answer to use.

    Args:
        found: the `settings` of `summary`.
        search: the section of search/params.yaml.
        samples: windows to train on: as many passes over them as make as many updates.
        forget_bias: `unit`, or `chrono` for up to the window.
    """
    batches = -(-samples // search["batch_size"])
    window = found["window_length"]
    chrono = f"chrono_{window}" if forget_bias == "chrono" else forget_bias
    return {
        "window.layout": "subsampled",
        "window.window_length": window,
        "window.stride": found["stride"],
        "model.units": found["units"],
        "model.forget_bias": chrono,
        "train_stateless.learning_rate": found["learning_rate"],
        "train_stateless.epochs": -(-search["updates"] // batches),
        "train_stateless.shuffle": True,
        **{f"train_stateless.{name}": search[name] for name in ADOPTED},
    }


def row(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line of `curve` as a table shows it."""
    low, high = number(told["low"]), number(told["high"])
    return (
        str(told["window_length"]),
        number(told["mean"]),
        f"{low} to {high}",
        told["against_best"],
    )


def line(outcome: Outcome) -> str:
    """Say in a line how a trial has ended."""
    given_up = ", given up" * (outcome.state == PRUNED)
    state = f", state reset: {outcome.reset}" * (outcome.reset != "sample")
    score = f"{number(outcome.mean)}{given_up}"
    return f"{outcome.phase}, {in_steps(outcome.window_length)}{state}: {score}"


def in_words(told: Mapping[str, Any]) -> str:
    """Say the answer, and what it rests on, as one tells a colleague."""
    smallest, best, score = told["smallest"], told["best"], told["score"]
    scores = told["scores"]
    if smallest == best:
        lead = (
            f"A window of {in_steps(smallest)} does best, and no shorter one is shown "
            "to do as well"
        )
    else:
        lead = (
            f"A window of {in_steps(smallest)} is enough: it is not worse than the "
            f"best, which is {in_steps(best)}"
        )
    if smallest == told["low"]:
        lead = f"A window of {in_steps(smallest)}, the shortest searched, is enough"
    said = [f"{lead}: {score} {_spread(scores['smallest'])}"]
    if smallest != best:
        said[0] += f" against {_spread(scores['best'])}"
    said[0] += "."
    if told["smallest_that_may_do"] < smallest:
        said.append(
            f"One of {in_steps(told['smallest_that_may_do'])} may do as well: these "
            "seeds cannot tell."
        )
    if smallest == told["high"] < told["longest_sequence"]:
        said.append("It is the longest searched: a longer one may do better.")
    if "stateful" in scores:
        said.append(f"With carried state: {_spread(scores['stateful'])}.")
    named = {name.replace("_", " "): number(v) for name, v in told["baselines"].items()}
    said.append(
        f"Without a network: {', '.join(f'{v} {k}' for k, v in named.items())}."
    )
    said.append(
        f"{told['trials']} trials in place of {told['grid_size']:,}; a difference "
        f"below {number(told['margin'])} is taken not to matter."
    )
    return " ".join(said)


def _spread(scored: Mapping[str, Any]) -> str:
    if scored["low"] is None:
        return number(scored["mean"])
    low, high = number(scored["low"]), number(scored["high"])
    return f"{number(scored['mean'])} [{low}, {high}]"
