"""Captions: what each picture of the report shows, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from statelab.evaluation import scoring
from statelab.formatting import count_of, in_steps, number
from statelab.report import tables
from statelab.samples.plan_summary import Places
from statelab.samples.windows import layout_settings


def curve(mode: str, history: pd.DataFrame, ceiling: float | None) -> str:
    """Say how the networks of one mode learned.

    Args:
        mode: whose.
        history: one line for each seed and epoch.
        ceiling: of test accuracy, where there is one.
    """
    score = scoring.history_score(history)
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
    layout, *sizes = layout_settings(**window).items()
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sizes)
    return f"{layout[1]}: {told}" if told else f"{layout[1]}: whole sequences"


def differences(found: Mapping[str, np.ndarray], score: str) -> str:
    """Say what `page_figures.differences` draws."""
    told = [
        f"{label}: mean {number(float(values.mean()))}, from "
        f"{number(float(values.min()))} to {number(float(values.max()))}"
        for label, values in found.items()
    ]
    pairs = len(next(iter(found.values())))
    return f"Differences in {score} over {pairs} pairs of seeds. {'; '.join(told)}."


def by_layout(rows: Iterable[Mapping[str, Any]], score: str) -> str:
    """Say what `page_figures.layouts` draws."""
    parts = []
    for row in rows:
        told = []
        for mode in tables.MODES:
            mean = number(row[mode][score]["mean"])
            told.append(f"{mode} {mean} ({tables.beside(row[mode], score)})")
        parts.append(f"{row['label']}: {'; '.join(told)}")
    return f"{score.replace('_', ' ').capitalize()} by layout. {'. '.join(parts)}."


def first_of(*parts: tuple[str, int, int]) -> str:
    """Say what is drawn of how many.

    Example:
        >>> first_of(("batch", 40, 20000), ("lane", 1, 1))
        'the first 40 of 20,000 batches, 1 lane'
    """
    return ", ".join(
        f"the first {drawn} of " * (drawn < count) + count_of(count, noun)
        for noun, drawn, count in parts
    )


def plan(mode: str, shown: Places, words: Mapping[str, str]) -> str:
    """Say what `page_figures.lanes` draws.

    Args:
        mode: whose plan it is.
        shown: what is drawn of it.
        words: on the whole of it, by `plan_summary.in_words`.
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
    """Say what `page_figures.units` draws.

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
    """Say what `page_figures.answers` draws; arguments as there."""
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
    """Say what `page_figures.by_lag` draws."""
    told = []
    for mode in tables.MODES:
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
    """Say what `page_figures.by_burn_in` draws."""
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
    """Say what `page_figures.lookback` draws."""
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
    told = {mode: horizon[mode]["change"]["looks_back"] for mode in tables.MODES}
    used = {
        mode: "no step" if steps is None else in_steps(steps + 1)
        for mode, steps in told.items()
    }
    return (
        "As a cross-check, the memory horizon of the networks above: they make use of "
        f"{used['stateless']} without state, {used['stateful']} with it, and the "
        f"smallest window is {in_steps(smallest)}."
    )
