"""Captions: what each figure of the report shows, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from statelab.config.modes import MODES
from statelab.evaluation import learning_curves, scores_text
from statelab.evaluation.evaluation import Evaluation
from statelab.formatting import count_of, in_steps, number
from statelab.networks import scores
from statelab.samples.plan_summary import Places
from statelab.samples.windows import layout_settings


def curve(mode: str, history: pd.DataFrame, ceiling: float | None) -> str:
    """Say how the networks of one mode learned.

    Args:
        mode: whose.
        history: one line for each seed and epoch.
        ceiling: of test accuracy, where there is one.
    """
    score = scores.of_columns(history).running
    by_epoch = learning_curves.over_seeds(history, f"test_{score.name}")
    first, last = by_epoch["epoch"].iloc[[0, -1]]
    begin, end = map(float, by_epoch["mean"].iloc[[0, -1]])
    text = (
        f"Learning curve of the {mode} networks: {score.label} on the test split, the "
        f"mean over {history['seed'].nunique()} seeds, goes from {number(begin)} after "
        f"epoch {first} to {number(end)} after epoch {last}."
    )
    left = history.loc[history["epoch"] == last, "seed"].nunique()
    if left < history["seed"].nunique():
        text += f" {left} had not stopped by then."
    if ceiling is not None:
        text += f" The ceiling is {number(ceiling)}."
    return text


def intervals(
    mode: str, target: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> str:
    """Say how many of some targets are in their prediction intervals.

    Example:
        >>> intervals("stateful", np.array([1, 5, np.nan]), np.zeros(3), np.full(3, 2))
        'Prediction intervals of the first stateful network at the last 3 steps of a \
test sequence: 1 of 2 targets are inside.'
    """
    known = ~np.isnan(target)
    inside = (lower <= target) & (target <= upper)
    return (
        f"Prediction intervals of the first {mode} network at the last {len(target)} "
        f"steps of a test sequence: {inside.sum()} of {known.sum()} targets are inside."
    )


def layout(window: Mapping[str, Any]) -> str:
    """Say how sequences are cut.

    Example:
        >>> layout({"layout": "subsampled", "window_length": 10, "stride": 2})
        'subsampled: window length 10, stride 2'
    """
    (_, name), *sizes = layout_settings(window).items()
    words = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in sizes)
    return f"{name}: {words or 'whole sequences'}"


def differences(by_name: Mapping[str, np.ndarray], score: str) -> str:
    """Say what `page_figures.differences` draws."""
    ranges = [
        f"{name}: mean {number(float(values.mean()))}, from "
        f"{number(float(values.min()))} to {number(float(values.max()))}"
        for name, values in by_name.items()
    ]
    pairs = len(next(iter(by_name.values())))
    return f"Differences in {score} over {pairs} pairs of seeds. {'; '.join(ranges)}."


def by_layout(rows: Iterable[tuple[str, Evaluation]], score: str) -> str:
    """Say what `page_figures.layouts` draws."""
    layouts = []
    for label, evaluated in rows:
        means = [
            f"{mode} {number(scored.scores[score].mean)} "
            f"({scores_text.beside(scored, score)})"
            for mode, scored in evaluated.modes.items()
        ]
        layouts.append(f"{label}: {'; '.join(means)}")
    return f"{score.replace('_', ' ').capitalize()} by layout. {'. '.join(layouts)}."


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
        f"Plan of the {mode} training, {count_of(lanes, 'lane')} by "
        f"{count_of(batches, 'batch')}: "
        f"{np.count_nonzero(used)} samples of {len(np.unique(shown.sequence[used]))} "
        f"sequences are drawn, {np.count_nonzero(shown.reset)} of them begin with a "
        f"state of zeros. An epoch has {words['samples']} samples in "
        f"{words['batches']} batches, and padding is {words['padding']}."
    )


def hidden(state: str, shown: np.ndarray, step: np.ndarray) -> str:
    """Say what `page_figures.units` draws.

    Args:
        state: what becomes of it.
        shown: hidden units, [steps, units].
        step: the number of each step, [steps].
    """
    first, last = (np.abs(hidden).mean() for hidden in shown[[0, -1]])
    return (
        f"Map of {shown.shape[1]} hidden units over steps {step[0]} to {step[-1]}, "
        f"state {state}: from {shown.min():.2f} to {shown.max():.2f}; their mean "
        f"distance from 0 is {first:.2f} at the first of these steps and {last:.2f} at "
        "the last."
    )


def predictions(
    label: str,
    predicted: Mapping[str, np.ndarray],
    target: np.ndarray,
    step: np.ndarray,
) -> str:
    """Say what `page_figures.predictions` draws; arguments as there."""
    known = target[~np.isnan(target)]
    last = f"the last target is {known[-1]:.3g}" if len(known) else "no target"
    ways = {"stateful": "carried", "stateless": "reset at each sample"}
    ranges = [
        f"with state {ways[mode]} from {values[0]:.3g} at the first to "
        f"{values[-1]:.3g} at the last"
        for mode, values in predicted.items()
    ]
    return (
        f"{label.capitalize()} over steps {step[0]} to {step[-1]}: "
        f"{', '.join(ranges)}; {last}."
    )


def by_lag(lags: pd.DataFrame, measure: str) -> str:
    """Say what `page_figures.by_lag` draws."""
    ranges = []
    for mode in MODES:
        table = lags.query("mode == @mode and measure == @measure")
        first, last = table["mean"].iloc[[0, -1]]
        text = f"{mode} {number(float(first))} at the step itself"
        if len(table) > 1:
            lag = int(table["last"].iloc[-1])
            text += f", {number(float(last))} at {in_steps(lag)} back"
        ranges.append(text)
    what = {"change": "Change of predictions", "slope": "Slope of predictions"}[measure]
    return f"{what} by lag, the mean over networks: {'; '.join(ranges)}."


def by_burn_in(warm_up: pd.DataFrame, score: str) -> str:
    """Say what `page_figures.by_burn_in` draws."""
    means = [
        f"{number(mean)} "
        + ("with state carried" if np.isnan(steps) else f"after {in_steps(int(steps))}")
        for steps, mean in warm_up[["burn_in", "mean"]].to_numpy(float).tolist()
    ]
    return f"{score.capitalize()} of stateful networks by burn-in: {', '.join(means)}."


def lookback(curve: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    """Say what `page_figures.lookback` draws."""
    windows, mean = curve["window_length"], curve["mean"]
    text = (
        f"{summary['score'].capitalize()} on validation by window length, {len(curve)} "
        f"windows: {number(float(mean.iloc[0]))} at {in_steps(int(windows.iloc[0]))}, "
        f"{number(float(mean.iloc[-1]))} at {in_steps(int(windows.iloc[-1]))}. The "
        f"best is {in_steps(summary['best'])}, the smallest that is not worse "
        f"{in_steps(summary['smallest'])}."
    )
    if summary["stateful_score"] is not None:
        text += f" Carried state has {number(summary['stateful_score'])}."
    return text


def beside_memory(smallest: int, measured: Mapping[str, Any]) -> str:
    """Say how the smallest window compares with the memory of trained networks.

    Args:
        smallest: window, in steps.
        measured: by mode, as `memory.summary.summary` returns it. A network that looks
            back 3 steps reads 4.

    Example:
        >>> back = {"stateless": {"change": {"memory": 0}},
        ...         "stateful": {"change": {"memory": 3}}}
        >>> beside_memory(4, back)  # doctest: +ELLIPSIS
        'As a cross-check, ... 1 step without ..., on 4 steps with it; ... is 4 steps.'
    """
    if "not_measured" in measured:
        return ""
    lags = {mode: measured[mode]["change"]["memory"] for mode in MODES}
    used = {
        mode: "no step" if lag is None else in_steps(lag + 1)
        for mode, lag in lags.items()
    }
    return (
        "As a cross-check, the memory of the networks above: predictions depend on "
        f"{used['stateless']} without carried state, on {used['stateful']} with it; "
        f"the smallest window is {in_steps(smallest)}."
    )
