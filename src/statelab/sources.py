"""The user's own sequences: panels in CSV or Parquet files, and arrays in npz files.

A panel has a row for each step, with columns for the sequence it belongs to, its time,
its features and its target. It is read in batches: what is held in memory of each row
are its sequence, its time and its target; features go through a file on disk.
"""

# pyright: reportAttributeAccessIssue=false
# (pyarrow makes its functions when it is imported)

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from statelab.errors import UserError
from statelab.sequences import Sequences, at_the_end

MAX_CLASSES = 32  # more distinct whole numbers than this are taken for values
ROWS = 1 << 16  # at once
NONE = ["", "NA", "NaN", "nan", "null", "NULL"]  # how CSV files say that a value lacks
SUFFIXES = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",), "npz": (".npz",)}
_ZONE = r"(Z|[+-]\d\d:?\d\d)$"


class Columns(NamedTuple):
    """Which columns of a panel mean what."""

    sequence: str | None = "id"  # None: each file is one sequence
    time: str | None = "time"  # None: rows are in order
    target: str | None = "target"  # None: there is no target to read
    features: list[str] | None = None  # None for all the others


class Read(NamedTuple):
    """What was read of a source."""

    sequences: Sequences
    features: list[str]  # their names
    classes: list[str] | None  # what the targets 0, 1, … stand for; None for values
    names: list[str]  # of the sequences
    rows: np.ndarray  # int64 [steps]; which row of the source each step was
    notes: list[str]  # what a user should know of


def read(
    path: Path,
    *,
    source: str,
    columns: Columns,
    horizon: int = 0,
    max_gap: float | None = None,
    missing: str = "error",
    target_type: str = "auto",
) -> Read:
    """Read sequences from a file, or from all files of a folder.

    Args:
        path: a file; or a folder, of which the files with the suffixes of the source
            are read in the order of their names.
        source: a key of `SUFFIXES`. An npz file holds `x` [sequences, timesteps,
            features], `y` [sequences] or [sequences, timesteps], and `lengths`
            [sequences] where some are shorter.
        columns: of a panel.
        horizon: steps ahead of which the target is; then the target column itself is a
            feature, too, and the last steps of a sequence, which have no target, are
            left out.
        max_gap: the longest time from a step to the next within a sequence, in the
            units of the time column, of dates in seconds; after a longer one a new
            sequence begins.
        missing: `error`, or `fill`, by the value before, where a feature has none. A
            missing target is no error: such a step does not count.
        target_type: `classes`, `values`, or `auto`: text, and few whole numbers, are
            classes.

    Returns:
        The sequences; values are memory-mapped where they come from a panel.

    Raises:
        UserError: the file, the row and the column, the rule, and what was found.
    """
    files = _files(path, source)
    if source == "npz":
        panel = _arrays(files)
    else:
        panel = _panel(files, source, columns, horizon, target_type)
    return _sequences(panel, path, horizon, max_gap, missing, target_type)


def load(
    *,
    path: str | Path,
    columns: dict[str, Any],
    label: str,
    source: str,
    horizon: int,
    max_gap: float | None,
    missing: str,
    target_type: str,
    **_: object,
) -> Read:
    """Read sequences as params.yaml asks for them; see `read`.

    Args:
        label: `each_step` keeps the targets, `end` that of a sequence's last step.
    """
    found = read(
        Path(path),
        source=source,
        columns=Columns(**columns),
        horizon=horizon,
        max_gap=max_gap,
        missing=missing,
        target_type=target_type,
    )
    if label == "end":
        found = found._replace(sequences=at_the_end(found.sequences))
    return found


class _Panel(NamedTuple):
    """All rows, in the order of the files."""

    values: np.ndarray  # float32 [rows, features]
    sequence: np.ndarray  # int32 [rows]; numbered as they first appear
    time: np.ndarray | None  # float64 [rows]
    target: np.ndarray | None  # float64 or object [rows]
    features: list[str]
    target_name: str | None
    names: list[str]
    places: list[tuple[str, int, int]]  # of each file: name, its first row here, there

    def at(self, row: int) -> str:
        """Say where a row is."""
        name, begin, number = max(
            (place for place in self.places if place[1] <= row), key=lambda p: p[1]
        )
        return f"{name}, row {row - begin + number}"


