"""Pictures for a page: arrays in, a Figure of one panel out; and a Figure as SVG.

Apart from `plots`, whose pictures are outputs of a stage: what is only shown on a page
must never make that stage run again. All are of one width, so that their text is of one
size, and none holds text of the user's.
"""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
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

from statelab.evaluation.statistics import interval
from statelab.formatting import in_steps
from statelab.report import figures as figures_
from statelab.report import tables
from statelab.report.figures import COLOURS, GREY, INK
from statelab.samples.plan_summary import Places

WIDTH = 4.4  # inches
FEW = 60  # points; more of them are a line
GRID = "#d0d7de"
SEQUENCES = ("#6ea8d9", "#e0a458", "#79b98a", "#c98bb9", "#9a8fd6", "#c2b04a")
DARK = "#10151b"  # on those, whatever the page is
NEGATIVE, POSITIVE = "#bf3989", "#1a9c74"
THEME = {  # colour in a figure -> what it is on a page, light or dark
    INK: "currentColor",
    GREY: "var(--muted)",
    GRID: "var(--line)",
    COLOURS["stateless"]: "var(--stateless)",
    COLOURS["stateful"]: "var(--stateful)",
}
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
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, Mapping[str, Any]]
) -> dict[str, Figure]:
    """Draw `figures.learning_curves` of each mode by itself, all of one scale.

    Args:
        histories, scored: as there.
    """
    figures = {
        mode: figures_.learning_curves({mode: history}, scored)
        for mode, history in histories.items()
    }
    panels = [figure.axes[0] for figure in figures.values()]
    low, high = zip(*(panel.get_ylim() for panel in panels), strict=True)
    for panel in panels:
        panel.set_ylim(min(low), max(high))
        panel.set_title("")
        panel.set_title(panel.get_ylabel(), loc="left", color=INK)
        panel.set_ylabel("")
        legend = panel.get_legend()
        if legend is not None:
            legend.remove()
        _legend_below(panel)
    return figures


@matplotlib.rc_context(_STYLE)
def layouts(rows: Sequence[Mapping[str, Any]], score: str) -> Figure:
    """Draw a score of both modes beside what it is bounded by, a line for each layout.

    Args:
        rows: each with `label`, and under `stateless` and `stateful` what evaluate.json
            says of the mode.
        score: of which to draw mean, interval, and `ceiling`, or where that is null
            `baseline`.
    """
    figure, panel = _panel(1.15 + 0.62 * len(rows))
    bounds = set()
    for at, row in enumerate(rows):
        for place, (mode, colour) in zip((0.45, 0.72), COLOURS.items(), strict=True):
            found = row[mode]
            mean, low, high = (found[score][key] for key in ("mean", "low", "high"))
            spread = None if low is None else [[mean - low], [high - mean]]
            panel.errorbar(
                mean,
                at + place,
                xerr=spread,
                color=colour,
                marker="o",
                markersize=6,
                capsize=3,
                linestyle="",
                zorder=3,
            )
            for name, value in tables.bounds_of(found, score).items():
                panel.plot(value, at + place, zorder=2, **_BOUNDS[name])
                bounds.add(name)
        panel.text(
            0.0,
            at + 0.16,
            row["label"],
            transform=panel.get_yaxis_transform(),
            va="center",
        )
    panel.set_ylim(len(rows), 0)
    if "accuracy" in score:
        panel.set_xlim(-0.02, 1.02)
    else:
        panel.set_xlim(0, panel.get_xlim()[1] * 1.05)
    panel.set_yticks([])
    panel.grid(axis="x", color=GRID, linewidth=0.6)
    panel.set_xlabel(score.replace("_", " "))
    panel.spines[["top", "right", "left"]].set_visible(False)
    modes = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=mode)
        for mode, colour in COLOURS.items()
    ]
    lines = [
        Line2D([], [], label=name.replace("_", " "), **_BOUNDS[name])
        for name in sorted(bounds)
    ]
    _legend_below(panel, [*modes, *lines])
    return figure


_HOLLOW: dict[str, Any] = {"color": GREY, "linestyle": "", "mfc": "none"}
_BOUNDS: dict[str, dict[str, Any]] = {
    "ceiling": {"color": INK, "marker": "|", "markersize": 15, "mew": 2, "ls": ""},
    "one answer": {**_HOLLOW, "marker": "x", "markersize": 7, "mew": 1.5},
    "persistence": {**_HOLLOW, "marker": "s", "markersize": 7, "mew": 1.5},
    "seasonal_naive": {**_HOLLOW, "marker": "D", "markersize": 6.5, "mew": 1.5},
}


