"""Figures: arrays in, a matplotlib Figure out."""

import io
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from statelab.baselines import naive
from statelab.evaluation.evaluation import ModeScores
from statelab.evaluation.learning_curves import over_seeds
from statelab.networks import scores

INK, GREY, GRID = "#24292f", "#8c959f", "#d0d7de"
COLOURS = {"stateless": "#b35900", "stateful": "#0969da"}
EFFECTS = {  # of memory.summary.MEASURES -> what it is
    "change": "change of predictions, one input replaced",
    "slope": "slope of predictions in one input",
}
LABEL_DASHES = {"each_step": "-", "end": "--"}  # by where the label is
COMPARED = {  # with the best window -> how one is drawn that is
    "best": (COLOURS["stateless"], "D"),
    "not worse": (COLOURS["stateless"], "o"),
    "cannot tell": (GREY, "o"),
    "worse": (GREY, "x"),
}
BASELINE_DASHES = {"constant": ":", "persistence": "--", "seasonal_naive": "-."}


# --- training -------------------------------------------------------------------------


def learning_curves(
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, ModeScores]
) -> Figure:
    """Draw accuracy, or absolute error, by epoch: a panel for each mode, its ceiling.

    Args:
        histories: by mode, one line for each seed and epoch.
        scored: by mode, with the ceiling of test accuracy.

    Returns:
        A figure: the mean over seeds as a line, the range over seeds as a band.
    """
    figure, panels = _panels(len(histories), 4.4, 3.4, sharey=True)
    score = scores.of_columns(next(iter(histories.values()))).running
    for panel, (mode, history) in zip(panels, histories.items(), strict=True):
        learning_curve(panel, mode, history, scored[mode].ceiling.get("accuracy"))
        panel.set_ylim(score_limits(histories.values()))
        panel.set_title(f"{mode}, {history['seed'].nunique()} seeds", color=INK)
        place = "center right" if score.greater_is_better else "upper right"
        panel.legend(frameon=False, fontsize=8, loc=place)
    panels[0].set_ylabel(score.label)
    return figure


def learning_curve(
    panel: Axes, mode: str, history: pd.DataFrame, ceiling: float | None
) -> None:
    """Draw the learning curve of one mode; arguments as of `learning_curves`."""
    score = scores.of_columns(history).running.name
    curves = [
        (f"test_{score}", "test, after the epoch", COLOURS[mode], "o"),
        (score, "train, during the epoch", GREY, "."),
    ]
    for column, label, colour, marker in curves:
        table = over_seeds(history, column)
        _band(panel, table, "epoch", colour, label, marker=marker, markersize=4)
    if ceiling is not None:
        label = f"ceiling: {ceiling:.4g}"
        panel.axhline(ceiling, color=INK, linestyle="--", linewidth=1, label=label)
    panel.set_xlabel("epoch")
    _whole_numbers(panel)


def score_limits(histories: Iterable[pd.DataFrame]) -> tuple[float, float]:
    """Return the scale that holds every curve; an error begins at 0."""
    history = pd.concat(histories)
    score = scores.of_columns(history).running
    values = history[[f"test_{score.name}", score.name]].to_numpy()
    if score.greater_is_better:
        return min(0.45, values.min() - 0.03), 1.03
    return 0.0, 1.05 * values.max()


# --- memory ---------------------------------------------------------------------------


def memory(lags: pd.DataFrame, warm_up: pd.DataFrame, score: str) -> Figure:
    """Draw how far networks look back, and what a burn-in is worth to them.

    Args:
        lags: as `summary.by_lag` returns it.
        warm_up: as `summary.by_burn_in` returns it.
        score: which one that is of.

    Returns:
        A figure of a panel for each: means over networks as lines, ranges as bands.
    """
    figure, panels = _panels(3, 4, 3.4)
    for panel, (measure, label) in zip(panels, EFFECTS.items(), strict=False):
        by_lag(panel, lags, measure)
        panel.set_title(label, color=INK, fontsize=10)
    by_burn_in(panels[-1], warm_up)
    panels[-1].set_title(f"{score} of stateful networks", color=INK, fontsize=10)
    for panel in panels:
        panel.legend(frameon=False, fontsize=8)
    return figure


def not_measured(reason: str) -> Figure:
    """Say in the place of `memory` why there is none."""
    figure = Figure(figsize=(8, 0.7))
    text = textwrap.fill(reason, 90)
    figure.text(0.5, 0.5, text, color=INK, fontsize=9, ha="center", va="center")
    return figure


