"""The picture of the rows: how many times as long as ours each peer takes."""

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

INK, LINE = "#768390", "#76839055"  # seen on white and on black
COLOURS = {
    "Keras": "#d1702a",
    "PyTorch": "#d04a6c",
    "JAX": "#3b82d6",
    "floor": "#768390",
    "ours": "#2f9e63",
}


def ratios(rows: list[dict]) -> Figure:
    """Draw the rows on a logarithmic scale, in two columns of about equal length.

    Args:
        rows: `work`, `peer` and `ratio` of each; those of one work in succession.

    Returns:
        A figure without a background.
    """
    works = [
        (name, list(each)) for name, each in groupby(rows, key=lambda row: row["work"])
    ]
    lines = sum(1 + len(each) for _, each in works)
    first, second, taken = [], [], 0
    for work in works:
        (first if 2 * taken < lines else second).append(work)
        taken += 1 + len(work[1])
    columns = [column for column in (first, second) if column]
    longest = max(sum(1 + len(each) for _, each in column) for column in columns)
    figure = Figure(figsize=(8.6, 0.19 * longest + 0.8), layout="constrained")
    figure.set_facecolor("none")
    panels = figure.subplots(1, len(columns), sharex=True, squeeze=False)
    for panel, column in zip(panels[0], columns, strict=True):
        _column(panel, column)
        panel.set_ylim(longest - 0.4, -0.8)
    values = [row["ratio"] for row in rows]
    # room for the figures at the ends
    panels[0][0].set_xlim(min(0.1, min(values) / 15), max(10, max(values) * 8))
    figure.supxlabel(
        "time of an update, as a multiple of ours (logarithmic)", color=INK, fontsize=8
    )
    return figure


def _column(panel: Axes, works: list[tuple[str, list[dict]]]) -> None:
    panel.set_facecolor("none")
    panel.set_xscale("log")
    panel.axvline(1, color=INK, linewidth=1)
    line, labels = 0, {}
    for work, rows in works:
        labels[line] = work
        for row in rows:
            line += 1
            labels[line] = row["peer"]
            _dot(panel, line, row)
        line += 1
    panel.set_yticks(list(labels), list(labels.values()), fontsize=8, color=INK)
    panel.tick_params(length=0, labelcolor=INK, labelsize=8)
    for work, label in zip(labels.values(), panel.get_yticklabels(), strict=True):
        if work in dict(works):
            label.set_fontweight("bold")
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.grid(axis="x", color=LINE, linewidth=0.6)
    panel.spines[:].set_visible(False)


def _dot(panel: Axes, line: int, row: dict) -> None:
    ratio = row["ratio"]
    colour = COLOURS[next(tool for tool in COLOURS if row["peer"].startswith(tool))]
    panel.plot([1, ratio], [line, line], color=colour, linewidth=2.5)
    panel.plot(ratio, line, "o", color=colour, markersize=5)
    panel.annotate(
        f"{ratio:.2g}×" if ratio < 10 else f"{ratio:,.0f}×",
        (ratio, line),
        xytext=(6 if ratio >= 1 else -6, 0),
        textcoords="offset points",
        ha="left" if ratio >= 1 else "right",
        va="center",
        fontsize=8,
        color=colour,
    )
