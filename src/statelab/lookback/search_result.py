"""The result of a lookback search as tables, and in words."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from statelab import formatting
from statelab.baselines.naive import NAMES
from statelab.config.settings import SearchParams
from statelab.evaluation import paired_test
from statelab.evaluation.statistics import interval
from statelab.formatting import in_steps, number
from statelab.lookback import decision
from statelab.lookback.decision import Rule
from statelab.lookback.outcomes import COMPLETE, PRUNED, Outcome

ADOPTED = ("batch_size", "optimizer", "schedule", "clipnorm")


class Searched(NamedTuple):
    """What was searched."""

    low: int  # time steps of the shortest window
    high: int  # and of the longest
    grid_size: int  # trials that everything would have taken
    scored_steps: int  # of validation
    longest_sequence: int  # time steps
    # scores that need no network: `constant`, and of forecasts `persistence` and
    # `seasonal_naive`
    baselines: Mapping[str, float]


def records(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return the trials as JSON holds them, in the order in which they were begun.

    Returns:
        The fields of `Outcome`, `score` (the mean over seeds), and `seconds_…` of each
        kind.
    """
    trials = []
    for nth, outcome in enumerate(outcomes):
        fields = outcome._asdict()
        seconds = {f"seconds_{kind}": s for kind, s in fields.pop("seconds").items()}
        trials.append({"trial": nth, **fields, "score": outcome.mean, **seconds})
    return trials


def curve(
    outcomes: Iterable[Outcome], rule: Rule, ceilings: Mapping[int, float | None]
) -> pd.DataFrame:
    """Return the score against window length, of the best settings of each window.

    Args:
        outcomes: of all trials.
        rule: what is better.
        ceilings: by window length, the best that any model could reach.

    Returns:
        One line for each window with a complete trial: `window_length`, `mean`, `low`,
        `high` (95 % t interval over seeds), `ceiling` (NaN where it is not known), and
        `against_best`: best, not worse, worse, or cannot tell.
    """
    lines = []
    windows = [outcome for outcome in outcomes if outcome.is_window]
    best = decision.best_of(windows, rule)
    for window in sorted({outcome.window_length for outcome in windows}):
        outcome = max(
            (outcome for outcome in windows if outcome.window_length == window),
            key=lambda one: (decision.not_worse(one, best, rule), rule.sign * one.mean),
        )
        if outcome is best:
            against = "best"
        elif decision.not_worse(outcome, best, rule):
            against = "not worse"
        else:
            against = "worse" if decision.worse(outcome, best, rule) else "cannot tell"
        score = dataclasses.asdict(interval(np.array(outcome.scores)))
        lines.append(
            {
                "window_length": window,
                **{name: score[name] for name in ("mean", "low", "high")},
                "ceiling": ceilings[window],
                "against_best": against,
            }
        )
    columns = {name: float for name in ("mean", "low", "high", "ceiling")}
    return pd.DataFrame(lines).astype(columns)


def summary(outcomes: list[Outcome], rule: Rule, searched: Searched) -> dict[str, Any]:
    """Return the result of a search.

    Args:
        outcomes: of all trials.
        rule: what is better.
        searched: what was searched.
    """
    best, smallest, *_ = decision.judge(outcomes, rule, searched.low)
    no_ceilings = dict.fromkeys(range(searched.low, searched.high + 1))
    windows = curve(outcomes, rule, no_ceilings)
    undecided = windows.loc[windows["against_best"] != "worse", "window_length"]
    with_state = [
        outcome
        for outcome in outcomes
        if outcome.state == COMPLETE and not outcome.is_window
    ]
    compared = {"smallest": smallest, "best": best}
    if with_state:
        compared["stateful"] = decision.best_of(with_state, rule)
    seeds, parts = (
        dataclasses.asdict(paired_test.compare(gaps, np.zeros_like(gaps)))
        if len(gaps) > 1
        else None
        for gaps in decision.better_by(best, smallest, rule)
    )
    return {
        "smallest": smallest.window_length,
        "best": best.window_length,
        "low": searched.low,
        "high": searched.high,
        "longest_sequence": searched.longest_sequence,
        "smallest_that_may_do": int(undecided.min()),
        "stateful_score": compared["stateful"].mean if with_state else None,
        "trials": len(outcomes),
        "pruned": sum(outcome.state == PRUNED for outcome in outcomes),
        "grid_size": searched.grid_size,
        "score": rule.score,
        "margin": rule.margin,
        "steps": searched.scored_steps,
        "scores": {
            name: dataclasses.asdict(interval(np.array(outcome.scores)))
            for name, outcome in compared.items()
        },
        "baselines": dict(searched.baselines),
        "best_is_better_by": {"over_seeds": seeds, "over_validation": parts},
        "one_standard_error": _one_standard_error(outcomes, best, rule),
        "settings": smallest.trial._asdict(),
    }