def by_lag(panel: Axes, lags: pd.DataFrame, measure: str) -> None:
    """Draw one measure of `summary.by_lag`, slopes on a logarithmic scale."""
    for mode, table in lags.query("measure == @measure").groupby("mode", sort=False):
        if len(table) > 1:
            style = {"marker": "o" if len(table) <= 30 else "", "markersize": 3.5}
        else:
            style = {"marker": "D", "markersize": 6}
        _band(panel, table, "last", COLOURS[str(mode)], str(mode), **style)
    if measure == "slope":
        panel.set_yscale("log")
    else:
        panel.set_ylim(bottom=0)
    panel.set_xlabel("lag, in steps before the prediction")
    _whole_numbers(panel)


def by_burn_in(panel: Axes, warm_up: pd.DataFrame) -> None:
    """Draw `summary.by_burn_in`, and carried state beside it."""
    tried = warm_up.dropna(subset="burn_in")
    carried = warm_up.loc[warm_up["burn_in"].isna(), "mean"].item()
    colour, label = COLOURS["stateless"], "zeros, then the burn-in"
    _band(panel, tried, "burn_in", colour, label, marker="o", markersize=4)
    panel.axhline(
        carried, color=COLOURS["stateful"], linewidth=1.5, label="state carried"
    )
    panel.set_xlabel("burn-in, in steps before the sample")
    _whole_numbers(panel)


