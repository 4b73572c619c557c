"""Reads wide files into a panel: a row for each sequence, a column for each step."""

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from statelab.config.settings import WIDE_FEATURE, FileFormat
from statelab.data import columns, panels, rows, tables
from statelab.data.panels import Panel
from statelab.data.rows import Read, Roles
from statelab.errors import UserError


def read(
    files: dict[str, Path],
    source: str,
    form: FileFormat,
    roles: Roles,
    horizon: int,
    target_type: str,
    words: dict[str, list[str]] | None = None,
) -> Read:
    """Read the sequences of some files, a row each, without the empty cells at its end.

    Args:
        files: by name.
        source: a key of `rows.OPEN`.
        form: how the text of CSV is written.
        roles: of their columns: `features` are the steps in order; None for all that
            have no other role. Where no column has the names of the sequences, rows
            are counted. Each step has the target of its row.
        horizon: above 0 the values are the targets, and `roles.target` is None.
        target_type: as in `rows.read`.
        words: none: a wide file has one feature, of numbers.

    Returns:
        A panel with one feature and no times.

    Raises:
        UserError: it names the file, the row, the column, the rule and the value.
    """
    roles = roles._replace(time=(), target=None if horizon else roles.target)
    keys = rows.KeyColumns(roles, target_type)
    opened: list[tables.Table] = []
    file_begins: list[int] = []  # the first sequence of each file
    lengths: list[int] = []  # steps of each sequence
    steps: list[str] = []

    def place(sequence: int) -> str:
        number = bisect_right(file_begins, sequence) - 1
        return opened[number].at(sequence - file_begins[number])

    def blocks() -> Iterator[np.ndarray]:
        for name, file in files.items():
            table = rows.OPEN[source](file, form)
            steps[:] = rows.features_of(table, roles, 0, steps)
            opened.append(table)
            file_begins.append(len(lengths))
            unread = {*table.unnamed} - {*roles.keys, *steps}
            for batch in table.batches(sorted({*roles.keys, *steps, *unread})):
                first = len(lengths)
                for column in sorted(unread):
                    rows.require_nothing(batch, column, place, first, form)
                cells = {
                    column: columns.cells_of(batch, column, place, first, form)
                    for column in {*roles.keys, *steps}
                }
                keys.add(cells, batch.num_rows, name)
                values = np.stack([columns.numbers(cells[step]) for step in steps], 1)
                known = ~np.isnan(values)
                ends = known.shape[1] - known[:, ::-1].argmax(axis=1)
                ends[~known.any(axis=1)] = 0
                if not ends.all():
                    row = place(first + int((ends == 0).argmax()))
                    raise UserError(
                        f"{row}: must have a value at some step. Received: none"
                    )
                lengths.extend(ends.tolist())
                within = np.arange(len(steps)) < ends[:, None]
                yield values[within][:, None].astype(np.float32)

    values = panels.on_disk(blocks())
    of_rows = keys.joined()
    keys.require_one_way(of_rows, place)
    names = list(keys.names)
    if not roles.sequence:
        names = [str(number) for number in range(1, len(lengths) + 1)]
    elif len(names) < len(lengths):
        _, first = np.unique(of_rows.sequence, return_index=True)
        again = min(set(range(len(lengths))) - set(first.tolist()))
        raise UserError(
            f"{place(again)}: a wide file must have one row for each sequence. "
            f"Received: {names[of_rows.sequence[again]]!r} once more"
        )
    numbers = np.arange(len(lengths), dtype=np.int32)
    ends = np.cumsum(lengths)

    def at(row: int) -> str:
        sequence = bisect_right(ends, row)
        step = row - (int(ends[sequence - 1]) if sequence else 0)
        return f"{place(sequence)}, step `{steps[step]}`"

    target = np.repeat(of_rows.target, lengths)
    panel = Panel(
        values=values,
        features=[WIDE_FEATURE],
        sequence=np.repeat(numbers, lengths),
        names=names,
        time=None,
        target=np.array(values[:, 0], float) if horizon else target,
        words=list(keys.words),
        target_name=f"column `{roles.target}`" if roles.target else "all steps",
        at=at,
        split=None if of_rows.split is None else np.repeat(of_rows.split, lengths),
        split_name=f"column `{roles.split}`",
    )
    return Read(panel, 1, [], [[]], steps, {})
