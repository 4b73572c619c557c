"""Files of rows, CSV or Parquet, opened and read in batches.

Here a file has to have columns and rows; what the columns hold is for `columns`.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from statelab.errors import UserError

ROWS = 1 << 16  # of Parquet, at once
BLOCK = 1 << 20  # bytes of CSV, at once; no row can be longer
SEPARATORS = ";\t|"  # of other programs, in place of commas
GZIP = b"\x1f\x8b"
BEGINNINGS = {  # of files that are not text
    b"PAR1": "a Parquet file: set `generate.source` to parquet",
    b"PK\3\4": "a zip archive",
    b"\x89PNG": "a PNG picture",
    b"\xff\xfe": "UTF-16: save it as UTF-8",
    b"\xfe\xff": "UTF-16: save it as UTF-8",
}
NO_CSV = (pa.ArrowException, OSError, csv.Error)


class Table(NamedTuple):
    """An opened file."""

    file: Path
    header: list[str]
    batches: Callable[[list[str]], Iterator[pa.RecordBatch]]  # of some columns
    number: Callable[[int], int]  # of a row: its line in CSV, or counted from 1

    def at(self, row: int) -> str:
        """Say where a row is; rows are counted from 0."""
        return f"{self.file}, row {self.number(row)}"


def open_parquet(file: Path) -> Table:
    """Open a Parquet file.

    Raises:
        UserError: it is none, or has no rows; or, as batches are read, it is broken.
    """

    def broken(error: Exception) -> UserError:
        return UserError(f"{file}: must be a Parquet file. Received: {_short(error)}")

    try:
        opened = parquet.ParquetFile(file, pre_buffer=False)
        header, rows = opened.schema_arrow.names, opened.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise broken(error) from None
    if rows == 0:
        raise UserError(f"{file}: must have rows. Received: none")

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from opened.iter_batches(ROWS, columns=names)
        except (pa.ArrowException, OSError) as error:
            raise broken(error) from None

    return Table(file, header, batches, lambda row: row + 1)


def open_csv(file: Path) -> Table:
    """Open a CSV file, gzipped or not; all its columns are text.

    Raises:
        UserError: it is none, has no header, or no rows below it; or, as batches are
            read, it is broken.
    """
    try:
        with _stream(file) as stream:
            begin = stream.read(BLOCK)
        header = _header(file, begin)
    except NO_CSV as error:
        raise UserError(f"{file}: must be a CSV file. Received: {_short(error)}") from (
            None
        )

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from arrow_csv.open_csv(
                _stream(file),
                arrow_csv.ReadOptions(block_size=BLOCK),
                arrow_csv.ParseOptions(newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=names,
                ),
            )
        except (pa.ArrowException, OSError) as error:
            raise _broken(file, len(header), error) from None

    def line(row: int) -> int:
        return next(islice(_records(_text(file)), row + 1, None))[0]

    return Table(file, header, batches, line)


OPEN = {"csv": open_csv, "parquet": open_parquet}


def read(source: str, file: Path, names: list[str]) -> pa.Table:
    """Read some columns whole, of CSV as text.

    Args:
        source: a key of `OPEN`.
        file: is there.
        names: of the columns.
    """
    return pa.Table.from_batches(OPEN[source](file).batches(names))


def _header(file: Path, begin: bytes) -> list[str]:
    """Return the names of a CSV file's columns, from the bytes it begins with."""
    if b"\0" in begin:
        kinds = (BEGINNINGS[mark] for mark in BEGINNINGS if begin.startswith(mark))
        kind = next(kinds, "bytes of 0 in it")
        raise UserError(f"{file}: must be a text file. Received: {kind}")
    try:
        # The last character may be cut in two.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(begin)
    except UnicodeDecodeError as error:
        line = begin.count(b"\n", 0, error.start) + 1
        raise _not_utf8(file, line, begin[error.start : error.start + 1]) from None
    rows = list(islice(_records(io.StringIO(text, newline="")), 2))
    if not rows:
        raise UserError(f"{file}: must have a header and rows. Received: no text")
    line, header = rows[0]
    if len(header) == 1 and any(mark in header[0] for mark in SEPARATORS):
        raise UserError(
            f"{file}, row {line}: columns must be apart by commas, and numbers have "
            f"decimal points. Received: {header[0][:80]!r}"
        )
    if len(rows) == 1:
        raise UserError(f"{file}: must have rows below its header. Received: none")
    return header


def _broken(file: Path, fields: int, error: Exception) -> UserError:
    """Return what is wrong with a CSV file; it is read once more, line by line."""
    try:
        for line, record in _records(_text(file)):
            try:
                ",".join(record).encode()
            except UnicodeEncodeError as wrong:
                byte = wrong.object[wrong.start].encode("utf-8", "surrogateescape")
                return _not_utf8(file, line, byte)
            if len(record) != fields:
                return UserError(
                    f"{file}, row {line}: must have {fields} fields, as many as the "
                    f"header. Received: {len(record)}"
                )
    except NO_CSV:
        pass  # the error of pyarrow is the one to show
    return UserError(f"{file}: must be a CSV file. Received: {_short(error)}")


def _not_utf8(file: Path, line: int, byte: bytes) -> UserError:
    return UserError(
        f"{file}, row {line}: must be text in UTF-8: save it so. Received: {byte!r}"
    )


def _records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each row that is not empty, and the line it begins in.

    Example:
        >>> list(_records(["a,b\\n", "\\n", '1,"2\\n', '3"\\n', "4,5\\n"]))
        [(1, ['a', 'b']), (3, ['1', '2\\n3']), (5, ['4', '5'])]
    """
    csv.field_size_limit(BLOCK)
    reader, line = csv.reader(lines), 1
    for record in reader:
        if record:
            yield line, record
        line = reader.line_num + 1


def _stream(file: Path) -> pa.NativeFile:
    with file.open("rb") as stream:
        gzipped = stream.read(len(GZIP)) == GZIP
    return pa.input_stream(str(file), compression="gzip" if gzipped else None)


def _text(file: Path) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        _stream(file), "utf-8-sig", errors="surrogateescape", newline=""
    )


def _short(error: Exception) -> str:
    """Return the text of an error as one line; it may quote a broken file."""
    line = " ".join(str(error).split())
    return "".join(letter for letter in line if letter.isprintable())[:200]
