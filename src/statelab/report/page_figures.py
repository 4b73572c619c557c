"""Figures for a page: arrays in, a Figure of one panel out.

Apart from `figures`, which are outputs of stages: what is only shown on a page must
never make a stage run again. All are of one width, so that their text is of one size,
and none holds text of the user's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from statelab.evaluation import bounds, scores_text
from statelab.evaluation.evaluation import Evaluation, ModeScores
from statelab.evaluation.statistics import Interval, interval
from statelab.formatting import in_steps
from statelab.networks import scores
from statelab.report import figures
from statelab.report.figures import COLOURS, GREY, GRID, INK
from statelab.samples.plan_summary import Places

WIDTH = 4.4  # inches
FEW = 60  # points; more of them are a line
SEQUENCES = ("#6ea8d9", "#e0a458", "#79b98a", "#c98bb9", "#9a8fd6", "#c2b04a")
DARK = "#10151b"  # on those, whatever the page is
NEGATIVE, POSITIVE = "#bf3989", "#1a9c74"
_STYLE: dict[Any, Any] = {
    **{f"{part}.color": INK for part in ("text", "xtick", "ytick")},
    **{f"axes.{part}": INK for part in ("edgecolor", "labelcolor", "titlecolor")},
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "legend.handletextpad": 0.6,
    "legend.columnspacing": 1.4,
    "hatch.linewidth": 0.6,
}


@matplotlib.rc_context(_STYLE)
def learning_curves(
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, ModeScores]
) -> dict[str, Figure]:
    """Draw a figure for each mode, all of one scale.

    Args:
        histories, scored: as of `figures.learning_curves`.
    """
    drawn = {}
    for mode, history in histories.items():
        figure, panel = _panel(3.4)
        ceiling = scored[mode].ceiling.get("accuracy")
        figures.learning_curve(panel, mode, history, ceiling)
        panel.set_ylim(figures.score_limits(histories.values()))
        panel.set_title(scores.of_columns(history).running.label)
        _legend_below(panel)
        drawn[mode] = figure
    return drawn


@matplotlib.rc_context(_STYLE)
def forecast(
    mode: str,
    target: np.ndarray,
    prediction: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> Figure:
    """Draw predictions in their intervals, and targets as dots.

    Args:
        mode: whose they are.
        target: of some steps in order, [steps]; NaN for none.
        prediction, lower, upper: likewise.
    """
    figure, panel = _panel(3.2)
    step, colour = np.arange(1, len(target) + 1), COLOURS[mode]
    panel.fill_between(
        step, lower, upper, color=colour, alpha=0.25, linewidth=0, label="interval"
    )
    panel.plot(step, prediction, color=colour, linewidth=1.2, label="prediction")
    panel.plot(
        step, target, color=INK, marker="o", markersize=2.2, ls="", label="target"
    )
    panel.set_xlabel("step")
    panel.set_title("target")
    panel.margins(x=0.01)
    _legend_below(panel)
    return figure


@matplotlib.rc_context(_STYLE)
def layouts(rows: Sequence[tuple[str, Evaluation]], score: str) -> Figure:
    """Draw a score of both modes beside what it is bounded by, a line for each layout.

    Args:
        rows: a label and an evaluation.
        score: of which to draw mean, interval, and ceiling, or where there is none the
            baselines.
    """
    figure, panel = _lines([label for label, _ in rows])
    drawn = set()
    for line, (_, evaluated) in enumerate(rows):
        for place, (mode, colour) in zip((0.45, 0.72), COLOURS.items(), strict=True):
            scored = evaluated.modes[mode]
            _mean(panel, scored.scores[score], line + place, color=colour, zorder=3)
            for name, value in bounds.of_score(scored, score).items():
                panel.plot(value, line + place, zorder=2, **_BOUNDS[name])
                drawn.add(name)
    if "accuracy" in score:
        panel.set_xlim(-0.02, 1.02)
    else:
        panel.set_xlim(0, panel.get_xlim()[1] * 1.05)
    panel.set_xlabel(score.replace("_", " "))
    modes = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=mode)
        for mode, colour in COLOURS.items()
    ]
    lines = [
        Line2D([], [], label=scores_text.NAMES[name], **_BOUNDS[name])
        for name in sorted(drawn)
    ]
    _legend_below(panel, [*modes, *lines])
    return figure


_HOLLOW: dict[str, Any] = {"color": GREY, "linestyle": "", "mfc": "none"}
_BOUNDS: dict[str, dict[str, Any]] = {
    "ceiling": {"color": INK, "marker": "|", "markersize": 15, "mew": 2, "ls": ""},
    "constant": {**_HOLLOW, "marker": "x", "markersize": 7, "mew": 1.5},
    "persistence": {**_HOLLOW, "marker": "s", "markersize": 7, "mew": 1.5},
    "seasonal_naive": {**_HOLLOW, "marker": "D", "markersize": 6.5, "mew": 1.5},
}


@matplotlib.rc_context(_STYLE)
def lanes(places: Places, timesteps: int) -> Figure:
    """Draw what the lanes of some batches read, as ribbons cut where state is reset.

    Args:
        places: by `plan_summary.places`.
        timesteps: steps of the longest sample, which is what a batch is wide.
    """
    batches, count = places.sequence.shape
    figure, panel = _panel(1.5 + 0.24 * count)
    batch = np.arange(batches)
    for lane in range(count):
        sequence, reset = places.sequence[:, lane], places.reset[:, lane]
        end = batch + places.length[:, lane] / timesteps
        begin = batch + np.where(reset, 0.12, 0)  # a cut
        used, short = sequence >= 0, end < batch + 1
        colours = [SEQUENCES[number % len(SEQUENCES)] for number in sequence[used]]
        _bars(panel, lane, begin[used], end[used], facecolors=colours, linewidth=0)
        _bars(panel, lane, end[short], batch[short] + 1, **_PADDING)
        goes_on = batch[used & ~reset & (batch > 0)]
        panel.vlines(
            goes_on, lane + 0.12, lane + 0.88, color="white", alpha=0.6, lw=0.5
        )
        middle = (begin + end)[reset] / 2
        panel.plot(middle, np.full(len(middle), lane + 0.5), **_ZERO, markersize=2.6)
    panel.set_xlim(0, batches)
    panel.set_ylim(count, 0)
    panel.set_yticks(np.arange(count) + 0.5, [str(1 + lane) for lane in range(count)])
    panel.tick_params(axis="y", length=0)
    panel.set_title("lane")
    panel.set_xlabel(f"batch, of {in_steps(timesteps)} in each lane")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    panel.spines[["top", "right", "left"]].set_visible(False)
    handles: list[Any] = [
        Line2D([], [], **{**_ZERO, "color": INK}, markersize=4, label="state is reset")
    ]
    if ((places.sequence >= 0) & ~places.reset).any():
        handles.append(Patch(color=SEQUENCES[0], label="state is carried"))
    if (places.length < timesteps).any():
        handles.append(Patch(**_PADDING, label="padding"))
    _legend_below(panel, handles)
    return figure


_ZERO: dict[str, Any] = {"color": DARK, "marker": "o", "mew": 0, "linestyle": ""}
_PADDING: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": GREY,
    "hatch": "////",
    "linewidth": 0,
}


def _bars(
    panel: Axes, lane: int, begin: np.ndarray, end: np.ndarray, **style: Any
) -> None:
    stretches = list(zip(begin, end - begin, strict=True))
    panel.broken_barh(stretches, (lane + 0.12, 0.76), **style)


@matplotlib.rc_context(_STYLE)
def units(
    hidden: np.ndarray, reset: np.ndarray, step: np.ndarray, limit: float
) -> Figure:
    """Draw hidden units over steps as a map of colours; 0 has none.

    Args:
        hidden: [steps, units].
        reset: where state is reset before a step, or its sample, [steps].
        step: the number of each, [steps]; evenly spaced.
        limit: of the scale, on both sides of 0.
    """
    half = (step[1] - step[0]) / 2 if len(step) > 1 else 0.5
    figure, panel = _panel(3.2)
    shown = panel.imshow(
        hidden.T,
        cmap=_colours(),
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="none",
        extent=(step[0] - half, step[-1] + half, hidden.shape[1], 0),
    )
    zero = step[reset]
    panel.plot(
        zero,
        np.full(len(zero), 1.025),
        color=INK,
        marker="v",
        markersize=3 if len(zero) > 15 else 5,
        markeredgewidth=0,
        linestyle="",
        transform=panel.get_xaxis_transform(),
        clip_on=False,
    )
    panel.set_title("hidden units", pad=11)
    panel.set_yticks([])
    panel.set_xlabel("step of the sequence (▼ state is reset before it)")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.spines[:].set_visible(False)
    bar = figure.colorbar(shown, ax=panel, location="right", aspect=24, pad=0.02)
    bar.set_ticks([-limit, 0, limit])
    bar.outline.set_visible(False)
    return figure


def _colours() -> LinearSegmentedColormap:
    """From one colour to another, with nothing at all between them."""
    sides = [
        (*to_rgb(NEGATIVE), 1.0),
        (*to_rgb(NEGATIVE), 0.0),
        (*to_rgb(POSITIVE), 0.0),
        (*to_rgb(POSITIVE), 1.0),
    ]
    stops = list(zip([0.0, 0.5, 0.5, 1.0], sides, strict=True))
    return LinearSegmentedColormap.from_list("signed", stops)


@matplotlib.rc_context(_STYLE)
def predictions(
    predicted: Mapping[str, np.ndarray],
    target: np.ndarray,
    step: np.ndarray,
    label: str,
) -> Figure:
    """Draw the predictions of one sequence over its steps, beside its targets.

    Args:
        predicted: by mode, or of one alone, [steps].
        target: [steps]; NaN where there is none.
        step: the number of each, [steps].
        label: what is predicted.
    """
    figure, panel = _panel(3.2)
    if np.count_nonzero(~np.isnan(target)) <= FEW:
        rings: dict[str, Any] = {"marker": "o", "markersize": 8, "linestyle": ""}
        panel.plot(step, target, color=INK, mfc="none", label="target", **rings)
    else:
        panel.plot(step, target, color=INK, alpha=0.35, linewidth=4, label="target")
    names = {"stateful": "carried", "stateless": "reset at each sample"}
    for mode, values in predicted.items():
        panel.plot(
            step,
            values,
            color=COLOURS[mode],
            marker="o" if len(step) <= FEW else "",
            markersize=3.5,
            linewidth=1.5,
            label=names[mode],
        )
    panel.set_title(label)
    panel.set_xlabel("step of the sequence")
    if label.startswith("probability"):
        panel.set_ylim(-0.05, 1.05)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(axis="y", color=GRID, linewidth=0.6)
    panel.spines[["top", "right"]].set_visible(False)
    _legend_below(panel)
    return figure


@matplotlib.rc_context(_STYLE)
def differences(by_name: Mapping[str, np.ndarray], margin: float, score: str) -> Figure:
    """Draw paired differences: a dot for each pair of networks, and their mean.

    Args:
        by_name: by what is compared, [pairs]. The first is what is judged, and the
            others are noise, of the same against the same.
        margin: below which a difference does not matter.
        score: of which they are.
    """
    figure, panel = _lines(list(by_name))
    panel.axvspan(-margin, margin, color=GREY, alpha=0.15, linewidth=0, label="margin")
    panel.axvline(0, color=GREY, linewidth=0.8)
    for line, values in enumerate(by_name.values()):
        colour = COLOURS["stateful"] if line == 0 else GREY
        panel.plot(
            values,
            np.full(len(values), line + 0.48),
            color=colour,
            marker="o",
            markersize=4,
            alpha=0.45,
            markeredgewidth=0,
            linestyle="",
        )
        _mean(panel, interval(values), line + 0.74, color=colour)
    widest = max(np.abs(values).max(initial=0) for values in by_name.values())
    limit = 1.1 * max(widest, 2 * margin)
    panel.set_xlim(-limit, limit)
    panel.set_xlabel(f"difference in {score} (right is better)")
    dots: dict[str, Any] = {"color": INK, "marker": "o"}
    _legend_below(
        panel,
        [
            Line2D([], [], alpha=0.45, ms=4, ls="", label="pair of seeds", **dots),
            Line2D([], [], markersize=6, label="mean, 95 %", **dots),
            Patch(color=GREY, alpha=0.15, linewidth=0, label="below margin"),
        ],
    )
    return figure


def _lines(labels: Sequence[str]) -> tuple[Figure, Axes]:
    """Return a figure and its panel, with a line for each label, from the top."""
    figure, panel = _panel(1.15 + 0.62 * len(labels))
    left = panel.get_yaxis_transform()
    for line, label in enumerate(labels):
        panel.text(0.0, line + 0.16, label, transform=left, va="center")
    panel.set_ylim(len(labels), 0)
    panel.set_yticks([])
    panel.grid(axis="x", color=GRID, linewidth=0.6)
    panel.spines[["top", "right", "left"]].set_visible(False)
    return figure, panel


def _mean(panel: Axes, score: Interval, y: float, **style: Any) -> None:
    """Draw a mean and its interval, where it has one."""
    assert score.mean is not None
    error = None
    if score.low is not None and score.high is not None:
        error = [[score.mean - score.low], [score.high - score.mean]]
    style = {"marker": "o", "markersize": 6, "capsize": 3, "linestyle": ""} | style
    panel.errorbar(score.mean, y, xerr=error, **style)


@matplotlib.rc_context(_STYLE)
def by_lag(lags: pd.DataFrame, measure: str) -> Figure:
    """Draw one measure of how far back networks look; see `figures.by_lag`."""
    figure, panel = _panel(3.2)
    figures.by_lag(panel, lags, measure)
    panel.set_title(figures.EFFECTS[measure])
    _legend_below(panel)
    return figure


@matplotlib.rc_context(_STYLE)
def by_burn_in(warm_up: pd.DataFrame, score: str) -> Figure:
    """Draw a score by burn-in, and that of carried state; see `figures.by_burn_in`."""
    figure, panel = _panel(3.2)
    figures.by_burn_in(panel, warm_up)
    panel.set_title(score)
    _legend_below(panel)
    return figure


@matplotlib.rc_context(_STYLE)
def lookback(curve: pd.DataFrame, summary: Mapping[str, Any]) -> Figure:
    """Draw `figures.lookback` as wide as the rest of the page."""
    figure = figures.lookback(curve, summary)
    figure.set_size_inches(WIDTH, 4.2)
    (panel,) = figure.axes
    panel.set_title(panel.get_ylabel(), pad=16)  # above the number of the smallest
    panel.set_ylabel("")
    panel.xaxis.set_major_formatter("{x:.0f}")
    for legend in figure.legends[:]:
        legend.remove()
    handles = panel.get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    return figure


def _panel(height: float) -> tuple[Figure, Axes]:
    figure = Figure(
        figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.06)
    )
    return figure, figure.subplots()


def _legend_below(panel: Axes, handles: list[Any] | None = None) -> None:
    figure = panel.get_figure()
    assert isinstance(figure, Figure)
    handles = handles or panel.get_legend_handles_labels()[0]
    widest = max(len(str(handle.get_label())) for handle in handles)
    columns = 3 if widest <= 16 else 2 if widest <= 24 else 1
    figure.legend(handles=handles, loc="outside lower left", ncols=columns)
    lines = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + 0.2 * (lines - 1))
