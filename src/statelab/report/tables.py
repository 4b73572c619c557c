"""Tables of the report, and the sentence at its head."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from statelab.evaluation import scores_text, scoring
from statelab.evaluation.evaluation import Evaluation, VerdictSummary
from statelab.evaluation.statistics import Interval
from statelab.formatting import in_steps, interval, number


class Cell(NamedTuple):
    """A number, and what stands below it."""

    text: str
    interval: str = ""


class Row(NamedTuple):
    """A line of a table."""

    name: str
    note: str  # below the name
    cells: list[Cell]


class Table(NamedTuple):
    """A table of the page."""

    headings: list[str]  # of the columns of cells
    rows: list[Row]


def came_out(evaluated: Evaluation) -> str:
    """Say in a sentence what the main score of each mode is, and what bounds it."""
    score, modes = evaluated.score, evaluated.modes
    words = {"stateful": "with carried state", "stateless": "without"}
    bounds = {mode: scores_text.beside(modes[mode], score) for mode in words}
    means = {
        mode: f"{number(modes[mode].scores[score].mean)} {word}"
        for mode, word in words.items()
    }
    if bounds["stateful"] == bounds["stateless"]:
        text = f"{', '.join(means.values())}; {bounds['stateful']}"
    else:
        text = ", ".join(f"{means[mode]} ({bounds[mode]})" for mode in words)
    return f"Mean {score} on the test split: {text}."


def score_table(evaluated: Evaluation) -> Table:
    """Return the table of scores: a row for each, a column for each mode and bound."""
    names = list(evaluated.modes["stateful"].scores)
    columns = {}
    for mode, scored in evaluated.modes.items():
        columns[f"{mode}, n = {scored.scores[names[0]].n}"] = [
            _mean(scored.scores[name]) for name in names
        ]
        if any(best is not None for best in scored.ceiling.values()):
            columns[f"ceiling, {mode}"] = _bound(scored.ceiling, names)
    for name, by_score in evaluated.modes["stateful"].baselines.items():
        columns[scores_text.NAMES[name]] = _bound(by_score, names)
    meanings = scoring.meanings(names)
    rows = [
        Row(name.replace("_", " "), meanings[name], list(cells))
        for name, cells in zip(names, zip(*columns.values(), strict=True), strict=True)
    ]
    return Table(list(columns), rows)


def _mean(score: Interval) -> Cell:
    return Cell(number(score.mean), interval(score.low, score.high))


def _bound(scores: Mapping[str, float | None], names: list[str]) -> list[Cell]:
    return [Cell(number(scores.get(name))) for name in names]


def verdict_table(verdict: VerdictSummary) -> Table:
    """Return the table of variants; what is chosen is marked."""
    networks = (
        max(
            scored.test.n
            for of_mode in verdict.variants.values()
            for scored in of_mode.values()
        )
        if verdict.variants
        else 0
    )
    rows = [
        Row(
            f"{mode}, {name}",
            _variant_note(scored.test.n, networks, verdict.chosen[mode] == name),
            [
                Cell(f"{scored.timesteps:,}"),
                Cell(f"{scored.gradient_window:,}"),
                Cell(number(scored.validation)),
                _mean(scored.test),
                Cell(number(scored.ceiling)),
            ],
        )
        for mode, variants in verdict.variants.items()
        for name, scored in variants.items()
    ]
    rows += [
        Row(
            scores_text.NAMES[name],
            simple.detail,
            [
                *[Cell("–")] * 2,
                Cell(number(simple.validation)),
                Cell(number(simple.test)),
                Cell("–"),
            ],
        )
        for name, simple in verdict.simple.items()
    ]
    headings = ["steps of a sample", "gradient window", "validation", "test", "ceiling"]
    return Table(headings, rows)


def _variant_note(count: int, networks: int, chosen: bool) -> str:
    if chosen:
        return "chosen"
    return f"{count} networks" if count < networks else ""


def lookback_table(curve: pd.DataFrame, summary: Mapping[str, Any]) -> Table:
    """Return the table of windows; the smallest that is not worse is marked.

    Args:
        curve: as metrics/lookback/curve.csv holds it.
        summary: of the search, as `search_result.summary` returns it.
    """
    rows = []
    for line in curve.to_dict("records"):
        smallest = line["window_length"] == summary["smallest"]
        mean = Cell(number(line["mean"]), interval(line["low"], line["high"]))
        cells = [mean, Cell(line["against_best"])]
        window = in_steps(line["window_length"])
        rows.append(Row(window, "the smallest" if smallest else "", cells))
    return Table([summary["score"], "against the best"], rows)
