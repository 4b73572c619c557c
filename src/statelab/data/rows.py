"""Reads the rows of CSV and Parquet files into a panel.

They are read in batches: what is held in memory of each row are its sequence, its time
and its target; its features go through a file on disk.
"""

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.data import columns, panels, tables
from statelab.data.panels import Panel
from statelab.errors import UserError

PANDAS = "__index_level_"  # how the names begin of indices that pandas has written

OR_NULL = {  # what else a role can be
    "sequence": ", or null where each file is one sequence",
    "time": ", or null where rows are in order",
    "target": "",
    "split": ", or null where no column says it",
}


class Roles(NamedTuple):
    """Which columns mean what."""

    sequence: str | None  # None: each file is one sequence
    time: str | None  # None: rows are in order
    target: str | None  # None: there is none to read
    features: list[str] | None  # None: all others
    split: str | None = None  # None: there is none to read

    @property
    def keys(self) -> list[str]:
        """The columns that are no features."""
        names = (self.sequence, self.time, self.target, self.split)
        return [name for name in names if name is not None]


def read(
    files: dict[str, Path], source: str, roles: Roles, horizon: int, target_type: str
) -> tuple[Panel, int]:
    """Read the rows of some files, one file after another.

    Args:
        files: by name.
        source: a key of `tables.OPEN`.
        roles: of their columns.
        horizon: above 0 the target is a feature as well.
        target_type: `auto`, `classes` or `values`.

    Returns:
        The panel, and how many ticks of its time make a unit; of dates, a second.

    Raises:
        UserError: it names the file, the row, the column, the rule and the value.
    """
    keys = _Keys(roles, target_type)
    features: list[str] = []
    opened: list[tables.Table] = []
    begins: list[int] = []  # the first row of each file

    def at(row: int) -> str:
        number = bisect_right(begins, row) - 1
        return opened[number].at(row - begins[number])

    def blocks() -> Iterator[np.ndarray]:
        rows = 0
        for name, file in files.items():
            table = tables.OPEN[source](file)
            features[:] = _features(table, roles, horizon, features)
            opened.append(table)
            begins.append(rows)
            needed = {*roles.keys, *features}
            for batch in table.batches(sorted(needed)):
                cells = {
                    column: columns.cells_of(batch, column, at, rows)
                    for column in needed
                }
                keys.add(cells, batch.num_rows, name)
                values = [columns.numbers(cells[feature]) for feature in features]
                yield np.stack(values, axis=1).astype(np.float32)
                rows += batch.num_rows

    values = panels.on_disk(blocks())
    panel = Panel(
        values=values,
        features=features,
        sequence=_joined(keys.sequence),
        names=list(keys.names),
        time=None if roles.time is None else _joined(keys.time),
        target=_joined(keys.target),
        words=list(keys.words),
        target_name=f"column `{roles.target}`",
        at=at,
        split=None if roles.split is None else _joined(keys.split),
        split_name=f"column `{roles.split}`",
    )
    return panel, columns.TICKS.get(keys.kind_of_time, 1)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    joined = np.concatenate(parts)
    parts.clear()  # memory need not hold everything twice
    return joined


class _Keys:
    """The sequence, the time, the target and the split of each row so far."""

    def __init__(self, roles: Roles, target_type: str):
        self.roles = roles
        self.sequence, self.time, self.target, self.split = [], [], [], []
        self.names: dict[str, int] = {}  # of the sequences, numbered
        self.words: dict[str, int] = {}  # that are targets, numbered
        self.kind_of_time = ""
        # whether targets are numbers; None while there was none
        self.numbers = {"auto": None, "classes": False, "values": True}[target_type]
        before = "" if self.numbers else ", as the targets before it"
        self.rule = f"must be a number{before}"

    def add(self, cells: dict[str, columns.Cells], rows: int, file: str) -> None:
        if self.roles.sequence is None:
            number = self.names.setdefault(file, len(self.names))
            self.sequence.append(np.full(rows, number, np.int32))
        else:
            self.sequence.append(columns.ids(cells[self.roles.sequence], self.names))
        if self.roles.time is not None:
            times = cells[self.roles.time]
            self.kind_of_time = self.kind_of_time or columns.kind_of_time(times)
            self.time.append(columns.times(times, self.kind_of_time))
        if self.roles.split is not None:
            self.split.append(columns.splits(cells[self.roles.split]))
        if self.roles.target is None:
            self.target.append(np.full(rows, np.nan))
        else:
            self.target.append(self._targets(cells[self.roles.target]))

    def _targets(self, cells: columns.Cells) -> np.ndarray:
        if self.numbers is None:
            self.numbers = columns.are_numbers(cells)
            if self.numbers:
                self.target[:] = [np.full(len(part), np.nan) for part in self.target]
        if self.numbers:
            return columns.numbers(cells, self.rule)
        return columns.words(cells, self.words)


def _features(
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
    features = roles.features or [
        name for name in header if name not in keys and not name.startswith(PANDAS)
    ]
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
    for role, other in OR_NULL.items():
        name = getattr(roles, role)
        if name is not None and name not in header:
            raise UserError(
                f"{table.file}: must have the column `{name}`, or "
                f"`generate.columns.{role}` another name{other}. "
                f"Received: {_listed(header)}"
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


def _listed(names: list[str]) -> str:
    return ", ".join(
        name if name.isprintable() and name == name.strip() != "" else repr(name)
        for name in names
    )[:200]
