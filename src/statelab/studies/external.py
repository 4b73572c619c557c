"""Our figures beside published ones: a row for each experiment, and whether we agree.

Each row is trained in this process, from the settings that its module holds. What it
gave is kept in metrics/external.json with these settings, so that it runs once.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from statelab.errors import UserError
from statelab.evaluation.statistics import Interval, interval
from statelab.io import files
from statelab.pipeline import paths
from statelab.studies import published, shampoo
from statelab.studies.experiment_table import cell
from statelab.studies.external_rows import Row, rows
from statelab.studies.published import Published

HEADINGS = ("experiment", "by", "score", "theirs", "ours, 95 % interval", "runs", "")


Results = dict[str, dict[str, Any]]  # by the name of a row


def stored() -> Results:
    """Return what metrics/external.json has of rows with the settings they have now."""
    if not paths.EXTERNAL.exists():
        return {}
    known = {row["row"]: row for row in files.read_json(paths.EXTERNAL)["rows"]}
    return {
        row.name: known[row.name]
        for row in rows()
        if row.name in known and known[row.name]["settings"] == row.settings
    }


def chosen(names: Iterable[str], results: Results) -> list[Row]:
    """Return the rows to run: those that are named, or all that are missing.

    Args:
        names: of rows; none for those without a result.
        results: what is there.

    Raises:
        UserError: no row has such a name.
    """
    runnable = {row.name: row for row in rows() if row.run is not None}
    for name in names:
        if name not in runnable:
            raise UserError(
                f"a row must be one of {', '.join(runnable)}. Received: {name}"
            )
    return [runnable[name] for name in names] or [
        row for name, row in runnable.items() if name not in results
    ]


def measure(row: Row) -> dict[str, Any]:
    """Run a row, and compare what it gives.

    Returns:
        The row as metrics/external.json has it: the published figure; ours, with its
        95 % interval and where a further run lies; the word; and the seconds it took.
    """
    if row.run is None or row.theirs is None:
        raise ValueError(f"{row.name} has nothing to run")
    started = time.perf_counter()
    scores = row.run()
    low, high = published.prediction_interval(scores)
    return {
        "row": row.name,
        "by": row.by,
        "score": row.score,
        "theirs": row.theirs._asdict(),
        "ours": asdict(interval(scores)),
        "further_run": {"low": low, "high": high},
        "says": published.compare(row.theirs, scores),
        "seconds": round(time.perf_counter() - started, 1),
        "settings": dict(row.settings),
    }


def write(results: Results) -> None:
    """Write metrics/external.json, the rows in the order of the table."""
    ordered = [results[row.name] for row in rows() if row.name in results]
    files.write_json(paths.EXTERNAL, {"rows": ordered, "findings": findings(results)})


def findings(results: Results) -> list[str]:
    """Say in lines what the arms of a comparison say of each other."""
    return shampoo.findings(
        {name: Interval(**result["ours"]) for name, result in results.items()}
    )


# --- the table ------------------------------------------------------------------------


def table(results: Results) -> list[tuple[str, ...]]:
    """Return the lines of the table under `HEADINGS`."""
    return [_line(row, results.get(row.name)) for row in rows()]


def _line(row: Row, result: Mapping[str, Any] | None) -> tuple[str, ...]:
    theirs = "" if row.theirs is None else in_figures(row.theirs, row.digits)
    begin = (row.name, row.by, row.score, theirs)
    if result is None:
        return (*begin, row.empty or "not run", "", "")
    return (*begin, *_ours(result, row.digits), result["says"])


def _ours(result: Mapping[str, Any], digits: int) -> Sequence[str]:
    ours = result["ours"]
    if ours["std"] is None:
        return f"{ours['mean']:.{digits}f}", "1"
    return cell(ours, digits), f"{ours['n']:,}"


def in_figures(theirs: Published, digits: int) -> str:
    """Write a published figure.

    Example:
        >>> in_figures(Published(103.143, 7.109, n=10), 2)
        '103.14 ± 7.11'
        >>> in_figures(Published(0.982, half=0.004), 3)
        '0.978 to 0.986'
        >>> in_figures(Published(0.001, half=0.00005), 5)
        '0.0010'
    """
    if theirs.std is not None:
        return f"{theirs.mean:.{digits}f} ± {theirs.std:.{digits}f}"
    if theirs.half > 0.001:
        low, high = theirs.mean - theirs.half, theirs.mean + theirs.half
        return f"{low:.3f} to {high:.3f}"
    decimals = round(-np.log10(2 * theirs.half)) if theirs.half else digits
    return f"{theirs.mean:.{decimals}f}"