def headline(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return what searches are compared by, of a `summary`: the smallest window."""
    return {"lookback": summary["smallest"]}


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
        outcome.window_length
        for outcome in outcomes
        if outcome.is_window and rule.sign * (best.mean - outcome.mean) <= error
    ]
    return min(within)


def adopt(
    settings: Mapping[str, Any], search_params: SearchParams, samples: int
) -> dict[str, Any]:
    """Return the keys of params.yaml that train with the smallest window.

    Args:
        settings: those of `summary`.
        search_params: of search/params.yaml.
        samples: windows to train on. There are as many epochs as it takes to make at
            least as many updates as in the search.
    """
    search = search_params.search
    batches = -(-samples // search.batch_size)
    window, forget_bias = settings["window_length"], search_params.model.forget_bias
    return {
        "window.layout": "subsampled",
        "window.window_length": window,
        "window.stride": settings["stride"],
        "model.units": settings["units"],
        "model.forget_bias": (
            f"chrono_{window}" if forget_bias == "chrono" else forget_bias
        ),
        "train_stateless.learning_rate": settings["learning_rate"],
        "train_stateless.epochs": -(-search.updates // batches),
        "train_stateless.shuffle": True,
        **{f"train_stateless.{name}": getattr(search, name) for name in ADOPTED},
    }


def row(line: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line of `curve` as a table shows it."""
    low, high = number(line["low"]), number(line["high"])
    return (
        str(line["window_length"]),
        number(line["mean"]),
        f"{low} to {high}",
        line["against_best"],
    )


def line(outcome: Outcome) -> str:
    """Describe in a line how a trial has ended."""
    pruned = ", pruned" * (outcome.state == PRUNED)
    state = f", state reset: {outcome.reset}" * outcome.trial.carries_state
    score = f"{number(outcome.mean)}{pruned}"
    return f"{outcome.phase}, {in_steps(outcome.window_length)}{state}: {score}"


def in_words(result: Mapping[str, Any]) -> str:
    """Write the result of a search, and how sure it is, in sentences."""
    smallest, best, score = result["smallest"], result["best"], result["score"]
    scores = result["scores"]
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
    if smallest == result["low"]:
        lead = f"A window of {in_steps(smallest)}, the shortest searched, is enough"
    sentences = [f"{lead}: {score} {_spread(scores['smallest'])}"]
    if smallest != best:
        sentences[0] += f" against {_spread(scores['best'])}"
    sentences[0] += "."
    if result["smallest_that_may_do"] < smallest:
        sentences.append(
            f"One of {in_steps(result['smallest_that_may_do'])} may do as well: these "
            "seeds cannot tell."
        )
    if smallest == result["high"] < result["longest_sequence"]:
        sentences.append("It is the longest searched: a longer one may do better.")
    if "stateful" in scores:
        sentences.append(f"With carried state: {_spread(scores['stateful'])}.")
    baselines = ", ".join(
        f"{number(value)} {NAMES[name]}" for name, value in result["baselines"].items()
    )
    sentences.append(f"Without a network: {baselines}.")
    sentences.append(
        f"{result['trials']} trials in place of {result['grid_size']:,}; a difference "
        f"below {number(result['margin'])} is taken not to matter."
    )
    return " ".join(sentences)


def _spread(score: Mapping[str, Any]) -> str:
    low_to_high = formatting.interval(score["low"], score["high"])
    return f"{number(score['mean'])} {low_to_high}".rstrip()
