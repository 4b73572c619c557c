"""The result of a lookback search as tables, and in words."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from statelab import formatting
from statelab.evaluation import paired_test
from statelab.evaluation.baselines import NAMES
from statelab.evaluation.statistics import interval
from statelab.formatting import in_steps, number
from statelab.lookback import decision

ADOPTED = ("batch_size", "optimizer", "schedule", "clipnorm")


def table(outcomes: Iterable[decision.Outcome]) -> pd.DataFrame:
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
    outcomes: Iterable[decision.Outcome],
    rule: decision.Rule,
    ceilings: Mapping[int, float | None],
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
            key=lambda each: (
                decision.not_worse(each, best, rule),
                rule.sign * each.mean,
            ),
        )
        if each is best:
            against = "best"
        elif decision.not_worse(each, best, rule):
            against = "not worse"
        else:
            against = "worse" if decision.worse(each, best, rule) else "cannot tell"
        scored = dataclasses.asdict(interval(np.array(each.scores)))
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
    outcomes: list[decision.Outcome],
    rule: decision.Rule,
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
        baselines: scores of what is no network: `constant`, and of forecasts
            `persistence` and `seasonal_naive`.
    """
    found = decision.judge(outcomes, rule, low)
    best, smallest = found.best, found.smallest
    windows = curve(outcomes, rule, dict.fromkeys(range(low, high + 1)))
    undecided = windows.loc[windows["against_best"] != "worse", "window_length"]
    stateful = max(
        (o for o in outcomes if o.state == decision.COMPLETE and o.reset != "sample"),
        key=lambda each: rule.sign * each.mean,
        default=None,
    )
    seeds, parts = (
        dataclasses.asdict(paired_test.compare(gaps, np.zeros_like(gaps)))
        if len(gaps) > 1
        else None
        for gaps in decision.better_by(best, smallest, rule)
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
        "pruned": sum(each.state == decision.PRUNED for each in outcomes),
        "grid_size": grid_size,
        "score": rule.score,
        "margin": rule.margin,
        "steps": asked,
        "scores": {
            name: dataclasses.asdict(interval(np.array(each.scores)))
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
        "settings": dict(
            zip(decision.Outcome._fields[2:8], smallest[2:8], strict=True)
        ),
    }


def _one_standard_error(
    outcomes: list[decision.Outcome], best: decision.Outcome, rule: decision.Rule
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


def line(outcome: decision.Outcome) -> str:
    """Say in a line how a trial has ended."""
    given_up = ", given up" * (outcome.state == decision.PRUNED)
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
    scored = [
        f"{number(score)} {NAMES[name]}" for name, score in told["baselines"].items()
    ]
    said.append(f"Without a network: {', '.join(scored)}.")
    said.append(
        f"{told['trials']} trials in place of {told['grid_size']:,}; a difference "
        f"below {number(told['margin'])} is taken not to matter."
    )
    return " ".join(said)


def _spread(scored: Mapping[str, Any]) -> str:
    interval_in_words = formatting.interval(scored["low"], scored["high"])
    return f"{number(scored['mean'])} {interval_in_words}".rstrip()