def _files(path: Path, source: str) -> list[Path]:
    if not path.exists():
        raise UserError(f"`generate.path`: no such file or folder. Received: {path}")
    if not path.is_dir():
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if file.name.endswith(SUFFIXES[source]) and file.is_file()
    )
    if not files:
        wanted = " or ".join(SUFFIXES[source])
        raise UserError(f"{path}: must hold files that end in {wanted}. Received: none")
    return files


# --- panels ---------------------------------------------------------------------------


def _panel(
    files: list[Path], source: str, columns: Columns, horizon: int, target_type: str
) -> _Panel:
    open_file = {"csv": _open_csv, "parquet": _open_parquet}[source]
    names: dict[str, int] = {}
    kinds = _Kinds(target=None if target_type == "auto" else target_type == "values")
    places, parts, features, total = [], [], None, 0
    spool = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the mapped array)
    for file in files:
        header, batches = open_file(file)
        chosen = _choose(file, header, columns, horizon, features)
        features = features or chosen
        first = 2 if source == "csv" else 1  # as an editor, or as a table counts them
        places.append((str(file), total, first))
        begin = total
        for batch in batches:
            where = _Where(str(file), total - begin + first)
            spool.write(_features(batch, features, where).tobytes())
            parts.append(_keys(batch, columns, file, names, kinds, where))
            total += batch.num_rows
        if total == begin:
            raise UserError(f"{file}: must have rows below its header. Received: none")
    spool.flush()
    shape = (total, len(features or ()))
    values = np.memmap(spool, np.float32, "r", shape=shape)
    sequence, time, target = zip(*parts, strict=True)
    return _Panel(
        values=values,
        sequence=np.concatenate(sequence),
        time=None if columns.time is None else np.concatenate(time),
        target=None if columns.target is None else np.concatenate(target),
        features=features or [],
        target_name=columns.target,
        names=list(names),
        places=places,
    )


class _Where(NamedTuple):
    file: str
    first: int  # the number of a batch's first row

    def error(self, row: int, column: str, rule: str, value: object) -> UserError:
        place = f"{self.file}, row {self.first + row}, column `{column}`"
        return UserError(f"{place}: {rule}. Received: {value!r}")


class _Kinds:
    """What the rows so far have settled about columns of text."""

    def __init__(self, target: bool | None):
        self.number_ids: bool | None = None  # ids are whole numbers
        self.dates: bool | None = None  # times are dates
        self.zoned: bool | None = None  # dates say their zone
        self.number_target = target


def _open_csv(file: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    def of_file(error: Exception) -> UserError:
        return UserError(f"{file}: {_csv_rule(str(error))}")

    try:
        with pa.input_stream(str(file), compression="detect") as stream:
            begin = stream.read(1 << 16)
        if b"\0" in begin:
            raise UserError(f"{file}: must be a text file. Received: bytes of 0 in it")
        if not begin.strip():
            raise UserError(f"{file}: must have a header and rows. Received: no text")
        line = begin.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
        line.split(b"\n")[0].decode()  # pyarrow does not check names
        header = pa.csv.open_csv(file).schema.names
        options = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=NONE,
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )
        reader = pa.csv.open_csv(file, convert_options=options)
    except UnicodeDecodeError as error:
        raise of_file(ValueError("invalid UTF8")) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise of_file(error) from error

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except (pa.ArrowInvalid, OSError) as error:
            raise of_file(error) from error

    return header, batches()


def _csv_rule(said: str) -> str:
    said = " ".join(said.split())[:200]
    if "UTF8" in said:
        return "must be encoded as UTF-8: save it so. Received: other bytes"
    return f"must be a CSV file, its columns apart by commas. Received: {said}"


