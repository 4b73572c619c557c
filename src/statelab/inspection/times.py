"""Which columns are the time, and in which format."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from statelab.data import columns
from statelab.data.columns import Cells
from statelab.inspection import dates, text_format
from statelab.inspection.guesses import Guess, TextTable

PARTS = ("year", "month", "day", "hour", "minute", "second")
SHORT = {"yr": "year", "mon": "month", "mo": "month", "dy": "day", "hr": "hour"}
NAMES = re.compile(
    r"(time|date|datetime|timestamp|t|ds|step|cycle|index|epoch|month|day|year|hour|"
    r"tick|week|frame)s?([ _]?(index|idx|stamp|utc|step))?",
    re.IGNORECASE,
)
UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}  # in seconds
RISING = 0.1  # share of steps in which a time may begin anew
SAMPLE = 2000  # cells that a format is tried on


class Time(NamedTuple):
    """The columns of the time."""

    names: list[str]
    ticks: np.ndarray  # of each row; nanoseconds where they are dates
    dates: bool
    guess: Guess


def guess(table: TextTable) -> Time | None:
    """Guess which columns are the time; None where none is.

    Example:
        >>> cells = {"day": ["2/1/2024", "13/1/2024"], "x": ["1", "2"]}
        >>> time = guess(TextTable(cells, np.array([0, 0]), 1))
        >>> time.guess.value
        {'columns': 'day', 'format': '%d/%m/%Y'}
        >>> int(time.ticks[1] - time.ticks[0]) // 10**9  # eleven days
        950400
    """
    return _of_parts(table) or _of_dates(table) or _of_numbers(table)


def _of_parts(table: TextTable) -> Time | None:
    """Find a year, a month and so on in columns of their own."""
    names = {name.lower(): name for name in table.cells}
    named = {SHORT.get(name, name): own for name, own in names.items()}
    used = [named[part] for part in PARTS if part in named]
    whole = [
        all(cell.isdecimal() for cell in table.filled(name)) and table.filled(name)
        for name in used
    ]
    if len(used) < 2 or "year" not in named or "month" not in named or not all(whole):
        return None
    if used != [named[part] for part in PARTS[: len(used)]]:
        return None
    parts = [Cells(pa.array(table.cells[name]), name, str) for name in used]
    cells = columns.time_of(parts, has_format=False)
    if not dates.formats_of(cells.values.to_pylist()[:SAMPLE]):
        return None
    ticks = columns.times(cells, columns.kind_of_time(cells))
    evidence = "columns named so, of whole numbers, make a date"
    return Time(used, ticks, True, Guess("columns.time", used, evidence))


def _of_dates(table: TextTable) -> Time | None:
    found = []
    for name in table.cells:
        filled = table.filled(name)
        if len(filled) < table.rows:
            continue
        if text_format.is_number(filled).all() and not NAMES.fullmatch(name):
            continue  # 20240131 is a date where its name says so
        if forms := dates.formats_of(filled[:SAMPLE]):
            found.append((name, forms))
    clocks = [
        name
        for name in table.cells
        if len(filled := table.filled(name)) == table.rows
        and dates.is_time_of_day(filled[:SAMPLE])
    ]
    for name, forms in found:
        for clock in clocks:
            pairs = zip(table.cells[name], table.cells[clock], strict=True)
            texts = list(map(" ".join, pairs))
            if together := dates.formats_of(texts[:SAMPLE]):
                return _chosen([name, clock], texts, together, table)
        return _chosen([name], table.cells[name], forms, table)
    return None


def _chosen(
    names: list[str], texts: list[str], forms: list[str], table: TextTable
) -> Time | None:
    """Choose among formats the one with which times are the most regular."""
    ticks = {form: _ticks(texts, form) for form in forms}
    known = {form: each for form, each in ticks.items() if each is not None}
    if not known:
        return None
    steps = {
        form: len(set(np.diff(each)[table.follows()].tolist()))
        for form, each in known.items()
    }
    form = min(steps, key=lambda form: steps[form])
    certain, evidence = True, f"all cells are dates as {form}" if form else ""
    if len(known) > 1:
        (other,) = [each for each in known if each != form]
        certain = steps[form] < steps[other]
        evidence += f", and as {other}"
        if certain:
            evidence += ", with which their steps would be less regular"
    evidence = evidence or "all cells are dates of ISO 8601"
    columns_used = names[0] if len(names) == 1 else names
    value = {"columns": columns_used, "format": form} if form else columns_used
    setting = Guess("columns.time", value, evidence, certain)
    return Time(names, known[form], True, setting)


def _ticks(texts: list[str], form: str) -> np.ndarray | None:
    if form == dates.ISO:
        cells = Cells(pa.array(texts, pa.string()), "", str)
        return columns.times(cells, columns.kind_of_time(cells))
    parsed = dates.parse(texts, form)
    return None if parsed is None else parsed.as_unit("ns").to_numpy().astype(np.int64)


def _of_numbers(table: TextTable) -> Time | None:
    """Find a column of numbers that is named as a time, or rises more than others."""
    ticks = {
        name: numbers
        for name in table.cells
        if (numbers := table.numbers(name, r"-?\d+(\.\d+)?")) is not None
        and table.count(name) > 1
    }
    for name, numbers in ticks.items():
        if NAMES.fullmatch(name):
            evidence = "named so, of numbers"
            return Time([name], numbers, False, Guess("columns.time", name, evidence))
    steps = {name: np.diff(each)[table.follows()] for name, each in ticks.items()}
    falls = {name: int((each <= 0).sum()) for name, each in steps.items()}
    rising = [
        name for name in list(ticks)[:-1] if falls[name] <= RISING * len(steps[name])
    ]
    if not rising:
        return None
    name = min(rising, key=lambda name: falls[name])
    by_one = bool((steps[name][steps[name] > 0] == 1).all())
    evidence = f"it rises{' by one' * by_one}, and begins anew {falls[name]} times"
    certain = by_one and falls[name] > 0
    setting = Guess("columns.time", name, evidence, certain)
    return Time([name], ticks[name], False, setting)


def spacing(table: TextTable, time: Time, key: list[str]) -> str:
    """Say how long a step is, and the longest one.

    Args:
        table: rows of a file.
        time: its time.
        key: the columns of the sequence.

    Example:
        >>> cells = {"t": ["2024-01-01", "2024-01-02", "2024-01-09"]}
        >>> table = TextTable(cells, np.array([0, 0, 0]), 1)
        >>> spacing(table, guess(table), [])
        'a step is 1 day in 50% of rows, at most 7 days'
    """
    sequences: dict[tuple[str | int, ...], int] = {}
    keys = zip(table.part.tolist(), *(table.cells[name] for name in key), strict=True)
    of_rows = np.array([sequences.setdefault(each, len(sequences)) for each in keys])
    order = np.lexsort((time.ticks, of_rows))
    same = np.diff(of_rows[order]) == 0
    steps = np.diff(time.ticks[order])[same]
    steps = steps[steps > 0]
    if not len(steps):
        return ""
    lengths, counts = np.unique(steps, return_counts=True)
    usual = lengths[counts.argmax()]
    said = (
        f"a step is {_length(usual, time)} in {counts.max() / len(steps):.0%} of rows"
    )
    return said + f", at most {_length(lengths[-1], time)}" * (len(lengths) > 1)


def _length(ticks: float, time: Time) -> str:
    if not time.dates:
        return f"{ticks:g}"
    for unit, seconds in UNITS.items():
        count = float(ticks) / 1e9 / seconds
        if count >= 1:
            return f"{count:g} {unit}" + "s" * (count != 1)
    return f"{ticks / 1e9:g} seconds"
