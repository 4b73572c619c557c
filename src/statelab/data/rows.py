"""Reads the rows of CSV and Parquet files into a panel.

They are read in batches: what is held in memory of each row are its sequence, its time
and its target; its features go through a file on disk.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from statelab.config.settings import Columns, FileFormat, TimeColumns
from statelab.data import columns, encoding, excel, panels, tables
from statelab.data.panels import Panel
from statelab.errors import UserError

MOST_WORDS = 1000  # of a column
PANDAS = "__index_level_"  # how the names begin of indices that pandas has written

OPEN = {
    "csv": tables.open_csv,
    "parquet": tables.open_parquet,
    "excel": excel.open_excel,
}
OR_NULL = {  # what else a role can be
    "sequence": ", or null where each file is one sequence",
    "time": ", or null where rows are in order",
    "target": "",
    "split": ", or null where no column says it",
}


class Read(NamedTuple):
    """What was read of some files."""

    panel: Panel
    ticks: int  # of its time that make a unit; of dates, a second
    notes: list[str]  # for the user
    empty: list[list[int]]  # of each file: rows read before each that has no value
    columns: list[str]  # that features were made of
    words: dict[str, list[str]]  # of columns of words


class Roles(NamedTuple):
    """Which columns mean what."""

    sequence: tuple[str, ...]  # none: each file is one sequence
    time: tuple[str, ...]  # none: rows are in order
    target: str | None  # None: there is none to read
    features: list[str] | None  # None: all others
    split: str | None = None  # None: there is none to read
    categories: Mapping[str, str] = MappingProxyType({})  # columns of words: `one_hot`…
    calendar: tuple[str, ...] = ()  # parts of it that are features
    time_format: str | None = None  # of strftime
    zone: str | None = None  # of times that name none

    @property
    def keys(self) -> list[str]:
        """The columns that are no features."""
        others = (self.target, self.split)
        names = [name for name in others if name is not None]
        return [*self.sequence, *self.time, *names]


def roles_of(columns: Columns, calendar: Sequence[str] | None) -> Roles:
    """Return what `generate.columns` and `generate.calendar` say."""
    time, form, zone = columns.time, None, None
    if isinstance(time, TimeColumns):
        time, form, zone = time.columns, time.format, time.zone
    return Roles(
        _names(columns.sequence),
        _names(time),
        columns.target,
        columns.features,
        columns.split,
        columns.categories or {},
        tuple(calendar or ()),
        form,
        zone,
    )


def _names(names: str | list[str] | None) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def read(
    files: dict[str, Path],
    source: str,
    form: FileFormat,
    roles: Roles,
    horizon: int,
    target_type: str,
    words: dict[str, list[str]] | None = None,
) -> Read:
    """Read the rows of some files, one file after another.

    Rows without a value in any column are left out, and columns without a name if they
    have no values, or count the rows.

    Args:
        files: by name.
        source: a key of `OPEN`.
        form: how the text of CSV is written.
        roles: of their columns.
        horizon: above 0 the target is a feature as well.
        target_type: `auto`, `classes` or `values`.
        words: of `roles.categories`, as training knew them; None to take those of the
            files.

    Raises:
        UserError: it names the file, the row, the column, the rule and the value.
    """
    keys = KeyColumns(roles, target_type)
    features: list[str] = []
    opened: list[tables.Table] = []
    begins: list[int] = []  # the first row of each file
    empty: list[list[int]] = []  # of each file: rows read before a row without a value
    unnamed: set[str] = set()

    def at(row: int) -> str:
        number = bisect_right(begins, row) - 1
        row -= begins[number]
        return opened[number].at(row + bisect_right(empty[number], row))

    def blocks() -> Iterator[np.ndarray]:
        rows = 0
        for name, file in files.items():
            table = OPEN[source](file, form)
            features[:] = features_of(table, roles, horizon, features)
            opened.append(table)
            begins.append(rows)
            empty.append([])
            needed = {*roles.keys, *features}
            unread = {*table.unnamed} - needed
            unnamed.update(unread)
            texts = {*roles.keys, *roles.categories} - {roles.target}
            numbers = set(features) - texts
            if keys.numbers and roles.target is not None:
                numbers |= {roles.target} - texts
            for batch in table.batches(sorted(needed | unread), numbers):
                batch, without = _with_values(batch, form)
                for column in sorted(unread):
                    require_nothing(batch, column, at, rows, form)
                empty[-1].extend(rows - begins[-1] + place for place in without)
                cells = {
                    column: columns.cells_of(batch, column, at, rows, form)
                    for column in needed
                }
                keys.add(cells, batch.num_rows, name)
                values = [
                    encoding.numbers(
                        cells[feature],
                        roles.categories.get(feature),
                        of.get(feature, []),
                    )
                    for feature in features
                ]
                if roles.calendar and batch.num_rows:
                    _require_dates(keys.kind_of_time)
                    values.append(
                        encoding.calendar(keys.time[-1], roles.calendar, roles.zone)
                    )
                yield np.concatenate(values, axis=1).astype(np.float32)
                rows += batch.num_rows

    of = words or _words(files, source, form, roles)
    values = panels.on_disk(blocks())
    of_rows = keys.joined()
    keys.require_one_way(of_rows, at)
    panel = Panel(
        values=values,
        features=[
            *encoding.names(features, roles.categories, of),
            *encoding.calendar_names(roles.calendar),
        ],
        sequence=of_rows.sequence,
        names=list(keys.names),
        time=of_rows.time,
        target=of_rows.target,
        words=list(keys.words),
        target_name=f"column `{roles.target}`",
        at=at,
        split=of_rows.split,
        split_name=f"column `{roles.split}`",
    )
    ticks = 1 if keys.kind_of_time == columns.NUMBER else columns.NANOSECONDS
    notes = []
    if unnamed:
        notes.append(f"columns without a name, which are left out: {len(unnamed)}")
    if without := sum(map(len, empty)):
        notes.append(f"rows without any value, which are left out: {without}")
    return Read(panel, ticks, notes, empty, features, of)


def _words(
    files: dict[str, Path], source: str, form: FileFormat, roles: Roles
) -> dict[str, list[str]]:
    """Return the words of each column of words, in order."""
    words: dict[str, dict[str, int]] = {name: {} for name in roles.categories}
    for file in files.values() if words else ():
        table = OPEN[source](file, form)
        for name in words:
            if name not in table.header:
                raise UserError(
                    f"{file}: must have the column `{name}` of "
                    f"`generate.columns.categories`. Received: {_listed(table.header)}"
                )
        rows = 0
        for batch in table.batches(sorted(words)):
            for name, known in words.items():
                cells = columns.cells_of(batch, name, table.at, rows, form)
                columns.words(cells, known)
                if len(known) > MOST_WORDS:
                    raise UserError(
                        f"{file}, column `{name}`: must have at most {MOST_WORDS} "
                        f"words. Received: more"
                    )
            rows += batch.num_rows
    return {name: sorted(known) for name, known in words.items()}


def _require_dates(kind: str) -> None:
    if kind in ("", columns.NUMBER):
        raise UserError(
            "`generate.calendar` must be null where times are numbers, or there are "
            f"none: these have no hour and no month. Received: {kind or 'no time'}"
        )


def require_nothing(
    batch: pa.RecordBatch,
    column: str,
    at: Callable[[int], str],
    first: int,
    form: FileFormat,
) -> None:
    """Raise a value in a column without a name, unless it counts the rows."""
    cells = columns.cells_of(batch, column, at, first, form)
    if cells.values.null_count < len(cells.values) and not columns.count_rows(cells):
        cell = cells.values.is_valid().index(True).as_py()
        rule = (
            "must be empty, or count the rows, as it has no name; or list what to "
            "read in `generate.columns.features`"
        )
        raise cells.error(cell, rule)


def _with_values(
    batch: pa.RecordBatch, form: FileFormat
) -> tuple[pa.RecordBatch, list[int]]:
    """Leave out the rows of a batch that have no value in any column.

    Returns:
        The others; and of each row left out how many of the others are before it.
    """
    without = np.ones(batch.num_rows, bool)
    for name in batch.schema.names:
        cells = columns.cells_of(batch, name, str, 0, form)
        without &= cells.values.is_null().to_numpy(zero_copy_only=False)
        if not without.any():
            return batch, []
    rows = np.flatnonzero(without)
    return batch.filter(pa.array(~without)), (rows - np.arange(len(rows))).tolist()


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    joined = np.concatenate(parts)
    parts.clear()  # memory need not hold everything twice
    return joined


def read_whole(source: str, file: Path, names: list[str], form: FileFormat) -> pa.Table:
    """Read some columns whole, of CSV as text.

    Args:
        source: a key of `OPEN`.
        file: is there.
        names: of the columns.
        form: how the text of CSV is written.
    """
    return pa.Table.from_batches(OPEN[source](file, form).batches(names))


class Keys(NamedTuple):
    """What identifies each row, as in `Panel`."""

    sequence: np.ndarray
    time: np.ndarray | None
    target: np.ndarray
    split: np.ndarray | None


class KeyColumns:
    """The sequence, the time, the target and the split of each row so far."""

    def __init__(self, roles: Roles, target_type: str):
        self.roles = roles
        self.sequence, self.time, self.target, self.split = [], [], [], []
        self.names: dict[str, int] = {}  # of the sequences, numbered
        self.words: dict[str, int] = {}  # that are targets, numbered
        self.kind_of_time = ""
        # whether targets are numbers; None while there was none
        self.type = target_type
        self.numbers = {"auto": None, "classes": False}.get(target_type, True)
        before = "" if self.numbers else ", as the targets before it"
        self.rule = f"must be a number{before}"

    def add(self, cells: dict[str, columns.Cells], rows: int, file: str) -> None:
        if rows == 0:
            return
        if not self.roles.sequence:
            number = self.names.setdefault(file, len(self.names))
            self.sequence.append(np.full(rows, number, np.int32))
        else:
            ids = columns.joined([cells[name] for name in self.roles.sequence], "/")
            self.sequence.append(columns.ids(ids, self.names))
        if self.roles.time:
            form = self.roles.time_format
            parts = [cells[name] for name in self.roles.time]
            times = columns.time_of(parts, form is not None)
            self.kind_of_time = self.kind_of_time or form or columns.kind_of_time(times)
            self.time.append(columns.times(times, self.kind_of_time, self.roles.zone))
        if self.roles.split is not None:
            self.split.append(columns.splits(cells[self.roles.split]))
        if self.roles.target is None:
            self.target.append(np.full(rows, np.nan))
        else:
            self.target.append(self._targets(cells[self.roles.target]))

    def joined(self) -> Keys:
        """Return those of all rows; what was added is let go of."""
        return Keys(
            _joined(self.sequence),
            _joined(self.time) if self.roles.time else None,
            _joined(self.target),
            None if self.roles.split is None else _joined(self.split),
        )

    def require_one_way(self, rows: Keys, at: Callable[[int], str]) -> None:
        """Raise what is of two kinds: a number among words, or a number in two ways.

        Args:
            rows: what `joined` has returned.
            at: says where a row is.
        """
        names = list(self.names)
        twice = columns.same_numbers(names) if self.roles.sequence else None
        if twice is not None:
            first, again = twice
            row = int((rows.sequence == names.index(again)).argmax())
            column = ", ".join(self.roles.sequence)
            raise UserError(
                f"{at(row)}, column `{column}`: must be written as the same number "
                f"before it, {first!r}. Received: {again!r}"
            )
        if self.type == "auto" and self.words:
            self._require_words(rows.target, at)

    def _require_words(self, target: np.ndarray, at: Callable[[int], str]) -> None:
        """Raise the first word where most targets are numbers."""
        words, known = list(self.words), target >= 0
        looks = np.append(columns.look_like_numbers(words), False)[target]
        if 2 * looks.sum() <= known.sum():
            return
        plain = np.append(columns.plain_numbers(words), True)[target]
        row = int((known & ~plain).argmax())
        rule = (
            "must be a number, as most targets are: list it in "
            "`generate.format.missing`, or set `generate.target_type` to classes"
        )
        if looks[row]:
            rule = (
                "must be a number with a decimal point, or set "
                "`generate.format.decimal` and `generate.format.thousands`"
            )
        raise UserError(
            f"{at(row)}, column `{self.roles.target}`: {rule}. "
            f"Received: {words[target[row]]!r}"
        )

    def _targets(self, cells: columns.Cells) -> np.ndarray:
        if self.numbers is None:
            self.numbers = columns.are_numbers(cells)
            if self.numbers:
                self.target[:] = [np.full(len(part), np.nan) for part in self.target]
        if self.numbers:
            return columns.numbers(cells, self.rule)
        return columns.words(cells, self.words)


def features_of(
    table: tables.Table, roles: Roles, horizon: int, before: list[str]
) -> list[str]:
    """Return the names of the features, where all columns that are needed are there.

    Args:
        table: has the columns.
        roles: of the columns.
        horizon: above 0 the target is a feature.
        before: the features of the files before; none for the first file.
    """
    header = table.header
    keys = roles.keys
    features = [
        name
        for name in header
        if name not in keys
        and name not in table.unnamed
        and not name.startswith(PANDAS)
    ]
    if roles.features:
        words = [name for name in roles.categories if name not in roles.features]
        features = [*roles.features, *words]
    if horizon and roles.target not in features:
        features = [*features, roles.target]
    if not horizon and roles.target in features:
        raise UserError(
            "`generate.columns.features` must not hold the target, unless "
            f"`generate.horizon` is above 0. Received: {roles.target}"
        )
    if roles.split is not None and roles.split in [*keys[:-1], *features]:
        raise UserError(
            "`generate.columns.split` must name a column that is nothing else. "
            f"Received: {roles.split}"
        )
    _require_columns(table, roles)
    decimal = table.form.decimal
    for name in decimal if isinstance(decimal, dict) else ():
        if name not in header:
            raise UserError(
                f"{table.file}: must have the column `{name}` of "
                f"`generate.format.decimal`. Received: {_listed(header)}"
            )
    for name in features:
        if name not in header:
            raise UserError(
                f"{table.file}: must have the feature `{name}`. "
                f"Received: {_listed(header)}"
            )
    if not features:
        raise UserError(
            f"{table.file}: must have a column for a feature, beside those of "
            f"`generate.columns`. Received: {_listed(header)}"
        )
    for name in [*keys, *features]:
        if not (name.strip() and name.isprintable()):
            raise UserError(
                f"{table.file}: each column must have a name, or "
                "`generate.columns.features` list those to read. "
                f"Received: {_listed(header)}"
            )
        if header.count(name) > 1:
            raise UserError(
                f"{table.file}: column names must differ. Received: {name} twice"
            )
    if before and set(before) != set(features):
        raise UserError(
            f"{table.file}: must have the features of the files before it: "
            f"{_listed(before)}. Received: {_listed(features)}"
        )
    return before or features


def _require_columns(table: tables.Table, roles: Roles) -> None:
    """Raise which columns are not there, all of them at once."""
    missing = {
        role: name
        for role in OR_NULL
        for name in _names(getattr(roles, role))
        if name not in table.header
    }
    if not missing:
        return
    if len(missing) == 1:
        ((role, name),) = missing.items()
        rule = (
            f"must have the column `{name}`, or `generate.columns.{role}` another "
            f"name{OR_NULL[role]}"
        )
    else:
        names = _both([f"`{name}`" for name in missing.values()])
        keys = _both([f"`{role}`" for role in missing])
        rule = (
            f"must have the columns {names}, or `generate.columns` other names for "
            f"{keys}: `statelab inspect` proposes them"
        )
    raise UserError(f"{table.file}: {rule}. Received: {_listed(table.header)}")


def _both(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _listed(names: list[str]) -> str:
    return ", ".join(
        name if name.isprintable() and name == name.strip() != "" else repr(name)
        for name in names
    )[:200]
