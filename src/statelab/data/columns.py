"""The cells of a column, read as numbers, times or words."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute

from statelab.config.settings import FileFormat
from statelab.data import tables
from statelab.data.sequences import SPLITS
from statelab.errors import UserError

pc: Any = pyarrow.compute  # it makes its functions when it is imported

NUMBER, DATE, ZONED, MONTH = (
    "a number",
    "a date of ISO 8601 from 1678 to 2261, without a time zone",
    "a date of ISO 8601 from 1678 to 2261, with a time zone",
    "a month, as 2024-01",
)
QUARTER = "a quarter, as 2024 Q1 or 2024-Q1"
KINDS = (NUMBER, DATE, ZONED, MONTH, QUARTER)  # of times that need no format
QUARTERS = ("quarter", "quarters", "qtr", "q")  # how a column of them is named
NANOSECONDS = 10**9  # of dates; a time that is a number counts its own units
PARTS = ("-", "-", " ", ":", ":", "")  # after year, month, day, hour, minute, second
SPLIT_RULE = "must be train, validation or test"


class Cells(NamedTuple):
    """A stretch of one column."""

    values: Any  # a pyarrow array; text without spaces around it, null for no value
    column: str
    at: Callable[[int], str]  # says where a row is
    first: int = 0  # the row of the first cell
    form: FileFormat = FileFormat()  # of numbers in text

    def error(self, cell: int, rule: str) -> UserError:
        """Return the error that a cell breaks a rule."""
        where = f"{self.at(self.first + cell)}, column `{self.column}`"
        received = _shown(self.values.slice(cell, 1))
        return UserError(f"{where}: {rule}. Received: {received}")


def cells_of(
    batch: pa.RecordBatch,
    column: str,
    at: Callable[[int], str],
    first: int,
    form: FileFormat,
) -> Cells:
    """Take a column out of a batch of rows.

    Args:
        batch: the rows.
        column: its name.
        at: says where a row is.
        first: the batch's first row.
        form: what text means no value, and how numbers are written.

    Raises:
        UserError: it is text, but not in UTF-8.

    Example:
        >>> batch = pa.record_batch({"x": [" 1", "NA"]})
        >>> cells_of(batch, "x", str, 0, FileFormat()).values.to_pylist()
        ['1', None]
    """
    values = batch.column(column)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if pa.types.is_string(values.type):
        try:
            values.validate(full=True)
        except pa.ArrowInvalid:
            rule = "must be text in UTF-8 from here on. Received: other bytes"
            raise UserError(f"{at(first)}, column `{column}`: {rule}") from None
        values = pc.utf8_trim_whitespace(values)
        none = pa.array(form.no_value)
        values = pc.if_else(pc.is_in(values, none), None, values)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    return Cells(values, column, at, first, form)


def numbers(cells: Cells, rule: str = "must be a number") -> np.ndarray:
    """Return numbers, NaN where a cell has no value; true and false are 1 and 0.

    Args:
        cells: of one column.
        rule: that a cell breaks which is no number.

    Returns:
        float64.

    Raises:
        UserError: a cell is no number, or too large for 32 bits.

    Example:
        >>> numbers(Cells(pa.array(["1.5", None]), "x", str))
        array([1.5, nan])
        >>> form = FileFormat(decimal=",", thousands=".")
        >>> numbers(Cells(pa.array(["-1.234,5"]), "x", str, form=form))
        array([-1234.5])
    """
    values = _require(cells, lambda some: _floats(some, cells), rule)
    floats = values.to_numpy(zero_copy_only=False)
    marks = [mark for mark in cells.form.missing or [] if not isinstance(mark, str)]
    if marks:
        if pa.types.is_float32(cells.values.type):
            marks = np.array(marks, np.float32)  # as the file has them
        floats = np.where(np.isin(floats, marks), np.nan, floats)
    large = np.abs(floats) > tables.LARGEST
    if large.any():
        raise cells.error(int(large.argmax()), "must be finite in 32 bits")
    return floats


def are_numbers(cells: Cells) -> bool | None:
    """Tell whether the first cell with a value is a number; None where there is none.

    Example:
        >>> are_numbers(Cells(pa.array([None, "low", "3"]), "target", str))
        False
    """
    first = cells.values.drop_null().slice(0, 1)
    return None if len(first) == 0 else _floats(first, cells) is not None


def joined(parts: list[Cells], separator: str) -> Cells:
    """Return columns as one, of text; a cell has no value where one of them has none.

    Example:
        >>> letters = Cells(pa.array(["a", None]), "x", str)
        >>> numbers = letters._replace(values=pa.array([1, 2]))
        >>> joined([letters, numbers], "/").values.to_pylist()
        ['a/1', None]
    """
    first, *others = parts
    if not others:
        return first
    texts = [_require(part, _texts, "must be text or a number") for part in parts]
    names = ", ".join(part.column for part in parts)
    return first._replace(
        values=pc.binary_join_element_wise(*texts, separator), column=names
    )


def time_of(parts: list[Cells], has_format: bool) -> Cells:
    """Return the columns of a time as one.

    Args:
        parts: its columns. Where they are whole numbers and have no format, they are
            the year, the month, the day, the hour, the minute and the second, as far
            as there are; or the year and a column named as a quarter. Others are joined
            by a space.
        has_format: whether the time will be read in one.

    Example:
        >>> parts = [Cells(pa.array(["2010", "2010"]), "year", str)]
        >>> parts += [Cells(pa.array([1, 12]), "month", str)]
        >>> time_of(parts, False).values.to_pylist()
        ['2010-01-01', '2010-12-01']
    """
    if has_format or not 1 < len(parts) <= len(PARTS):
        return joined(parts, " ")
    texts = [_cast(part.values, pa.int64()) for part in parts]
    if any(text is None for text in texts):
        return joined(parts, " ")
    if len(parts) == 2 and parts[1].column.lower() in QUARTERS:
        texts[1] = pc.add(pc.multiply(texts[1], 3), -2)
    texts = [pc.utf8_lpad(_cast(text, pa.string()), 2, "0") for text in texts]
    texts += [pa.scalar("01")] * (3 - len(texts))  # a month begins on its first day
    texts += [pa.scalar("00")] * (len(texts) > 3) * (len(PARTS) - len(texts))
    ends = [*PARTS[: len(texts) - 1], ""]
    pieces = [piece for pair in zip(texts, ends, strict=True) for piece in pair]
    first = joined(parts, " ")
    return first._replace(values=pc.binary_join_element_wise(*pieces, ""))


def count_rows(cells: Cells) -> bool:
    """Tell whether cells count up by one; from 0 or 1 where they are the first rows.

    Example:
        >>> count_rows(Cells(pa.array(["1", "2", "3"]), "1", str))
        True
        >>> count_rows(Cells(pa.array(["7", "8"]), "1", str))
        False
    """
    counts = _cast(cells.values, pa.int64())
    if counts is None or counts.null_count:
        return False
    numbers = counts.to_numpy()
    begins = cells.first or numbers[0] in (0, 1)
    return bool(begins and (np.diff(numbers) == 1).all())


def look_like_numbers(texts: list[str]) -> np.ndarray:
    """Tell which texts are numbers, whatever their decimal mark is.

    Example:
        >>> look_like_numbers(["0,25", "-1.5e3", "1.234,5", "N/A", "18.30.00"])
        array([ True,  True,  True, False, False])
    """
    grouped = r"\d{1,3}(,\d{3})+(\.\d*)?|\d{1,3}(\.\d{3})+(,\d*)?"
    return _match(texts, rf"[+-]?(\d+[.,]?\d*|[.,]\d+|{grouped})(e[+-]?\d+)?")


def plain_numbers(texts: list[str]) -> np.ndarray:
    """Tell which texts are numbers with a decimal point, or without.

    Example:
        >>> plain_numbers(["0,25", "0.25", "1.", "-7"])
        array([False,  True,  True,  True])
    """
    return _match(texts, r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")


def _match(texts: list[str], pattern: str) -> np.ndarray:
    matched = pc.match_substring_regex(
        pa.array(texts, pa.string()), f"^({pattern})$", ignore_case=True
    )
    return matched.to_numpy(zero_copy_only=False)


def kind_of_time(cells: Cells) -> str:
    """Return the member of `KINDS` that fits the first cell.

    Example:
        >>> kind_of_time(Cells(pa.array(["2024-01-31T12:00Z"]), "time", str)) == ZONED
        True
    """
    first = cells.values.slice(0, 1)
    for kind in KINDS:
        if _times(first, kind, None, cells) is not None:
            return kind
    raise cells.error(
        0,
        "must be a number, or a date of ISO 8601 from 1678 to 2261, or "
        "`generate.columns.time` give its format",
    )


def times(cells: Cells, kind: str, zone: str | None = None) -> np.ndarray:
    """Return times: dates in nanoseconds since 1970, numbers as they are.

    Args:
        cells: of one column.
        kind: a member of `KINDS`, or a format of strftime, which all of them must fit.
        zone: of dates that name none; None where that does not matter.

    Returns:
        int64, or float64 where a number has decimals.

    Raises:
        UserError: a cell has no value, or is of another kind.

    Example:
        >>> times(Cells(pa.array(["1970-01-01T00:01"]), "time", str), DATE)
        array([60000000000])
        >>> times(Cells(pa.array(["2/1/1970"]), "time", str), "%d/%m/%Y")
        array([86400000000000])
    """
    _require_values(cells, "must have a time")
    rule = f"must be {kind}, as the first one is"
    if kind not in KINDS:
        rule = f"must be a time as {kind}"
    if zone is not None:
        rule = f"{rule}, that there was in {zone}"
    values = _require(cells, lambda some: _times(some, kind, zone, cells), rule)
    ticks = values.to_numpy(zero_copy_only=False)
    endless = np.isinf(ticks)
    if endless.any():
        raise cells.error(int(endless.argmax()), "must be finite")
    return ticks


def words(cells: Cells, known: dict[str, int]) -> np.ndarray:
    """Number words as they first appear.

    Args:
        cells: of one column.
        known: the numbers of the words so far; new words are added.

    Returns:
        int32, -1 where a cell has no value.

    Raises:
        UserError: a cell cannot be text.

    Example:
        >>> words(Cells(pa.array(["b", "a", None, "b"]), "id", str), {"a": 0})
        array([ 1,  0, -1,  1], dtype=int32)
    """
    encoded = _require(cells, _texts, "must be text or a number").dictionary_encode()
    numbered = [
        known.setdefault(word, len(known)) for word in encoded.dictionary.to_pylist()
    ]
    which = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.array([*numbered, -1], np.int32)[which]


def ids(cells: Cells, known: dict[str, int]) -> np.ndarray:
    """Number ids as they first appear; see `words`.

    Raises:
        UserError: a cell has no value.
    """
    _require_values(cells, "must say which sequence the row is of")
    return words(cells, known)


def same_numbers(names: list[str]) -> tuple[str, str] | None:
    """Return two names that are the same number in two ways; None where none are.

    Example:
        >>> same_numbers(["a", "7", "07", "8.0"])
        ('7', '07')
    """
    before: dict[float, str] = {}
    for name, is_number in zip(names, plain_numbers(names), strict=True):
        if is_number:
            first = before.setdefault(float(name), name)
            if first != name:
                return first, name
    return None


def splits(cells: Cells) -> np.ndarray:
    """Return the codes of splits: 0 for train, 1 for validation, 2 for test.

    Args:
        cells: of one column.

    Returns:
        int8 [cells].

    Raises:
        UserError: a cell names no split.

    Example:
        >>> splits(Cells(pa.array(["test", "train", "test"]), "split", str))
        array([2, 0, 2], dtype=int8)
    """
    named = words(cells, dict(SPLITS)).astype(np.int8)
    wrong = (named < 0) | (named >= len(SPLITS))
    if wrong.any():
        raise cells.error(int(wrong.argmax()), SPLIT_RULE)
    return named


def classes(known: list[str]) -> tuple[list[str], np.ndarray]:
    """Put words in order, as numbers where all of them are; equal numbers are one.

    Returns:
        The names of the classes in order, and the class of each word.

    Example:
        >>> classes(["10", "9", "9.0"])
        (['9', '10'], array([1, 0, 0]))
        >>> classes(["10", "9", "low"])
        (['10', '9', 'low'], array([0, 1, 2]))
    """
    floats = _cast(pa.array(known, pa.string()), pa.float64())
    if floats is None:
        names, which = np.unique(np.array(known, object), return_inverse=True)
        return names.tolist(), which
    distinct, which = np.unique(floats.to_numpy(), return_inverse=True)
    return [repr(number).removesuffix(".0") for number in distinct.tolist()], which


def _require_values(cells: Cells, rule: str) -> None:
    if cells.values.null_count:
        cell = cells.values.is_null().index(True).as_py()
        raise cells.error(cell, rule)


def _require(cells: Cells, convert: Callable[[Any], Any], rule: str) -> Any:
    """Convert cells, or name the first one that cannot be."""
    converted = convert(cells.values)
    if converted is not None:
        return converted
    low, high = 0, len(cells.values)  # it is among cells[low:high]
    while high - low > 1:
        middle = (low + high) // 2
        if convert(cells.values.slice(low, middle - low)) is None:
            high = middle
        else:
            low = middle
    raise cells.error(low, rule)


# Each of these converts an array, or returns None where some cell cannot be converted.


def _floats(values: Any, cells: Cells) -> Any:
    values = _as_plain(values, cells)
    floats = _cast(values, pa.float64(), safe=False)  # 2^53 + 1 becomes 2^53
    if floats is None and _is_text(values):
        truth = _cast(values, pa.bool_())
        return None if truth is None else truth.cast(pa.float64())
    return floats


def _as_plain(values: Any, cells: Cells) -> Any:
    """Write numbers in text as Python does; what is no text stays as it is."""
    if not _is_text(values):
        return values
    decimal = cells.form.decimal_of(cells.column)
    return _with_points(values, decimal, cells.form.thousands)


def _with_points(values: Any, decimal: str, thousands: str | None) -> Any:
    """Write numbers with decimal points and no marks of thousands.

    Example:
        >>> _with_points(pa.array(["1.234,5", "1.23,5"]), ",", ".").to_pylist()
        ['1234.5', 'x1.23,5']
    """
    if thousands is not None:
        point, mark = re.escape(decimal), re.escape(thousands)
        grouped = rf"^[+-]?[1-9]\d{{0,2}}({mark}\d{{3}})+({point}\d*)?$"
        without = pc.replace_substring(values, thousands, "")
        values = pc.if_else(pc.match_substring_regex(values, grouped), without, values)
    if decimal == ",":
        no_number = pc.binary_join_element_wise("x", values, "")
        values = pc.if_else(
            pc.match_substring(values, "."),
            no_number,
            pc.replace_substring(values, ",", "."),
        )
    return values


def _times(values: Any, kind: str, zone: str | None, cells: Cells) -> Any:
    if kind == NUMBER:
        if pa.types.is_temporal(values.type):
            return None
        values = _as_plain(values, cells)
        whole = _cast(values, pa.int64())
        return _cast(values, pa.float64(), safe=False) if whole is None else whole
    if kind == QUARTER:
        dates = _quarters(values)
    elif kind not in (DATE, ZONED):
        dates = _formatted(values, "%Y-%m" if kind == MONTH else kind)
    elif _is_text(values) or (
        pa.types.is_temporal(values.type)
        and (getattr(values.type, "tz", None) is not None) == (kind == ZONED)
    ):
        dates = _cast(values, pa.timestamp("ns", "UTC" if kind == ZONED else None))
    else:
        dates = None
    if dates is None:
        return None
    if zone is not None and dates.type.tz is None:
        try:
            dates = pc.assume_timezone(dates, zone, ambiguous="earliest")
        except pa.ArrowInvalid:
            return None  # a time that the clock went past
    return dates.cast(pa.int64())


def _quarters(values: Any) -> Any:
    """Return the first days of quarters.

    Example:
        >>> _quarters(pa.array(["1970 Q1", "1970q4"])).to_pylist()
        [Timestamp('1970-01-01 00:00:00'), Timestamp('1970-10-01 00:00:00')]
    """
    if not _is_text(values):
        return None
    parts = pc.extract_regex(values, r"^(?P<year>\d{4})[ -]?[Qq](?P<quarter>[1-4])$")
    if parts.null_count:
        return None
    year, quarter = parts.flatten()
    month = pc.add(pc.multiply(pc.cast(quarter, pa.int64()), 3), -2)
    texts = pc.binary_join_element_wise(year, pc.cast(month, pa.string()), "-")
    return _formatted(texts, "%Y-%m")


def _formatted(values: Any, form: str) -> Any:
    texts = _texts(values)
    if texts is None:
        return None
    encoded = texts.dictionary_encode()
    try:
        dates = pd.to_datetime(
            encoded.dictionary.to_pylist(), format=form, utc="%z" in form
        ).as_unit("ns")
    except (ValueError, OverflowError):
        return None
    if dates.hasnans:
        return None
    return pa.array(dates).take(encoded.indices)


def _texts(values: Any) -> Any:
    whole = _cast(values, pa.int64()) if pa.types.is_floating(values.type) else None
    return _cast(values if whole is None else whole, pa.string())


def _cast(values: Any, kind: Any, safe: bool = True) -> Any:
    try:
        return values.cast(kind, safe=safe)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _is_text(values: Any) -> bool:
    return pa.types.is_string(values.type)


def _shown(cell: Any) -> str:
    if cell.null_count:
        return "none"
    text = _cast(cell, pa.string())
    if text is None:
        return str(cell.type)[:80]
    shown = text[0].as_py()
    return (repr(shown) if _is_text(cell) else shown)[:80]
