"""The cells of a column, read as numbers, times or words."""

from collections.abc import Callable
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute

from statelab.data.sequences import SPLITS
from statelab.errors import UserError

pc: Any = pyarrow.compute  # it makes its functions when it is imported

NONE = pa.array(["", "NA", "NaN", "nan", "null", "NULL"])  # text for no value
NUMBER, DATE, ZONED = (
    "a number",
    "a date of ISO 8601 from 1678 to 2261, without a time zone",
    "a date of ISO 8601 from 1678 to 2261, with a time zone",
)
TICKS = {NUMBER: 1, DATE: 10**9, ZONED: 10**9}  # of a time, in a unit or a second
SPLIT_RULE = "must be train, validation or test"
_LARGEST = float(np.finfo(np.float32).max)


class Cells(NamedTuple):
    """A stretch of one column."""

    values: Any  # a pyarrow array; text without spaces around it, null for no value
    column: str
    at: Callable[[int], str]  # says where a row is
    first: int = 0  # the row of the first cell

    def error(self, cell: int, rule: str) -> UserError:
        """Return the error that a cell breaks a rule."""
        where = f"{self.at(self.first + cell)}, column `{self.column}`"
        received = _shown(self.values.slice(cell, 1))
        return UserError(f"{where}: {rule}. Received: {received}")


def cells_of(
    batch: pa.RecordBatch, column: str, at: Callable[[int], str], first: int
) -> Cells:
    """Take a column out of a batch of rows.

    Args:
        batch: the rows.
        column: its name.
        at: says where a row is.
        first: the batch's first row.

    Raises:
        UserError: it is text, but not in UTF-8.

    Example:
        >>> batch = pa.record_batch({"x": [" 1", "NA"]})
        >>> cells_of(batch, "x", str, 0).values.to_pylist()
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
        values = pc.if_else(pc.is_in(values, NONE), None, values)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    return Cells(values, column, at, first)


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
    """
    values = _require(cells, _floats, rule)
    floats = values.to_numpy(zero_copy_only=False)
    large = np.abs(floats) > _LARGEST
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
    return None if len(first) == 0 else _floats(first) is not None


def kind_of_time(cells: Cells) -> str:
    """Return the key of `TICKS` that fits the first cell.

    Example:
        >>> kind_of_time(Cells(pa.array(["2024-01-31T12:00Z"]), "time", str)) == ZONED
        True
    """
    first = cells.values.slice(0, 1)
    for kind in TICKS:
        if _times(first, kind) is not None:
            return kind
    raise cells.error(0, "must be a number, or a date of ISO 8601 from 1678 to 2261")


def times(cells: Cells, kind: str) -> np.ndarray:
    """Return times: dates in nanoseconds since 1970, numbers as they are.

    Args:
        cells: of one column.
        kind: a key of `TICKS`, which all of them must fit.

    Returns:
        int64, or float64 where a number has decimals.

    Raises:
        UserError: a cell has no value, or is of another kind.

    Example:
        >>> times(Cells(pa.array(["1970-01-01T00:01"]), "time", str), DATE)
        array([60000000000])
    """
    _require_values(cells, "must have a time")
    values = _require(
        cells, lambda some: _times(some, kind), f"must be {kind}, as the first one is"
    )
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
        UserError: a cell has no value; or some are whole numbers, and others are not.
    """
    _require_values(cells, "must say which sequence the row is of")
    before = len(known)
    numbered = words(cells, known)
    whole = _is_whole(next(iter(known)))
    for word in islice(known, before, None):
        if _is_whole(word) != whole:
            cell = int((numbered == known[word]).argmax())
            raise cells.error(cell, "must be a whole number in each row, or in none")
    return numbered


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


def _is_whole(word: str) -> bool:
    return word.removeprefix("-").isdecimal()


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


def _floats(values: Any) -> Any:
    floats = _cast(values, pa.float64(), safe=False)  # 2^53 + 1 becomes 2^53
    if floats is None and _is_text(values):
        truth = _cast(values, pa.bool_())
        return None if truth is None else truth.cast(pa.float64())
    return floats


def _times(values: Any, kind: str) -> Any:
    if kind == NUMBER:
        if pa.types.is_temporal(values.type):
            return None
        whole = _cast(values, pa.int64())
        return _cast(values, pa.float64(), safe=False) if whole is None else whole
    zone = "UTC" if kind == ZONED else None
    zoned = getattr(values.type, "tz", None) is not None
    if not _is_text(values) and (
        not pa.types.is_temporal(values.type) or zoned != (kind == ZONED)
    ):
        return None
    dates = _cast(values, pa.timestamp("ns", zone))
    return None if dates is None else dates.cast(pa.int64())


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