def slopes(shares: pd.DataFrame) -> Figure:
    """Draw how the gradient of untrained networks vanishes with the lag.

    Args:
        shares: as `vanishing_gradients.slopes` returns it.

    Returns:
        A figure: means over networks as lines, ranges as bands, on a logarithmic scale.
    """
    figure = Figure(figsize=(6, 3.6), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panel = figure.subplots()
    colours = (GREY, COLOURS["stateless"], COLOURS["stateful"])
    kinds = shares.groupby("kind", sort=False)
    for colour, (kind, table) in zip(colours, kinds, strict=True):
        _band(panel, table, "lag", colour, str(kind))
    panel.set_yscale("log")
    panel.set_xlabel("lag, in steps before the prediction")
    panel.set_ylabel("gradient, as a share of that at lag 0")
    panel.legend(frameon=False, fontsize=8, loc="lower left")
    _whole_numbers(panel)
    return figure


# --- studies --------------------------------------------------------------------------


def beyond(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw scores by the length of a segment, a panel for each task and length.

    Args:
        rows: as `beyond.scores` returns them.

    Returns:
        A figure: means over seeds with their intervals, state carried and reset, the
        label at each step and at the end, and the score of a constant prediction.
    """
    return _study(
        rows, lambda row: f"{row['task']}, {row['length']} steps", _by_segment
    )


def examples(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the scores of each data set beside its baselines.

    Args:
        rows: as `examples.scores` returns them.

    Returns:
        A figure: a panel for each data set, with means over seeds and their intervals.
    """
    return _study(rows, lambda row: row["example"], _by_cut)


def _study(
    rows: Sequence[Mapping[str, Any]],
    title: Callable[[Mapping[str, Any]], str],
    draw: Callable[[Axes, Sequence[Mapping[str, Any]]], None],
) -> Figure:
    """Draw a panel for the rows of each title."""
    by_title: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_title.setdefault(title(row), []).append(row)
    figure, panels = _panels(len(by_title), 3.1, 3.6)
    for panel, (text, rows_of_panel) in zip(panels, by_title.items(), strict=True):
        draw(panel, rows_of_panel)
        panel.set_title(text, color=INK, fontsize=10)
        panel.set_ylabel(rows_of_panel[0]["score"])
        _plain(panel)
    _legend_below(figure)
    return figure


def _by_segment(panel: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for label, dash in LABEL_DASHES.items():
        of_label = [row for row in rows if row["label"] == label]
        segments = [str(row["segment"] or "all") for row in of_label]
        for mode, colour in COLOURS.items():
            if not of_label:
                continue
            carried = "carried" if mode == "stateful" else "reset at each segment"
            text = f"state {carried}, label at {label.replace('_', ' ')}"
            table = pd.DataFrame([row[mode] for row in of_label])
            _intervals(panel, segments, table, colour, text, linestyle=dash)
    panel.axhline(rows[0]["baseline"], **_baseline("constant"))
    panel.set_xlabel("gradient window, in steps")
    if rows[0]["score"] == "accuracy":
        panel.set_ylim(0, 1.05)
    else:
        panel.set_yscale("log")


def _by_cut(panel: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for x, row in enumerate(rows):
        for shift, (mode, colour) in zip((-0.1, 0.1), COLOURS.items(), strict=True):
            _intervals(panel, [x + shift], pd.DataFrame([row[mode]]), colour, mode)
        for name, score in row["baselines"].items():
            panel.hlines(score, x - 0.35, x + 0.35, **_baseline(name))
    panel.set_xticks(range(len(rows)), [row["cut"] for row in rows])
    panel.set_xlim(-0.5, len(rows) - 0.5)
    if rows[0]["score"] == "accuracy":
        panel.set_ylim(0, 1.05)
    else:
        panel.set_ylim(bottom=0)


# --- lookback -------------------------------------------------------------------------


def lookback(curve: pd.DataFrame, summary: Mapping[str, Any]) -> Figure:
    """Draw the score on validation against window length.

    Args:
        curve: as `search_result.curve` returns it.
        summary: as `search_result.summary` returns it.

    Returns:
        A figure: means over seeds with their intervals; the best window, the smallest
        that is not worse, and the smallest within a standard error of it; the ceiling,
        carried state, and the baselines.
    """
    figure = Figure(figsize=(7, 4), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panel = figure.subplots()
    panel.plot(curve["window_length"], curve["mean"], color=GREY, linewidth=1)
    for against, (colour, marker) in COMPARED.items():
        if against in set(curve["against_best"]):
            table = curve.query("against_best == @against")
            style = {"marker": marker, "markersize": 5}
            windows = table["window_length"].tolist()
            _intervals(panel, windows, table, colour, against, **style)
    if not np.isnan(curve["ceiling"].to_numpy(float)).all():
        windows = curve["window_length"]
        panel.plot(windows, curve["ceiling"], "--", color=INK, lw=1, label="ceiling")
    for name, value in summary["baselines"].items():
        panel.axhline(value, **_baseline(name))
    if "stateful" in summary["scores"]:
        _carried_state(panel, summary["scores"]["stateful"])
    _smallest_window(panel, summary["smallest"], summary["one_standard_error"])
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.set_xlabel("window length, in steps")
    panel.set_ylabel(f"{summary['score']} on validation")
    _plain(panel)
    _legend_below(figure)
    return figure


def _carried_state(panel: Axes, score: Mapping[str, Any]) -> None:
    colour = COLOURS["stateful"]
    panel.axhline(score["mean"], color=colour, lw=1.5, label="state carried")
    if score["low"] is not None:
        panel.axhspan(score["low"], score["high"], color=colour, alpha=0.15, lw=0)


def _smallest_window(panel: Axes, window: int, one_standard_error: int | None) -> None:
    panel.axvline(window, color=INK, linewidth=1)
    panel.annotate(f" {window}", (window, 1), xycoords=("data", "axes fraction"))
    if one_standard_error is not None:
        panel.plot(
            one_standard_error,
            0,
            marker="^",
            color=INK,
            clip_on=False,
            linestyle="",
            transform=panel.get_xaxis_transform(),
            label="within one standard error",
        )


# --- pieces of figures ----------------------------------------------------------------


def _panels(
    count: int, width: float, height: float, *, sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels side by side; sizes of each are in inches."""
    layout = ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1)
    figure = Figure(figsize=(width * count, height), layout=layout)
    return figure, list(figure.subplots(1, count, sharey=sharey, squeeze=False)[0])


def _band(
    panel: Axes, table: pd.DataFrame, x: str, colour: str, label: str, **style: Any
) -> None:
    """Draw `mean` as a line, and `lowest` to `highest` as a band."""
    positions, mean, low, high = table[[x, "mean", "lowest", "highest"]].to_numpy().T
    panel.fill_between(positions, low, high, color=colour, alpha=0.2, linewidth=0)
    panel.plot(positions, mean, color=colour, label=label, **style)


def _intervals(
    panel: Axes,
    x: Sequence[Any],
    table: pd.DataFrame,
    colour: str,
    label: str,
    **style: Any,
) -> None:
    """Draw `mean`, and `low` to `high` as an error bar, without a line."""
    mean, low, high = table[["mean", "low", "high"]].to_numpy(float).T
    style = {"linestyle": "", "marker": "o", "markersize": 4, "capsize": 2} | style
    error = np.array([mean - low, high - mean])
    panel.errorbar(x, mean, yerr=error, color=colour, label=label, **style)


def _baseline(name: str) -> dict[str, Any]:
    """Return the style of the line of a baseline."""
    label, dash = naive.NAMES[name], BASELINE_DASHES[name]
    return {"color": GREY, "linestyle": dash, "linewidth": 1, "label": label}


def _whole_numbers(panel: Axes) -> None:
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    _plain(panel)


def _plain(panel: Axes) -> None:
    panel.grid(axis="y", color=GRID, linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def _legend_below(figure: Figure) -> None:
    handles = {
        label: line
        for panel in figure.axes
        for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8,
    )


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "statelab"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