def _open_parquet(file: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    def of_file(error: Exception) -> UserError:
        said = " ".join(str(error).split())[:200]
        return UserError(f"{file}: must be a Parquet file. Received: {said}")

    try:
        opened = pa.parquet.ParquetFile(file)
        header = opened.schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        raise of_file(error) from error

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from opened.iter_batches(ROWS)
        except (pa.ArrowException, OSError) as error:
            raise of_file(error) from error

    return header, batches()


def _choose(
    file: Path,
    header: list[str],
    columns: Columns,
    horizon: int,
    features: list[str] | None,
) -> list[str]:
    """Return the names of the features, when all columns that are needed are there."""
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise UserError(
            f"{file}: column names must differ. Received: {twice[0]!r} twice"
        )
    for role in ("sequence", "time", "target"):
        name = getattr(columns, role)
        if name is not None and name not in header:
            other = {
                "sequence": ", or to null where each file is one sequence",
                "time": ", or to null where rows are in order",
            }.get(role, "")
            raise UserError(
                f"{file}: has no column `{name}`: set `generate.columns.{role}` to one "
                f"of its columns{other}. Received: {', '.join(header)[:200]}"
            )
    keys = {columns.sequence, columns.time}
    if horizon == 0:
        keys.add(columns.target)
    wanted = features or columns.features
    if wanted is None:
        wanted = [name for name in header if name not in keys]
    for name in wanted:
        if name not in header:
            raise UserError(
                f"{file}: has no column `{name}`, which is a feature. "
                f"Received: {', '.join(header)[:200]}"
            )
    if not wanted:
        raise UserError(
            f"{file}: must have a column for a feature beside those of "
            f"`generate.columns`. Received: {', '.join(header)[:200]}"
        )
    return wanted


def _features(batch: pa.RecordBatch, names: list[str], where: _Where) -> np.ndarray:
    values = np.empty((batch.num_rows, len(names)), np.float32)
    for number, name in enumerate(names):
        numbers = _numbers(batch.column(name), name, where)
        with np.errstate(over="ignore"):
            values[:, number] = numbers
        endless = np.isinf(values[:, number])
        if endless.any():
            row = int(endless.argmax())
            raise where.error(
                row, name, "must be finite in 32 bits", float(numbers[row])
            )
    return values


def _numbers(column: pa.Array, name: str, where: _Where) -> np.ndarray:
    """Return a column as float64, NaN where it has no value."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column):
        column = pc.utf8_trim_whitespace(column)
    kind = column.type
    rule = "must be a number"
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif not (
        _is_text(column)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        raise where.error(0, name, rule, str(kind))
    try:
        numbers = column.cast(pa.float64(), safe=False)
    except pa.ArrowInvalid:
        row = _first_bad(column)
        raise where.error(row, name, rule, column[row].as_py()) from None
    return numbers.to_numpy(zero_copy_only=False).astype(float)


def _first_bad(column: pa.Array) -> int:
    low, high = 0, len(column)  # the first bad one is in column[low:high]
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(pa.float64())
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _is_text(column: pa.Array) -> bool:
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def _keys(
    batch: pa.RecordBatch,
    columns: Columns,
    file: Path,
    names: dict[str, int],
    kinds: _Kinds,
    where: _Where,
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Return the sequence, the time and the target of each row of a batch."""
    if columns.sequence is None:
        number = names.setdefault(file.name, len(names))
        sequence = np.full(batch.num_rows, number, np.int32)
    else:
        ids = batch.column(columns.sequence)
        sequence = _ids(ids, columns.sequence, names, kinds, where)
    time = target = None
    if columns.time is not None:
        time = _times(batch.column(columns.time), columns.time, kinds, where)
    if columns.target is not None:
        target = _targets(batch.column(columns.target), columns.target, kinds, where)
    return sequence, time, target


def _ids(
    column: pa.Array, name: str, names: dict[str, int], kinds: _Kinds, where: _Where
) -> np.ndarray:
    if column.null_count:
        row = column.is_null().index(True).as_py()
        raise where.error(row, name, "must say which sequence a row is of", None)
    if pa.types.is_nested(column.type):
        raise where.error(0, name, "must be text or whole numbers", str(column.type))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = column.indices.to_numpy(zero_copy_only=False)
    numbers = []
    for code, each in enumerate(column.dictionary.to_pylist()):
        if isinstance(each, float) and each.is_integer():
            each = int(each)
        text = str(each)
        whole = text.removeprefix("-").isdecimal()
        if kinds.number_ids is None:
            kinds.number_ids = whole
        if whole != kinds.number_ids:
            rule = "must be a whole number in each row, or in none"
            raise where.error(int((codes == code).argmax()), name, rule, each)
        numbers.append(names.setdefault(text, len(names)))
    return np.array(numbers, np.int32)[codes]


def _times(column: pa.Array, name: str, kinds: _Kinds, where: _Where) -> np.ndarray:
    if column.null_count:
        row = column.is_null().index(True).as_py()
        raise where.error(row, name, "must have a time in each row", None)
    if kinds.dates is None:
        kinds.dates = _looks_like_a_date(column)
    if not kinds.dates:
        times = _numbers(column, name, where)
        if not np.isfinite(times).all():
            row = int((~np.isfinite(times)).argmax())
            raise where.error(row, name, "must be finite", float(times[row]))
        return times
    rule = "must be a date as in ISO 8601"
    if _is_text(column):
        zoned = pc.match_substring_regex(column, _ZONE).to_numpy(zero_copy_only=False)
    elif pa.types.is_temporal(column.type):
        zoned = np.full(len(column), getattr(column.type, "tz", None) is not None)
    else:
        raise where.error(0, name, rule, column[0].as_py())
    if kinds.zoned is None:
        kinds.zoned = bool(zoned[0])
    if (zoned != kinds.zoned).any():
        row = int((zoned != kinds.zoned).argmax())
        rule = "must say its time zone in each row, or in none"
        raise where.error(row, name, rule, str(column[row].as_py()))
    texts = column.to_pandas()
    try:
        dates = pd.to_datetime(texts, format="ISO8601", utc=True)
    except (ValueError, TypeError, OverflowError):
        dates = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
        row = int(dates.isna().to_numpy().argmax())
        raise where.error(row, name, rule, texts.iloc[row]) from None
    return (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(float)


def _looks_like_a_date(column: pa.Array) -> bool:
    if not _is_text(column):
        return pa.types.is_temporal(column.type)
    try:
        float(column[0].as_py())
    except ValueError:
        return True
    return False


def _targets(column: pa.Array, name: str, kinds: _Kinds, where: _Where) -> np.ndarray:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kinds.number_target is None:
        kinds.number_target = True
        try:
            _numbers(column, name, where)
        except UserError:
            kinds.number_target = False
    if kinds.number_target:
        numbers = _numbers(column, name, where)
        if np.isinf(numbers).any():
            row = int(np.isinf(numbers).argmax())
            raise where.error(row, name, "must be finite", float(numbers[row]))
        return numbers
    texts = column.cast(pa.string()).to_numpy(zero_copy_only=False)
    return texts.astype(object)


# --- arrays ---------------------------------------------------------------------------


def _arrays(files: list[Path]) -> _Panel:
    """Lay the arrays of npz files end to end, as if they were a panel."""
    values, sequence, target, names, places, total = [], [], [], [], [], 0
    for file in files:
        try:
            with np.load(file, allow_pickle=False) as held:
                found = {name: held[name] for name in held.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError):
            raise UserError(
                f"{file}: must be an npz file of NumPy with `x` and `y`, numbers or "
                "text. Received: something else"
            ) from None
        for name in ("x", "y"):
            if name not in found:
                held = ", ".join(found) or "none"
                raise UserError(f"{file}: has no array `{name}`. Received: {held}")
        x, y = found["x"], found["y"]
        if x.ndim != 3 or x.dtype.kind not in "fiub" or 0 in x.shape:
            raise UserError(
                f"{file}: `x` must be numbers [sequences, timesteps, features]. "
                f"Received: {x.dtype} {list(x.shape)}"
            )
        count, timesteps, features = x.shape
        if y.shape not in ((count,), (count, timesteps)):
            raise UserError(
                f"{file}: `y` must be [{count}] or [{count}, {timesteps}], as `x` is. "
                f"Received: {list(y.shape)}"
            )
        lengths = found.get("lengths", np.full(count, timesteps))
        if (
            lengths.shape != (count,)
            or lengths.dtype.kind not in "iu"
            or (lengths < 1).any()
            or (lengths > timesteps).any()
        ):
            raise UserError(
                f"{file}: `lengths` must be {count} whole numbers from 1 to "
                f"{timesteps}. Received: {lengths.dtype} {list(lengths.shape)}"
            )
        if values and values[0].shape[1] != features:
            raise UserError(
                f"{file}: `x` must have the {values[0].shape[1]} features of the files "
                f"before it. Received: {features}"
            )
        inside = np.arange(timesteps) < lengths[:, None]
        with np.errstate(over="ignore"):
            flat = x[inside].astype(np.float32)
        if np.isinf(flat).any():
            row = int(np.isinf(flat).any(axis=1).argmax())
            raise UserError(f"{file}: `x`, step {row}: must be finite in 32 bits")
        each = y[:, None] if y.ndim == 1 else y
        targets = np.broadcast_to(each, (count, timesteps))[inside]
        if targets.dtype.kind in "fiub":
            targets = targets.astype(float)
        else:
            targets = targets.astype(str).astype(object)
        sequence.append(np.repeat(np.arange(count) + len(names), lengths))
        names += [f"{file.name} {number}" for number in range(count)]
        places.append((f"{file}: `x`", total, 0))
        values.append(flat)
        target.append(targets)
        total += len(flat)
    if len({part.dtype.kind for part in target}) > 1:
        raise UserError(f"{files[0].parent}: `y` must be numbers in each file or none")
    return _Panel(
        values=np.concatenate(values),
        sequence=np.concatenate(sequence).astype(np.int32),
        time=None,
        target=np.concatenate(target),
        features=[f"x{number}" for number in range(values[0].shape[1])],
        target_name="y",
        names=names,
        places=places,
    )


# --- from rows to sequences -----------------------------------------------------------


def _sequences(
    panel: _Panel,
    path: Path,
    horizon: int,
    max_gap: float | None,
    missing: str,
    target_type: str,
) -> Read:
    notes = []
    order, starts = _in_order(panel, notes)
    sequence = panel.sequence[order]
    if max_gap is not None and panel.time is not None:
        jump = np.diff(panel.time[order]) > max_gap
        notes += [f"{int((jump & ~starts[1:]).sum())} gaps begin a new sequence"]
        starts[1:] |= jump
    begin = np.append(np.flatnonzero(starts), len(order))
    lengths = np.diff(begin)
    known = classes = None
    if panel.target is not None:
        known, classes = _classes_or_values(panel.target[order], target_type)
    if horizon and known is not None:
        # The target of a step is what its sequence has `horizon` steps after it.
        left = np.maximum(lengths - horizon, 0)
        short = int((left == 0).sum())
        if short:
            notes.append(f"{short} sequences of {horizon} steps or fewer are left out")
        kept = np.arange(len(order)) - np.repeat(begin[:-1], lengths) < np.repeat(
            left, lengths
        )
        known = known[np.flatnonzero(kept) + horizon]
        order, begin = order[kept], np.append(0, np.cumsum(left[left > 0]))
    if known is not None:
        _check_targets(known, classes, panel, path)
    values = panel.values
    if len(order) < len(values) or (np.diff(order) != 1).any():
        values = _reordered(values, order)
    values = _filled(values, begin, order, panel, missing)
    if known is None:
        known = np.full(len(order), np.nan, np.float32)
    return Read(
        sequences=Sequences(values, begin.astype(np.int64), known),
        features=panel.features,
        classes=classes,
        names=[panel.names[number] for number in sequence[begin[:-1]]]
        if not horizon
        else [panel.names[number] for number in panel.sequence[order[begin[:-1]]]],
        rows=order,
        notes=notes,
    )


def _in_order(panel: _Panel, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows sequence by sequence and by time, and where sequences begin."""
    order = np.arange(len(panel.sequence))
    if panel.time is None:
        if (np.diff(panel.sequence) < 0).any():
            order = np.argsort(panel.sequence, kind="stable")
        return order, _begins(panel.sequence[order])
    step, ahead = np.diff(panel.sequence), np.diff(panel.time)
    if not ((step > 0) | ((step == 0) & (ahead > 0))).all():
        order = np.lexsort((panel.time, panel.sequence))
        moved = int((order != np.arange(len(order))).sum())
        if moved:
            notes.append(f"{moved} rows were not in order, and have been sorted")
    starts = _begins(panel.sequence[order])
    same = (np.diff(panel.time[order]) == 0) & ~starts[1:]
    if same.any():
        at = int(same.argmax())
        row, other = order[at + 1], order[at]
        raise UserError(
            f"{panel.at(row)}: a sequence must have one row for each time. Received: "
            f"sequence {panel.names[panel.sequence[row]]!r} has the time of "
            f"{panel.at(other)}"
        )
    return order, starts


def _begins(sequence: np.ndarray) -> np.ndarray:
    return np.append(True, np.diff(sequence) != 0)


def _classes_or_values(
    target: np.ndarray, target_type: str
) -> tuple[np.ndarray, list[str] | None]:
    """Return int64 classes, -1 for none, and their names; or float32 values."""
    if target.dtype.kind == "f":
        known = ~np.isnan(target)
        distinct = np.unique(target[known])
        whole = (distinct == np.round(distinct)).all()
        few = len(distinct) <= MAX_CLASSES
        if target_type == "values" or (
            target_type == "auto" and not (whole and few and len(distinct))
        ):
            return target.astype(np.float32), None
        names = [f"{value:g}" for value in distinct]
    else:
        known = np.array([text is not None for text in target])
        distinct = np.unique(target[known].astype(str))
        names = distinct.tolist()
    codes = np.full(len(target), -1)
    codes[known] = np.searchsorted(distinct, target[known].astype(distinct.dtype))
    return codes, names


def _check_targets(
    known: np.ndarray, classes: list[str] | None, panel: _Panel, path: Path
) -> None:
    there = known >= 0 if classes is not None else ~np.isnan(known)
    values = known[there]
    where = f"{path}: column `{panel.target_name}`"
    if not len(values):
        raise UserError(f"{where}: must have a target in some row. Received: none")
    if not np.isfinite(values).all():
        raise UserError(f"{where}: must be finite in 32 bits. Received: inf")
    if (values == values[0]).all():
        shown = classes[values[0]] if classes is not None else f"{values[0]:g}"
        raise UserError(
            f"{where}: must have more than one value, or there is nothing to learn. "
            f"Received: {shown} alone"
        )


def _reordered(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    spool = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the mapped array)
    for begin in range(0, len(order), ROWS):
        spool.write(values[order[begin : begin + ROWS]].tobytes())
    spool.flush()
    shape = (len(order), values.shape[1])
    return np.memmap(spool, np.float32, "r", shape=shape)


def _filled(
    values: np.ndarray,
    begin: np.ndarray,
    order: np.ndarray,
    panel: _Panel,
    missing: str,
) -> np.ndarray:
    """Return values without NaN: each becomes the one before, or is an error."""
    starts = np.zeros(len(values), bool)
    starts[begin[:-1]] = True
    filled = values
    before = np.full(values.shape[1], np.nan, np.float32)
    for first in range(0, len(values), ROWS):
        block = np.array(values[first : first + ROWS])
        lacks = np.isnan(block)
        if lacks.any() and missing == "error":
            row, column = (int(each) for each in np.argwhere(lacks)[0])
            raise UserError(
                f"{panel.at(order[first + row])}, column `{panel.features[column]}`: "
                "must have a value, or set `generate.missing` to fill. Received: none"
            )
        if lacks.any():
            if filled is values:
                filled = np.array(values)
            block = _forward(block, starts[first : first + ROWS], before)
            if np.isnan(block).any():
                row, column = (int(each) for each in np.argwhere(np.isnan(block))[0])
                raise UserError(
                    f"{panel.at(order[first + row])}, column "
                    f"`{panel.features[column]}`: must have a value at the beginning "
                    "of a sequence: there is none before it. Received: none"
                )
            filled[first : first + ROWS] = block
        before = block[-1]
    return filled


def _forward(block: np.ndarray, starts: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Fill forward, within each sequence, from the row before the block on.

    Example:
        >>> block = np.array([[np.nan], [2], [np.nan], [5], [np.nan]])
        >>> starts = np.array([False, False, False, True, False])
        >>> _forward(block, starts, np.array([7.0])).ravel()
        array([7., 2., 2., 5., 5.])
    """
    rows = np.concatenate([before[None], block])
    starts = np.append(False, starts)
    number = np.arange(len(rows))[:, None]
    latest = np.maximum.accumulate(np.where(np.isnan(rows), 0, number))
    first = np.maximum.accumulate(np.where(starts, number[:, 0], 0))
    source = np.where(latest >= first[:, None], latest, number)
    return np.take_along_axis(rows, source, axis=0)[1:]
