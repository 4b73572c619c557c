"""Files of rows, CSV or Parquet, opened and read in batches.

Here a file has to have columns and rows; what the columns hold is for `columns`.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from statelab.config.settings import FileFormat
from statelab.errors import UserError

pc: Any = pyarrow.compute  # it makes its functions when it is imported

LARGEST = float(np.finfo(np.float32).max)
ROWS = 1 << 16  # of Parquet, at once
BLOCK = 1 << 20  # bytes of CSV, at once; no row can be longer
SEPARATORS = ";\t|,"
GZIP = b"\x1f\x8b"
BEGINNINGS = {  # of files that are not text
    b"PAR1": "a Parquet file: set `generate.source` to parquet",
    b"PK\3\4": "a zip archive; an Excel workbook has to be named .xlsx",
    b"\x89PNG": "a PNG picture",
    b"\xff\xfe": "UTF-16: set `generate.format.encoding` to utf-16",
    b"\xfe\xff": "UTF-16: set `generate.format.encoding` to utf-16",
}
NO_CSV = (pa.ArrowException, OSError, csv.Error, UnicodeError)


class Batches(Protocol):
    """Reads some columns, and those that shall be numbers as numbers if they are."""

    def __call__(
        self, names: list[str], numbers: Iterable[str] = ..., /
    ) -> Iterator[pa.RecordBatch]: ...


class Table(NamedTuple):
    """An opened file."""

    file: Path
    header: list[str]
    batches: Batches
    number: Callable[[int], int]  # of a row: its line in CSV, or counted from 1
    form: FileFormat = FileFormat()
    unnamed: tuple[str, ...] = ()  # columns that the header names by their position

    def at(self, row: int) -> str:
        """Say where a row is; rows are counted from 0."""
        return f"{self.file}, row {self.number(row)}"


def open_parquet(file: Path, _: FileFormat | None = None) -> Table:
    """Open a Parquet file.

    Raises:
        UserError: it is none, or has no rows; or, as batches are read, it is broken.
    """

    def broken(error: Exception) -> UserError:
        return UserError(
            f"{file}: must be a Parquet file. Received: {in_a_line(error)}"
        )

    try:
        opened = parquet.ParquetFile(file, pre_buffer=False)
        header, rows = opened.schema_arrow.names, opened.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise broken(error) from None
    if rows == 0:
        raise UserError(f"{file}: must have rows. Received: none")

    def batches(names: list[str], _: Iterable[str] = ()) -> Iterator[pa.RecordBatch]:
        try:
            yield from opened.iter_batches(ROWS, columns=names)
        except (pa.ArrowException, OSError) as error:
            raise broken(error) from None

    return Table(file, header, batches, lambda row: row + 1)


def open_csv(file: Path, form: FileFormat) -> Table:
    """Open a CSV file, gzipped or not; all its columns are text.

    Columns without a name have their position for one, counted from 1.

    Args:
        file: is there.
        form: how its text is written.

    Raises:
        UserError: it is none, has no header, or no rows below it; or, as batches are
            read, it is broken.
    """
    try:
        with _stream(file, form) as stream:
            begin = stream.read(BLOCK)
        header, unnamed, first_line = _header(file, begin, form)
    except NO_CSV as error:
        raise UserError(
            f"{file}: must be a CSV file. Received: {in_a_line(error)}"
        ) from (None)

    def opened(names: list[str], numbers: set[str]) -> Iterator[pa.RecordBatch]:
        yield from arrow_csv.open_csv(
            _stream(file, form),
            arrow_csv.ReadOptions(
                block_size=BLOCK, column_names=header, skip_rows=first_line - 1
            ),
            arrow_csv.ParseOptions(
                delimiter=_delimiter(form),
                quote_char=False if form.separator == "blanks" else '"',
                newlines_in_values=True,
            ),
            arrow_csv.ConvertOptions(
                column_types={
                    name: pa.float64() if name in numbers else pa.string()
                    for name in names
                },
                include_columns=names,
                null_values=form.no_value,
            ),
        )

    def batches(
        names: list[str], numbers: Iterable[str] = ()
    ) -> Iterator[pa.RecordBatch]:
        plain = {
            name
            for name in numbers
            if form.thousands is None and form.decimal_of(name) == "."
        }
        rows = 0
        try:
            try:
                for batch in _ahead(opened(names, plain)):
                    if not all(_fits(batch.column(name)) for name in plain):
                        raise pa.ArrowInvalid
                    yield batch
                    rows += batch.num_rows
            except pa.ArrowInvalid:  # that is no number, say: what it is, text shows
                for batch in opened(names, set()):
                    if rows < batch.num_rows:
                        yield batch.slice(rows)
                    rows = max(rows - batch.num_rows, 0)
        except NO_CSV as error:
            raise _broken(file, len(header), error, form) from None

    def line(row: int) -> int:
        records = _records(_text(_stream(file, form)), form)
        return next(islice(records, row + form.header, None))[0]

    return Table(file, header, batches, line, form, unnamed)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read each batch while the one before it is worked on."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = reader.submit(next, batches, None)
            yield batch


def _fits(numbers: Any) -> bool:
    """Tell whether all of some numbers are finite in 32 bits."""
    ends = pc.min_max(numbers).as_py()
    return all(end is None or abs(end) <= LARGEST for end in ends.values())


def require_text(file: Path, begin: bytes) -> None:
    """Raise what the first bytes of a file say that it is, unless that is text."""
    for mark, kind in BEGINNINGS.items():
        if begin.startswith(mark) and "UTF-16" not in kind:
            raise UserError(f"{file}: must be a text file. Received: {kind}")


def _header(
    file: Path, begin: bytes, form: FileFormat
) -> tuple[list[str], tuple[str, ...], int]:
    """Return the names of a CSV file's columns, those that are positions, and the line
    in which the rows below the header begin.

    Args:
        begin: the bytes it begins with.
    """
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
    records = _records(io.StringIO(text, newline=""), form)
    rows = list(islice(records, form.header + 1))
    if not rows:
        raise UserError(f"{file}: must have a header and rows. Received: no text")
    line, first = rows[0]
    marks = SEPARATORS.replace(_delimiter(form), "")
    if len(first) == 1 and any(mark in first[0] for mark in marks):
        raise UserError(
            f"{file}, row {line}: columns must be apart by "
            f"`generate.format.separator` ({form.separator}). "
            f"Received: {first[0][:80]!r}"
        )
    if len(rows) == form.header:
        raise UserError(f"{file}: must have rows below its header. Received: none")
    places = [str(place) for place in range(1, len(first) + 1)]
    if form.header == 0:
        return places, (), line
    names = [name.strip() for name in first]
    unnamed = [place for name, place in zip(names, places, strict=True) if not name]
    names = [name or place for name, place in zip(names, places, strict=True)]
    return names, tuple(unnamed), rows[form.header][0]


def _broken(file: Path, fields: int, error: Exception, form: FileFormat) -> UserError:
    """Return what is wrong with a CSV file; it is read once more, line by line."""
    try:
        for line, record in _records(_text(_stream(file, form)), form):
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
    return UserError(f"{file}: must be a CSV file. Received: {in_a_line(error)}")


def _not_utf8(file: Path, line: int, byte: bytes) -> UserError:
    return UserError(
        f"{file}, row {line}: must be text in UTF-8, or set "
        f"`generate.format.encoding`. Received: {byte!r}"
    )


def _records(lines: Iterable[str], form: FileFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each row that is not empty, and the line it begins in.

    Example:
        >>> lines = ["a,b\\n", "\\n", '1,"2\\n', '3"\\n', "4,5\\n"]
        >>> list(_records(lines, FileFormat()))
        [(1, ['a', 'b']), (3, ['1', '2\\n3']), (5, ['4', '5'])]
    """
    csv.field_size_limit(BLOCK)
    quoting = csv.QUOTE_NONE if form.separator == "blanks" else csv.QUOTE_MINIMAL
    rows = islice(lines, form.skip_rows, None)
    reader = csv.reader(rows, delimiter=_delimiter(form), quoting=quoting)
    line = form.skip_rows + 1
    for record in reader:
        if record:
            yield line, record
        line = form.skip_rows + reader.line_num + 1


