"""Tables of what experiments gave: a line for each row of a study."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from statelab.config.modes import MODES
from statelab.evaluation.evaluation import Evaluation

INTERVAL = ("mean", "low", "high")


def by_mode(evaluated: Evaluation, score: str) -> dict[str, dict[str, float]]:
    """Return the mean of a score and its interval, by mode."""
    return {
        mode: {name: getattr(scored.scores[score], name) for name in INTERVAL}
        for mode, scored in evaluated.modes.items()
    }


def cell(score: Mapping[str, float], digits: int) -> str:
    """Write a mean and its interval.

    Example:
        >>> cell({"mean": 0.5, "low": 0.25, "high": 1}, 2)
        '0.50 [0.25, 1.00]'
    """
    mean, low, high = (f"{score[name]:.{digits}f}" for name in INTERVAL)
    return f"{mean} [{low}, {high}]"


def mode_cells(row: Mapping[str, Any], digits: int) -> list[str]:
    """Write the score of each mode in a row."""
    return [cell(row[mode], digits) for mode in MODES]


def lines(
    rows: Sequence[Mapping[str, Any]],
    description: Callable[[Mapping[str, Any]], tuple[str, ...]],
    scores: Callable[[Mapping[str, Any]], tuple[str, ...]],
    headings: Sequence[str],
) -> list[tuple[str, ...]]:
    """Return the lines of a table.

    Args:
        rows: of a study, each with the name of its `score`, once its experiment has
            run.
        description: returns the first cells of a row.
        scores: returns the others.
        headings: of the columns.
    """
    table = []
    for row in rows:
        cells = description(row)
        if "score" in row:
            cells += scores(row)
        else:
            cells += (f"no experiment {row.get('experiment', '')}".strip(),)
        table.append(cells + ("",) * (len(headings) - len(cells)))
    return table
