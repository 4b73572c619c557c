"""Tables of the report: headings, lines and cells."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from statelab.evaluation import scores_text, scoring
from statelab.evaluation.evaluation import Evaluation, VerdictSummary
from statelab.evaluation.statistics import Interval
from statelab.formatting import in_steps, interval, number


def came_out(evaluated: Evaluation) -> str:
    """Say in a sentence what the main score is, beside what bounds it."""
    score = evaluated.score
    modes = [evaluated.modes[mode] for mode in ("stateful", "stateless")]
    carrying, without = (number(scored.scores[score].mean) for scored in modes)
    bounds = [scores_text.beside(scored, score) for scored in modes]
    if bounds[0] == bounds[1]:
        without += f", beside {bounds[0]}"
    else:
        carrying, without = f"{carrying} ({bounds[0]})", f"{without} ({bounds[1]})"
    return (
        f"On the test split, networks that carry state have a mean {score} of "
        f"{carrying}, networks that do not {without}."
    )


def score_table(evaluated: Evaluation) -> dict[str, Any]:
    """Return headings and lines of the table of scores.

    Returns:
        `headings`, and `lines` of a name, what it means, and a cell for each heading: a
        figure, and its interval where it has one.
    """
    names = list(evaluated.modes["stateful"].scores)
    columns = {}
    for mode, scored in evaluated.modes.items():
        columns[f"{mode}, n = {scored.scores[names[0]].n}"] = [
            _with_interval(scored.scores[name]) for name in names
        ]
        if any(best is not None for best in scored.ceiling.values()):
            columns[f"ceiling, {mode}"] = _bound(scored.ceiling, names)
    for name, by_score in evaluated.modes["stateful"].baselines.items():
        columns[scores_text.NAMES[name]] = _bound(by_score, names)
    cells = zip(*columns.values(), strict=True)
    meanings = scoring.meanings(names)
    lines = [
        (name.replace("_", " "), meanings[name], row)
        for name, row in zip(names, cells, strict=True)
    ]
    return {"headings": list(columns), "lines": lines}


def _with_interval(score: Interval) -> tuple[str, str]:
    return number(score.mean), interval(score.low, score.high)


def _bound(
    scores: Mapping[str, float | None], names: list[str]
) -> list[tuple[str, str]]:
    return [(number(scores.get(name)), "") for name in names]


def verdict_table(verdict: VerdictSummary) -> dict[str, Any]:
    """Return headings and lines of the table of variants.

    Returns:
        `headings`, and `lines` as of `score_table`; what is chosen is marked.
    """
    lines = []
    for mode, variants in verdict.variants.items():
        for name, scored in variants.items():
            chosen = "chosen" if verdict.chosen[mode] == name else ""
            cells = [
                (f"{scored.timesteps:,}", ""),
                (f"{scored.gradient_window:,}", ""),
                (number(scored.validation), ""),
                _with_interval(scored.test),
                (number(scored.ceiling), ""),
            ]
            lines.append((f"{mode}, {name}", chosen, cells))
    headings = ["steps of a sample", "gradient window", "validation", "test", "ceiling"]
    return {"headings": headings, "lines": lines}


def lookback_table(curve: pd.DataFrame, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return headings and lines of the table of windows.

    Args:
        curve: as metrics/lookback/curve.csv holds it.
        summary: as metrics/lookback.json holds it.

    Returns:
        `headings`, and `lines` of a window, whether it is the answer, and cells as of
        `score_table`.
    """
    lines = []
    for line in curve.to_dict("records"):
        window = line["window_length"]
        smallest = "the smallest" if window == summary["smallest"] else ""
        cells = [
            (number(line["mean"]), interval(line["low"], line["high"])),
            (line["against_best"], ""),
        ]
        lines.append((in_steps(window), smallest, cells))
    return {"headings": [summary["score"], "against the best"], "lines": lines}
