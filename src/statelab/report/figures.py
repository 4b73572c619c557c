"""Pictures: arrays in, a matplotlib Figure out."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from statelab.evaluation import scoring

INK, GREY = "#24292f", "#8c959f"
LABELS = {"accuracy": "accuracy", "mae": "mean absolute error"}
DASHES = {"each_step": "-", "end": "--"}  # by where the label is
COLOURS = {"stateless": "#b35900", "stateful": "#0969da"}
EFFECTS = {  # of reach.MEASURES -> what it is
    "change": "change of answers, one step replaced",
    "slope": "slope of answers with one step",
}
AGAINST = {  # the best window -> how one is drawn that is
    "best": (COLOURS["stateless"], "D"),
    "not worse": (COLOURS["stateless"], "o"),
    "cannot tell": (GREY, "o"),
    "worse": (GREY, "x"),
}
NAIVE = {  # without a model -> its dash and its name in a legend
    "mean": (":", "one answer"),
    "majority": (":", "one answer"),
    "persistence": ("--", "persistence"),
    "seasonal naive": ("-.", "seasonal naive"),
}


def learning_curves(
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, Mapping[str, Any]]
) -> Figure:
    """Draw accuracy, or absolute error, by epoch: a panel for each mode, its ceiling.

    Args:
        histories: by mode, one line for each seed and epoch.
        scored: by mode, the `ceiling` of test accuracy; see `scoring.bounds`.

    Returns:
        A figure: the mean over seeds as a line, the range over seeds as a band.
    """
    figure = Figure(
        figsize=(4.4 * len(histories), 3.4),
        layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1),  # inches
    )
    panels = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    for panel, (mode, history) in zip(panels, histories.items(), strict=True):
        ceiling = scored[mode]["ceiling"].get("accuracy")
        _learning_curve(panel, mode, history, ceiling)
    _from_the_lowest(panels[0], pd.concat(histories.values()))
    panels[0].set_ylabel(LABELS[scoring.history_score(next(iter(histories.values())))])
    return figure


def _learning_curve(
    panel: Axes, mode: str, history: pd.DataFrame, ceiling: float | None
) -> None:
    score = scoring.history_score(history)
    curves = [
        (f"test_{score}", "test, weights frozen", COLOURS[mode], "o"),
        (score, "train, while weights move", GREY, "."),
    ]
    for column, label, colour, marker in curves:
        epochs, mean, low, high = scoring.over_seeds(history, column).to_numpy().T
        panel.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
        panel.plot(epochs, mean, color=colour, marker=marker, markersize=4, label=label)
    if ceiling is not None:
        label = f"best that any model could reach: {ceiling:.4g}"
        panel.axhline(ceiling, color=INK, linestyle="--", linewidth=1, label=label)
    panel.set_title(f"{mode}, {history['seed'].nunique()} seeds", color=INK)
    panel.set_xlabel("epoch")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(axis="y", color="#d0d7de", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)
    place = "center right" if score == "accuracy" else "upper right"
    panel.legend(frameon=False, fontsize=8, loc=place)


def _from_the_lowest(panel: Axes, history: pd.DataFrame) -> None:
    """Let the scale that panels share hold every curve; an error begins at 0."""
    if scoring.history_score(history) == "accuracy":
        lowest = history[["test_accuracy", "accuracy"]].to_numpy().min()
        panel.set_ylim(min(0.45, lowest - 0.03), 1.03)
    else:
        panel.set_ylim(bottom=0)


def horizon(lags: pd.DataFrame, warm_up: pd.DataFrame, score: str) -> Figure:
    """Draw how far networks look back, and what a burn-in is worth to them.

    Args:
        lags: as `summary.by_lag` returns it.
        warm_up: as `summary.by_burn_in` returns it.
        score: which one that is of.

    Returns:
        A figure of a panel for each: means over networks as lines, ranges as bands.
    """
    figure = Figure(
        figsize=(12, 3.4), layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1)
    )
    for panel, (measure, label) in zip(
        figure.subplots(1, 3),
        [*EFFECTS.items(), ("", f"{score} of stateful networks")],
        strict=True,
    ):
        if measure:
            by_lag(panel, lags, measure)
        else:
            by_burn_in(panel, warm_up)
        panel.set_title(label, color=INK, fontsize=10)
        panel.legend(frameon=False, fontsize=8)
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
    panel.set_xlabel("lag, in steps before the answer")
    _plain(panel)


def by_burn_in(panel: Axes, warm_up: pd.DataFrame) -> None:
    """Draw `summary.by_burn_in`, and carried state beside it."""
    tried = warm_up.dropna(subset="burn_in")
    carried = warm_up.loc[warm_up["burn_in"].isna(), "mean"].item()
    style = {"marker": "o", "markersize": 4}
    colour = COLOURS["stateless"]
    _band(panel, tried, "burn_in", colour, "zeros, then the burn-in", **style)
    panel.axhline(
        carried, color=COLOURS["stateful"], linewidth=1.5, label="state carried"
    )
    panel.set_xlabel("burn-in, in steps before the sample")
    _plain(panel)


def slopes(shares: pd.DataFrame) -> Figure:
    """Draw how the gradient of untrained networks goes down with the lag.

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
    panel.set_xlabel("lag, in steps before the answer")
    panel.set_ylabel("gradient, as a share of that at lag 0")
    panel.legend(frameon=False, fontsize=8, loc="lower left")
    _plain(panel)
    return figure


