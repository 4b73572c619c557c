"""Which columns are the time, and in which format."""

import re
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from statelab.data import columns
from statelab.data.columns import Cells
from statelab.errors import UserError
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
CYCLES = {"month": 12, "week": 53, "day": 31, "hour": 24, "minute": 60, "second": 60}
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
    quarter = next((names[name] for name in columns.QUARTERS if name in names), None)
    if quarter and used == [named.get("year")]:
        named["month"] = quarter
        used = [named["year"], quarter]
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
    """Choose the format in which times go back least, and are the most regular."""
    ticks = {form: each for form in forms if (each := _ticks(texts, form)) is not None}
    if not ticks:
        return None
    odd = {form: _irregular(each, table) for form, each in ticks.items()}
    form = min(odd, key=lambda form: odd[form])
    certain = True
    evidence = f"all cells are dates as {form}"
    if form == dates.ISO:
        evidence = "all cells are dates of ISO 8601"
        if columns.kind_of_time(Cells(pa.array(texts[:1]), "", str)) == columns.QUARTER:
            evidence = "all cells are quarters"
    for other in odd:
        if other == form:
            continue
        evidence += f", and as {other}"
        (back, lengths), (other_back, other_lengths) = odd[form], odd[other]
        if back < other_back and back <= RISING * table.rows:
            evidence += ", with which time would go back"
        elif lengths == 1 < other_lengths:
            evidence += ", with which steps would not be of one length"
        else:
            certain = False
    columns_used = names[0] if len(names) == 1 else names
    value = {"columns": columns_used, "format": form} if form else columns_used
    setting = Guess("columns.time", value, evidence, certain)
    return Time(names, ticks[form], True, setting)


def _irregular(ticks: np.ndarray, table: TextTable) -> tuple[int, int]:
    """Count the steps back in time, and the lengths that steps ahead have.

    Where all times are on one day of the month, months are counted in place of days.

    Example:
        >>> table = TextTable({}, np.zeros(4, int), 1)
        >>> texts = ["2023-11-01", "2023-12-01", "2024-01-01", "2023-02-01"]
        >>> _irregular(_ticks(texts, "%Y-%m-%d"), table)
        (1, 1)
    """
    months = _months(ticks)
    steps = np.diff(ticks if months is None else months)[table.follows()]
    return int((steps < 0).sum()), len(np.unique(steps[steps > 0]))


def _ticks(texts: list[str], form: str) -> np.ndarray | None:
    """Return dates as ticks; where one is none, the one before it stands for it."""
    if form == dates.ISO:
        cells = Cells(pa.array(texts, pa.string()), "", str)
        try:
            return columns.times(cells, columns.kind_of_time(cells))
        except UserError:  # the pipeline names its row
            form = "ISO8601"
    parsed = pd.Series(
        pd.to_datetime(texts, format=form, utc=True, errors="coerce")
    ).ffill()
    try:
        ticks = parsed.dt.as_unit("ns").dt.tz_localize(None)
    except ValueError:  # a year that nanoseconds do not hold
        return None
    return None if ticks.hasnans else ticks.to_numpy().astype(np.int64)


def _of_numbers(table: TextTable) -> Time | None:
    """Find a column of numbers that is named as a time, or rises more than others."""
    ticks = {
        name: numbers
        for name in table.cells
        if (numbers := table.numbers(name, r"-?\d+(\.\d+)?")) is not None
        and table.count(name) > 1
        and not _is_cycle(name, numbers)
    }
    for name in ticks:
        if NAMES.fullmatch(name):
            evidence = "named so, of numbers"
            return Time(
                [name], ticks[name], False, Guess("columns.time", name, evidence)
            )
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


def _is_cycle(name: str, numbers: np.ndarray) -> bool:
    """Tell whether a column is a part of a date, which begins anew.

    Example:
        >>> _is_cycle("hour", np.array([22, 23, 0, 1])), _is_cycle("day", np.arange(99))
        (True, False)
    """
    longest = CYCLES.get(name.lower(), 0)
    return bool(numbers.max() <= longest and (np.diff(numbers) < 0).any())


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
    ticks, in_words = time.ticks, partial(_length, time=time)
    if time.dates and (months := _months(ticks)) is not None:
        ticks, in_words = months, partial(_count, unit="month")
    steps = np.diff(ticks[order])[same]
    steps = steps[steps > 0]
    if not len(steps):
        return ""
    lengths, counts = np.unique(steps, return_counts=True)
    usual = lengths[counts.argmax()]
    said = f"a step is {in_words(usual)} in {counts.max() / len(steps):.0%} of rows"
    return said + f", at most {in_words(lengths[-1])}" * (len(lengths) > 1)


def _months(ticks: np.ndarray) -> np.ndarray | None:
    """Return times in months, where all are at one time of some months.

    Example:
        >>> days = np.array(["2024-11-01", "2025-02-01"], "datetime64[ns]")
        >>> np.diff(_months(days.astype(int)))
        array([3])
    """
    moments = ticks.astype("datetime64[ns]")
    months = moments.astype("datetime64[M]")
    if len(np.unique(moments - months.astype("datetime64[ns]"))) > 1:
        return None
    return months.astype(int)


def _length(ticks: float, time: Time) -> str:
    if not time.dates:
        return f"{ticks:g}"
    for unit, seconds in UNITS.items():
        count = float(ticks) / 1e9 / seconds
        if count >= 1:
            return _count(count, unit)
    return f"{ticks / 1e9:g} seconds"


def _count(count: float, unit: str) -> str:
    return f"{count:g} {unit}" + ("" if count == 1 else "s")