def _delimiter(form: FileFormat) -> str:
    """Return what separates columns in `_stream`."""
    return "\t" if form.separator in ("tab", "blanks") else form.separator


def _stream(file: Path, form: FileFormat) -> pa.NativeFile:
    """Open a file as UTF-8, lines as `form` says; they stay as many."""
    with file.open("rb") as stream:
        gzipped = stream.read(len(GZIP)) == GZIP
    stream = pa.input_stream(str(file), compression="gzip" if gzipped else None)
    if form.encoding != "utf-8":
        stream = pa.transcoding_input_stream(stream, form.encoding, "utf-8")
    if form.line_end is None and form.separator != "blanks":
        return stream
    return pa.PythonFile(io.BufferedReader(_Lines(_rewritten(stream, form)), BLOCK))


def _rewritten(stream: pa.NativeFile, form: FileFormat) -> Iterator[bytes]:
    """Yield the lines of a stream, a tab for blanks, without `line_end`."""
    ends = " \t" if form.separator == "blanks" else ""
    ends = re.escape((ends + (form.line_end or "")).encode())
    end = re.compile(rb"[%b]+(?=\r?$)" % ends, re.MULTILINE)
    rest = b""
    while block := stream.read(BLOCK):
        lines, line_break, rest = (rest + block).rpartition(b"\n")
        yield _separated(end.sub(b"", lines), form) + line_break
    yield _separated(end.sub(b"", rest), form)


def _separated(lines: bytes, form: FileFormat) -> bytes:
    if form.separator != "blanks":
        return lines
    return re.sub(rb"[ \t]+", b"\t", re.sub(rb"(?m)^[ \t]+", b"", lines))


class _Lines(io.RawIOBase):
    """A file of blocks of bytes."""

    def __init__(self, blocks: Iterator[bytes]):
        self._blocks, self._block = blocks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._block = block
        count = min(len(buffer), len(self._block))
        buffer[:count], self._block = self._block[:count], self._block[count:]
        return count


def _text(stream: pa.NativeFile) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")


def in_a_line(error: Exception) -> str:
    """Return the text of an error as one line; it may quote a broken file."""
    line = " ".join(str(error).split())
    return "".join(letter for letter in line if letter.isprintable())[:200]
