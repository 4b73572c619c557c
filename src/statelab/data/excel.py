"""The rows of an Excel workbook's sheet."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa

from statelab.config.settings import FileFormat
from statelab.data.tables import Table, in_a_line
from statelab.errors import UserError

Cell = str | int | float | bool | datetime | None


def open_excel(file: Path, form: FileFormat) -> Table:
    """Open a sheet; it is held in memory.

    Columns of numbers and of dates have their type; others, and those of several kinds,
    are text. Rows without a value are left out.

    Args:
        file: is there.
        form: of it the `sheet`, `skip_rows` and `header`; and of columns of text what
            else it says.

    Raises:
        UserError: it is no workbook, has no such sheet, no header, or no rows below it.
    """
    lines = [(number, row) for number, row in rows_of(file, form.sheet) if any_of(row)]
    lines = [line for line in lines if line[0] > form.skip_rows]
    if not lines:
        raise UserError(f"{file}: must have a header and rows. Received: no cells")
    width = max(len(row) for _, row in lines)
    lines = [(number, row + [None] * (width - len(row))) for number, row in lines]
    below = lines[form.header :]
    if not below:
        raise UserError(f"{file}: must have rows below its header. Received: none")
    places = [str(place) for place in range(1, width + 1)]
    names, unnamed = places, []
    if form.header:
        named = [as_text(cell).strip() for cell in lines[0][1]]
        unnamed = [place for name, place in zip(named, places, strict=True) if not name]
        names = [name or place for name, place in zip(named, places, strict=True)]
    columns = zip(*(row for _, row in below), strict=True)
    arrays = [_array(list(column)) for column in columns]

    def batches(wanted: list[str], _: Iterable[str] = ()) -> Iterator[pa.RecordBatch]:
        chosen = [arrays[names.index(name)] for name in wanted]
        yield pa.record_batch(chosen, names=list(wanted))

    return Table(file, names, batches, lambda row: below[row][0], form, tuple(unnamed))


def rows_of(
    file: Path, sheet: str | None, most: int | None = None
) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the rows of a sheet, and the number of each, counted from 1.

    Args:
        file: is there.
        sheet: its name; None for the first one.
        most: rows, at most; None for all.

    Raises:
        UserError: it is no workbook, or has no such sheet.
    """
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError:
        raise UserError(
            f"{file}: takes openpyxl to be read: `pip install openpyxl`, or save it as "
            "CSV. Received: an Excel workbook"
        ) from None
    try:
        book = load_workbook(file, read_only=True, data_only=True)
        if sheet is not None and sheet not in book.sheetnames:
            raise UserError(
                f"{file}: must have the sheet `{sheet}` of `generate.format.sheet`. "
                f"Received: {', '.join(book.sheetnames)}"
            )
        rows = book[sheet or book.sheetnames[0]].iter_rows(
            max_row=most, values_only=True
        )
        for number, row in enumerate(rows, 1):
            yield number, [_cell(value) for value in row]
    except UserError:
        raise
    except Exception as error:  # openpyxl lets through what zip and XML raise
        raise UserError(
            f"{file}: must be an Excel workbook, .xlsx. Received: {in_a_line(error)}"
        ) from None


def any_of(row: list[Cell]) -> bool:
    """Tell whether some cell of a row has a value."""
    return any(cell is not None for cell in row)


def as_csv(file: Path, most: int) -> bytes:
    """Return the first rows of a workbook's first sheet as CSV, to be looked at.

    Rows above the first one that is full end with their last cell, as titles do.

    Raises:
        UserError: as `rows_of` does.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    titles = True
    for _, row in rows_of(file, None, most):
        titles &= None in row
        cells = [as_text(cell) for cell in row]
        while titles and cells and not cells[-1]:
            cells.pop()
        writer.writerow(cells)
    return text.getvalue().encode()


def as_text(cell: Cell) -> str:
    """Return a cell as text.

    Example:
        >>> as_text(2.0), as_text(None), as_text(datetime(2024, 1, 31, 7))
        ('2', '', '2024-01-31 07:00:00')
    """
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _cell(value: Any) -> Cell:
    """Return a value of openpyxl's as one of few types; blanks are none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    if isinstance(value, str):
        return value if value.strip() else None
    if value is None or isinstance(value, int | float | datetime):
        return value
    return str(value)


def _array(cells: list[Cell]) -> pa.Array:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {datetime}:
        return pa.array(cells, pa.timestamp("us"))
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds and kinds <= {int, float}:
        return pa.array(cells, pa.float64(), from_pandas=True)
    texts = [None if cell is None else as_text(cell) for cell in cells]
    return pa.array(texts, pa.string())
