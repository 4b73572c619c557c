"""Results in words: a sentence, a table, and for each picture what it shows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from statelab.evaluation import scoring
from statelab.evaluation.scoring import in_steps, number
from statelab.samples import windows as windows_
from statelab.samples.plan_summary import Places

MODES = ("stateless", "stateful")
NAMED = 20  # features, or classes
SCORES = {
    "accuracy": "share of right answers, over every answer",
    "rmse": "root mean squared error, over every answer",
    "loss": "what training makes small, on the test split",
    "balanced_accuracy": "accuracy of each class, and their mean",
    "auc": "chance that a sample of a class is ranked above one of another",
    "mae": "mean absolute error",
    "final": "at the last step of each sequence that has a target",
    "train": "on the train split, by the weights at the end",
    "running": "on the train split, while the weights moved, last epoch",
}


def bounds_of(scored: Mapping[str, Any], score: str) -> dict[str, float]:
    """Return what a score is seen beside: its ceiling, or what needs no model.

    Example:
        >>> bounds_of({"ceiling": {"accuracy": 0.9}, "baseline": {"accuracy": 0.5}},
        ...           "accuracy")
        {'ceiling': 0.9}
    """
    if scored["ceiling"].get(score) is not None:
        return {"ceiling": scored["ceiling"][score]}
    forecasts = [name for name in ("persistence", "seasonal_naive") if name in scored]
    naive = {name: scored[name][score] for name in forecasts}
    told = {"one answer": scored["baseline"][score], **naive}
    return {name: value for name, value in told.items() if value is not None}


def came_out(evaluated: Mapping[str, Any]) -> str:
    """Say in a sentence what the main score is, beside what bounds it.

    Args:
        evaluated: as evaluate.json holds it.
    """
    score = main_score(evaluated)
    carrying, without = (
        number(evaluated[mode][score]["mean"]) for mode in ("stateful", "stateless")
    )
    bounds = [beside(evaluated[mode], score) for mode in ("stateful", "stateless")]
    if bounds[0] == bounds[1]:
        without += f", beside {bounds[0]}"
    else:
        carrying, without = f"{carrying} ({bounds[0]})", f"{without} ({bounds[1]})"
    return (
        f"On the test split, networks that carry state have a mean {score} of "
        f"{carrying}, networks that do not {without}."
    )


def beside(scored: Mapping[str, Any], score: str) -> str:
    """Say what bounds a score.

    Example:
        >>> beside({"ceiling": {"rmse": None}, "baseline": {"rmse": 63.354}}, "rmse")
        'one answer 63.35'
    """
    bounds = bounds_of(scored, score).items()
    told = [f"{name.replace('_', ' ')} {number(value)}" for name, value in bounds]
    return ", ".join(told)


def main_score(evaluated: Mapping[str, Any]) -> str:
    """Name the score by which answers are compared."""
    return "accuracy" if "accuracy" in evaluated["stateful"] else "rmse"


def score_table(evaluated: Mapping[str, Any]) -> dict[str, Any]:
    """Return headings and lines of the table of scores.

    Args:
        evaluated: as evaluate.json holds it.

    Returns:
        `headings`, and `lines` of a name, what it means, and a cell for each heading: a
        figure, and its interval where it has one.
    """
    names = [name for name, score in evaluated["stateful"].items() if "mean" in score]
    columns = {}
    for mode in MODES:
        scored = evaluated[mode]
        columns[f"{mode}, n = {scored[names[0]]['n']}"] = [
            (number(scored[name]["mean"]), _interval(scored[name])) for name in names
        ]
        if any(best is not None for best in scored["ceiling"].values()):
            columns[f"ceiling, {mode}"] = _bound(scored["ceiling"], names)
    scored = evaluated["stateful"]
    columns["one answer"] = _bound(scored["baseline"], names)
    for naive in ("persistence", "seasonal_naive"):
        if naive in scored:
            columns[naive.replace("_", " ")] = _bound(scored[naive], names)
    cells = zip(*columns.values(), strict=True)
    lines = [
        (name.replace("_", " "), _meaning(name), each)
        for name, each in zip(names, cells, strict=True)
    ]
    return {"headings": list(columns), "lines": lines}


def _interval(score: Mapping[str, Any]) -> str:
    if score["low"] is None:
        return ""
    return f"[{number(score['low'])}, {number(score['high'])}]"


def _bound(bound: Mapping[str, float | None], names: list[str]) -> list[tuple]:
    return [(number(bound.get(name)), "") for name in names]


def _meaning(score: str) -> str:
    return SCORES.get(score) or SCORES[score.split("_")[0]]


def curve(mode: str, history: pd.DataFrame, ceiling: float | None) -> str:
    """Say how the networks of one mode learned.

    Args:
        mode: whose.
        history: one line for each seed and epoch.
        ceiling: of test accuracy, where there is one.
    """
    score = scoring.score_of(history)
    name = {"accuracy": "accuracy", "mae": "mean absolute error"}[score]
    by_epoch = scoring.over_seeds(history, f"test_{score}")
    first, last = by_epoch["epoch"].iloc[[0, -1]]
    begin, end = map(float, by_epoch["mean"].iloc[[0, -1]])
    text = (
        f"Learning curve of the {mode} networks: {name} on the test split, the mean "
        f"over {history['seed'].nunique()} seeds, goes from {number(begin)} after "
        f"epoch {first} to {number(end)} after epoch {last}."
    )
    left = history.loc[history["epoch"] == last, "seed"].nunique()
    if left < history["seed"].nunique():
        text += f" {left} had not stopped by then."
    if ceiling is not None:
        text += f" The best that any model could reach is {number(ceiling)}."
    return text


def cut(window: Mapping[str, Any]) -> str:
    """Say how sequences are cut.

    Example:
        >>> cut({"layout": "subsampled", "window_length": 10, "stride": 2})
        'subsampled: window length 10, stride 2'
    """
    layout, *sizes = windows_.layout_of(**window).items()
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sizes)
    return f"{layout[1]}: {told}" if told else f"{layout[1]}: whole sequences"


def verdict_table(judged: Mapping[str, Any]) -> dict[str, Any]:
    """Return headings and lines of the table of variants.

    Args:
        judged: `verdict` of evaluate.json.

    Returns:
        `headings`, and `lines` as of `score_table`; what is chosen is marked.
    """
    lines = []
    for mode, variants in judged["variants"].items():
        for name, told in variants.items():
            name = name.replace("_", " ")
            chosen = "chosen" if judged["chosen"][mode] == name else ""
            cells = [
                (f"{told['timesteps']:,}", ""),
                (f"{told['gradient_window']:,}", ""),
                (number(told["validation"]), ""),
                (number(told["test"]["mean"]), _interval(told["test"])),
                (number(told["ceiling"]), ""),
            ]
            lines.append((f"{mode}, {name}", chosen, cells))
    headings = ["steps of a sample", "gradient window", "validation", "test", "ceiling"]
    return {"headings": headings, "lines": lines}


def differences(found: Mapping[str, np.ndarray], score: str) -> str:
    """Say what `pictures.differences` draws."""
    told = [
        f"{label}: mean {number(float(values.mean()))}, from "
        f"{number(float(values.min()))} to {number(float(values.max()))}"
        for label, values in found.items()
    ]
    pairs = len(next(iter(found.values())))
    return f"Differences in {score} over {pairs} pairs of seeds. {'; '.join(told)}."


def by_layout(rows: Iterable[Mapping[str, Any]], score: str) -> str:
    """Say what `pictures.layouts` draws."""
    parts = []
    for row in rows:
        told = []
        for mode in MODES:
            mean = number(row[mode][score]["mean"])
            told.append(f"{mode} {mean} ({beside(row[mode], score)})")
        parts.append(f"{row['label']}: {'; '.join(told)}")
    return f"{score.replace('_', ' ').capitalize()} by layout. {'. '.join(parts)}."


def first_of(*parts: tuple[str, int, int]) -> str:
    """Say what is drawn of how many.

    Example:
        >>> first_of(("batches", 40, 20000), ("lanes", 1, 1))
        'the first 40 of 20,000 batches, 1 lane'
    """
    told = []
    for things, drawn, of in parts:
        one = things.removesuffix("es" if things == "batches" else "s")
        part = f"the first {drawn} of " if drawn < of else ""
        told.append(f"{part}{of:,} {one if of == 1 else things}")
    return ", ".join(told)


def plan(mode: str, shown: Places, words: Mapping[str, str]) -> str:
    """Say what `pictures.lanes` draws.

    Args:
        mode: whose plan it is.
        shown: what is drawn of it.
        words: on the whole of it, by `explain.in_words`.
    """
    batches, lanes = shown.sequence.shape
    used = shown.sequence >= 0
    return (
        f"Plan of the {mode} training, {lanes} lanes by {batches} batches: "
        f"{np.count_nonzero(used)} samples of {len(np.unique(shown.sequence[used]))} "
        f"sequences are drawn, {np.count_nonzero(shown.reset)} of them begin with a "
        f"state of zeros. In an epoch there are {words['samples']} samples in "
        f"{words['batches']} batches, and padding is {words['padding']}."
    )


def hidden(state: str, shown: np.ndarray, step: np.ndarray) -> str:
    """Say what `pictures.units` draws.

    Args:
        state: what becomes of it.
        shown: hidden units, [steps, units].
        step: the number of each step, [steps].
    """
    first, last = (np.abs(shown[at]).mean() for at in (0, -1))
    return (
        f"Map of {shown.shape[1]} hidden units over steps {step[0]} to {step[-1]}, "
        f"state {state}: from {shown.min():.2f} to {shown.max():.2f}; their mean "
        f"distance from 0 is {first:.2f} at the first of these steps and {last:.2f} at "
        "the last."
    )


def answers(
    label: str, given: Mapping[str, np.ndarray], asked: np.ndarray, step: np.ndarray
) -> str:
    """Say what `pictures.answers` draws; arguments as there."""
    known = asked[~np.isnan(asked)]
    target = f"the last target is {known[-1]:.3g}" if len(known) else "no target"
    ways = {"stateful": "carried", "stateless": "reset at each sample"}
    told = [
        f"with state {ways[mode]} from {values[0]:.3g} at the first to "
        f"{values[-1]:.3g} at the last"
        for mode, values in given.items()
    ]
    return (
        f"{label.capitalize()} over steps {step[0]} to {step[-1]}: {', '.join(told)}; "
        f"{target}."
    )


def by_lag(lags: pd.DataFrame, measure: str) -> str:
    """Say what `pictures.by_lag` draws."""
    told = []
    for mode in MODES:
        table = lags.query("mode == @mode and measure == @measure")
        first, last = table["mean"].iloc[[0, -1]]
        told.append(
            f"{mode} {number(float(first))} at the step itself"
            + (
                f", {number(float(last))} at {table['last'].iloc[-1]} steps back"
                if len(table) > 1
                else ""
            )
        )
    what = {"change": "Change of answers", "slope": "Slope of answers"}[measure]
    return f"{what} by lag, the mean over networks: {'; '.join(told)}."


def by_burn_in(warm_up: pd.DataFrame, score: str) -> str:
    """Say what `pictures.by_burn_in` draws."""
    told = [
        f"{number(float(line['mean']))} "
        + (
            "with state carried"
            if np.isnan(line["burn_in"])
            else f"after {line['burn_in']:.0f} steps"
        )
        for line in warm_up.to_dict("records")
    ]
    return f"{score.capitalize()} of stateful networks by burn-in: {', '.join(told)}."


def lookback(curve: pd.DataFrame, told: Mapping[str, Any]) -> str:
    """Say what `pictures.lookback` draws."""
    windows, mean = curve["window_length"], curve["mean"]
    text = (
        f"{told['score'].capitalize()} on validation by window length, {len(curve)} "
        f"windows: {number(float(mean.iloc[0]))} at {in_steps(int(windows.iloc[0]))}, "
        f"{number(float(mean.iloc[-1]))} at {in_steps(int(windows.iloc[-1]))}. The "
        f"best is {in_steps(told['best'])}, the smallest that is not worse "
        f"{in_steps(told['smallest'])}."
    )
    if told["stateful_score"] is not None:
        text += f" Carried state has {number(told['stateful_score'])}."
    return text


def lookback_table(curve: pd.DataFrame, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return headings and lines of the table of windows.

    Args:
        curve: as metrics/lookback/curve.csv holds it.
        told: as metrics/lookback.json holds it.

    Returns:
        `headings`, and `lines` of a window, whether it is the answer, and cells as of
        `score_table`.
    """
    lines = []
    for line in curve.to_dict("records"):
        window, low = line["window_length"], line["low"]
        scored = {"low": None if np.isnan(low) else low, "high": line["high"]}
        chosen = "the smallest" if window == told["smallest"] else ""
        cells = [
            (number(line["mean"]), _interval(scored)),
            (line["against_best"], ""),
        ]
        lines.append((in_steps(window), chosen, cells))
    return {"headings": [told["score"], "against the best"], "lines": lines}


def beside_horizon(smallest: int, horizon: Mapping[str, Any]) -> str:
    """Say how the smallest window compares with what trained networks look back.

    Args:
        smallest: window, in steps.
        horizon: as horizon.json holds it. A network that looks back 3 steps reads 4.

    Example:
        >>> back = {"stateless": {"change": {"looks_back": 0}},
        ...         "stateful": {"change": {"looks_back": 3}}}
        >>> beside_horizon(4, back)  # doctest: +ELLIPSIS
        'As a cross-check, ... 1 step without state, 4 steps with it, and ... 4 steps.'
    """
    told = {mode: horizon[mode]["change"]["looks_back"] for mode in MODES}
    used = {
        mode: "no step" if steps is None else in_steps(steps + 1)
        for mode, steps in told.items()
    }
    return (
        "As a cross-check, the memory horizon of the networks above: they make use of "
        f"{used['stateless']} without state, {used['stateful']} with it, and the "
        f"smallest window is {in_steps(smallest)}."
    )


def some(names: list[str]) -> str:
    """Join names, but not too many of them."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