def _band(
    panel: Axes, table: pd.DataFrame, x: str, colour: str, label: str, **style: Any
) -> None:
    at, mean, low, high = table[[x, "mean", "lowest", "highest"]].to_numpy().T
    panel.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
    panel.plot(at, mean, color=colour, label=label, **style)


def _plain(panel: Axes) -> None:
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(axis="y", color="#d0d7de", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def beyond(scored: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw scores by the length of a segment, a panel for each task and length.

    Args:
        scored: rows as `beyond.scores` returns them.

    Returns:
        A figure: means over seeds with their intervals, state carried and reset, the
        label at each step and at the end, and the score without a model.
    """
    panels: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for row in scored:
        panels.setdefault((row["task"], row["length"]), []).append(row)
    figure = Figure(
        figsize=(3.1 * len(panels), 3.6),
        layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1),  # inches
    )
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for panel, ((task, length), rows) in zip(axes, panels.items(), strict=True):
        _by_segment(panel, rows)
        panel.set_title(f"{task}, {length} steps", color=INK, fontsize=10)
    _legend_below(figure)
    return figure


def _by_segment(panel: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for label, dash in DASHES.items():
        chosen = [row for row in rows if row["label"] == label]
        segments = [str(row["segment"] or "all") for row in chosen]
        for mode, colour in COLOURS.items():
            if not chosen:
                continue
            low, mean, high = (
                np.array([row[mode][name] for row in chosen])
                for name in ("low", "mean", "high")
            )
            carried = "carried" if mode == "stateful" else "reset at each segment"
            panel.errorbar(
                segments,
                mean,
                yerr=[mean - low, high - mean],
                color=colour,
                linestyle=dash,
                marker="o",
                markersize=4,
                capsize=2,
                label=f"state {carried}, label at {label.replace('_', ' ')}",
            )
    panel.axhline(
        rows[0]["baseline"], color=GREY, linestyle=":", linewidth=1, label="no model"
    )
    panel.set_xlabel("gradient window, in steps")
    panel.set_ylabel(rows[0]["score"])
    if rows[0]["score"] == "accuracy":
        panel.set_ylim(0, 1.05)
    else:
        panel.set_yscale("log")
    panel.grid(axis="y", color="#d0d7de", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def examples(scored: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the scores of each data set beside those without a model.

    Args:
        scored: rows as `examples.scores` returns them.

    Returns:
        A figure: a panel for each data set, with means over seeds and their intervals.
    """
    panels: dict[str, list[Mapping[str, Any]]] = {}
    for row in scored:
        panels.setdefault(row["example"], []).append(row)
    figure = Figure(
        figsize=(3.1 * len(panels), 3.6),
        layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1),  # inches
    )
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for panel, (name, rows) in zip(axes, panels.items(), strict=True):
        _by_cut(panel, rows)
        panel.set_title(name, color=INK, fontsize=10)
    _legend_below(figure)
    return figure


def _by_cut(panel: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    for at, row in enumerate(rows):
        for shift, (mode, colour) in zip((-0.1, 0.1), COLOURS.items(), strict=True):
            low, mean, high = (row[mode][name] for name in ("low", "mean", "high"))
            panel.errorbar(
                at + shift,
                mean,
                yerr=[[mean - low], [high - mean]],
                color=colour,
                linestyle="",
                marker="o",
                markersize=4,
                capsize=2,
                label=mode,
            )
        for name, score in row["baselines"].items():
            dash, label = NAIVE[name]
            panel.hlines(
                score,
                at - 0.35,
                at + 0.35,
                color=GREY,
                linestyle=dash,
                linewidth=1,
                label=label,
            )
    panel.set_xticks(range(len(rows)), [row["cut"] for row in rows])
    panel.set_xlim(-0.5, len(rows) - 0.5)
    panel.set_ylabel(rows[0]["score"])
    if rows[0]["score"] == "accuracy":
        panel.set_ylim(0, 1.05)
    else:
        panel.set_ylim(bottom=0)
    panel.grid(axis="y", color="#d0d7de", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)


def lookback(curve: pd.DataFrame, told: Mapping[str, Any]) -> Figure:
    """Draw the score on validation against window length.

    Args:
        curve: as `search_result.curve` returns it.
        told: as `search_result.summary` returns it.

    Returns:
        A figure: means over seeds with their intervals; the best window, the smallest
        that is not worse, and the smallest within a standard error of it; the ceiling,
        carried state, and what no network reaches.
    """
    figure = Figure(figsize=(7, 4), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panel = figure.subplots()
    columns = ["window_length", "mean", "low", "high"]
    windows, mean, low, high = curve[columns].to_numpy().T
    panel.plot(windows, mean, color=GREY, linewidth=1)
    for against, (colour, marker) in AGAINST.items():
        some = (curve["against_best"] == against).to_numpy()
        if some.any():
            panel.errorbar(
                windows[some],
                mean[some],
                yerr=[(mean - low)[some], (high - mean)[some]],
                color=colour,
                marker=marker,
                linestyle="",
                markersize=5,
                capsize=2,
                label=against,
            )
    if not np.isnan(curve["ceiling"].to_numpy()).all():
        panel.plot(windows, curve["ceiling"], "--", color=INK, lw=1, label="ceiling")
    lines = {name.replace("_", " "): v for name, v in told["baselines"].items()}
    for name, value in lines.items():
        dash = NAIVE["mean" if name == "one answer" else name][0]
        panel.axhline(value, color=GREY, linestyle=dash, linewidth=1, label=name)
    if told["stateful_score"] is not None:
        scored, colour = told["scores"]["stateful"], COLOURS["stateful"]
        panel.axhline(scored["mean"], color=colour, lw=1.5, label="state carried")
        if scored["low"] is not None:
            panel.axhspan(scored["low"], scored["high"], color=colour, alpha=0.15, lw=0)
    panel.axvline(told["smallest"], color=INK, linewidth=1)
    panel.annotate(
        f" {told['smallest']}",
        (told["smallest"], 1),
        xycoords=("data", "axes fraction"),
    )
    if told["one_standard_error"] is not None:
        panel.plot(
            told["one_standard_error"],
            0,
            marker="^",
            color=INK,
            clip_on=False,
            linestyle="",
            transform=panel.get_xaxis_transform(),
            label="within one standard error",
        )
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.set_xlabel("window length, in steps")
    panel.set_ylabel(f"{told['score']} on validation")
    panel.grid(axis="y", color="#d0d7de", linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)
    _legend_below(figure)
    return figure


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