@matplotlib.rc_context(_STYLE)
def lanes(places: Places, timesteps: int) -> Figure:
    """Draw what the lanes of some batches read, as ribbons cut where state is zero.

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
        colours = [SEQUENCES[each % len(SEQUENCES)] for each in sequence[used]]
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
        Line2D([], [], **{**_ZERO, "color": INK}, markersize=4, label="state is zero")
    ]
    if ((places.sequence >= 0) & ~places.reset).any():
        handles.append(Patch(color=SEQUENCES[0], label="state is carried on"))
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
        reset: where state is zero before a step, or its sample, [steps].
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
    panel.set_xlabel("step of the sequence (▼ state is zero before it)")
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
def answers(
    given: Mapping[str, np.ndarray], target: np.ndarray, step: np.ndarray, label: str
) -> Figure:
    """Draw the answers to one sequence over its steps, beside what was asked for.

    Args:
        given: by mode, or of one alone, [steps].
        target: [steps]; NaN where nothing was asked for.
        step: the number of each, [steps].
        label: what the answers are.
    """
    figure, panel = _panel(3.2)
    asked = np.count_nonzero(~np.isnan(target))
    if asked <= FEW:
        rings: dict[str, Any] = {"marker": "o", "markersize": 8, "linestyle": ""}
        panel.plot(step, target, color=INK, mfc="none", label="target", **rings)
    else:
        panel.plot(step, target, color=INK, alpha=0.35, linewidth=4, label="target")
    names = {"stateful": "carried", "stateless": "reset at each sample"}
    for mode, values in given.items():
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
def differences(found: Mapping[str, np.ndarray], margin: float, score: str) -> Figure:
    """Draw paired differences: a dot for each pair of networks, and their mean.

    Args:
        found: by what is compared, [pairs]. The first is what is judged, and the others
            are noise, of the same against the same.
        margin: below which a difference does not matter.
        score: of which they are.
    """
    figure, panel = _panel(1.15 + 0.62 * len(found))
    panel.axvspan(-margin, margin, color=GREY, alpha=0.15, linewidth=0, label="margin")
    panel.axvline(0, color=GREY, linewidth=0.8)
    for at, (label, values) in enumerate(found.items()):
        colour = COLOURS["stateful"] if at == 0 else GREY
        told: dict[str, Any] = interval(values)
        mean, low, high = (told[key] for key in ("mean", "low", "high"))
        spread = None if low is None else [[mean - low], [high - mean]]
        dots: dict[str, Any] = {"marker": "o", "linestyle": "", "color": colour}
        panel.plot(
            values,
            np.full(len(values), at + 0.48),
            markersize=4,
            alpha=0.45,
            markeredgewidth=0,
            **dots,
        )
        panel.errorbar(mean, at + 0.74, xerr=spread, markersize=6, capsize=3, **dots)
        left = panel.get_yaxis_transform()
        panel.text(0.0, at + 0.16, label, transform=left, va="center")
    panel.set_ylim(len(found), 0)
    widest = max(np.abs(values).max(initial=0) for values in found.values())
    limit = 1.1 * max(widest, 2 * margin)
    panel.set_xlim(-limit, limit)
    panel.set_yticks([])
    panel.grid(axis="x", color=GRID, linewidth=0.6)
    panel.set_xlabel(f"difference in {score} (to the right is better)")
    panel.spines[["top", "right", "left"]].set_visible(False)
    handles = [
        Line2D([], [], color=INK, alpha=0.45, marker="o", markersize=4, linestyle=""),
        Line2D([], [], color=INK, marker="o", markersize=6),
        Patch(color=GREY, alpha=0.15, linewidth=0),
    ]
    names = ("a pair of seeds", "mean, 95 %", "would not matter")
    for handle, name in zip(handles, names, strict=True):
        handle.set_label(name)
    _legend_below(panel, handles)
    return figure


@matplotlib.rc_context(_STYLE)
def by_lag(lags: pd.DataFrame, measure: str) -> Figure:
    """Draw one measure of how far back networks look; see `figures.by_lag`."""
    figure, panel = _panel(3.2)
    figures_.by_lag(panel, lags, measure)
    panel.set_title(figures_.EFFECTS[measure])
    _legend_below(panel)
    return figure


@matplotlib.rc_context(_STYLE)
def by_burn_in(warm_up: pd.DataFrame, score: str) -> Figure:
    """Draw a score by burn-in, and that of carried state; see `figures.by_burn_in`."""
    figure, panel = _panel(3.2)
    figures_.by_burn_in(panel, warm_up)
    panel.set_title(score)
    _legend_below(panel)
    return figure


@matplotlib.rc_context(_STYLE)
def lookback(curve: pd.DataFrame, told: Mapping[str, Any]) -> Figure:
    """Draw `figures.lookback` as wide as the rest of the page."""
    figure = figures_.lookback(curve, told)
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
    columns = 1 if max(len(str(each.get_label())) for each in handles) > 24 else 3
    figure.legend(handles=handles, loc="outside lower left", ncols=columns)


def inline(figure: Figure, name: str, told: str) -> str:
    """Return a figure as an `svg` element that takes its colours from the page.

    Args:
        figure: of this module, or with its colours.
        name: begins each id in it, so that several can stand on one page.
        told: its alternative text.

    Returns:
        The same bytes for the same figure, without a width or height of its own.
    """
    buffer = io.StringIO()
    settings: dict[Any, Any] = {"svg.hashsalt": "statelab", "svg.fonttype": "none"}
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context(settings):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    head, _, body = text.partition(">")
    head = re.sub(r' (width|height|version|xmlns)="[^"]*"', "", head)
    for pattern in (' id="', 'href="#', "url(#"):
        body = body.replace(pattern, pattern + name + "-")
    for colour, themed in THEME.items():
        body = body.replace(colour, themed)
    return f'{head} role="img" aria-label="{escape(told)}">{body}'
