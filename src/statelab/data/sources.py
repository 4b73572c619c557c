"""The user's own sequences: panels in CSV or Parquet files, or arrays in npz files."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from statelab.data import columns as columns_
from statelab.data import npz, panels, rows, tables
from statelab.data.panels import Arranged, Panel
from statelab.data.sequences import Sequences, at_the_end, present
from statelab.errors import UserError
from statelab.formatting import count_of, in_steps, listed

SUFFIXES = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",), "npz": (".npz",)}
FEW = 32  # more distinct whole numbers than this are taken for values
MOST = 1000  # classes


class Read(NamedTuple):
    """What was read of a source."""

    sequences: Sequences  # values are memory-mapped
    features: list[str]  # their names
    classes: list[str] | None  # what the targets 0, 1, … stand for; None for values
    names: list[str]  # of the sequences
    notes: list[str]  # what a user should know of


def load(
    *,
    source: str,
    path: str | Path,
    columns: dict[str, Any],
    horizon: int,
    max_gap: float | None,
    missing: str,
    target_type: str,
    label: str,
    **_: object,
) -> Read:
    """Read sequences as params.yaml asks for them.

    Args:
        source: a key of `SUFFIXES`.
        path: a file; or a folder, of which all files with the suffixes of the source
            are read in the order of their names, but for hidden ones.
        columns: the fields of `rows.Roles`, for CSV and Parquet.
        horizon: steps ahead of which the target is; then the target's column is a
            feature as well, and the last steps of a sequence, which have no target, are
            left out.
        max_gap: the longest time from a step to the next within a sequence, in the
            units of the time column, of dates in seconds; after a longer one a new
            sequence begins.
        missing: `error`, or `fill`, by the value before, where a feature has none. A
            target that is missing stays so: its step does not count.
        target_type: `classes`, `values`, or `auto`: text, and few whole numbers, are
            classes, but for forecasts.
        label: `each_step` keeps all targets, `end` that of a sequence's last step.

    Returns:
        The sequences, with a target for each step, and what their numbers stand for.

    Raises:
        UserError: the file, the row and the column, the rule, and what was found.
    """
    if horizon and target_type == "auto":
        target_type = "values"
    panel, arranged = _arranged(
        Path(path),
        source,
        rows.Roles(**columns),
        horizon=horizon,
        max_gap=max_gap,
        missing=missing,
        target_type=target_type,
    )
    sequences = arranged.sequences
    if label == "end":
        sequences = at_the_end(sequences)
    targets, classes = _targets(
        sequences.targets, panel.words, target_type, f"{path}, {panel.target_name}"
    )
    return Read(
        sequences._replace(targets=targets),
        panel.features,
        classes,
        arranged.names,
        arranged.notes,
    )


def in_words(read: Read) -> str:
    """Say what was understood of a source, in a line."""
    steps, features = read.sequences.values.shape
    target = "values"
    if read.classes is not None:
        target = f"{len(read.classes)} classes, {read.classes[0]} to {read.classes[-1]}"
    return (
        f"{count_of(len(read.sequences.offsets) - 1, 'sequence')} of {in_steps(steps)} "
        "together; "
        f"{count_of(features, 'feature')}: {listed(read.features)}; targets: {target}"
    )


class Unlabelled(NamedTuple):
    """Sequences without targets, and what tells their steps apart."""

    sequences: Sequences  # of targets there are none
    keys: pa.Table  # of each step: the columns of its sequence and its time, as read
    notes: list[str]  # what a user should know of


def unlabelled(
    path: Path,
    *,
    features: list[str] | None,
    columns: dict[str, Any],
    max_gap: float | None,
    missing: str,
    **_: object,
) -> Unlabelled:
    """Read sequences to be answered; their source is told by how a file's name ends.

    Args:
        path: a file.
        features: their names, in the order in which a model takes them; None for all
            columns that mean nothing else.
        columns, max_gap, missing: as in `load`. A target is not looked for.

    Raises:
        UserError: as in `load`.
    """
    ends = [name for name in SUFFIXES if path.name.lower().endswith(SUFFIXES[name])]
    if not ends:
        known = ", ".join(suffix for each in SUFFIXES.values() for suffix in each)
        raise UserError(f"{path}: must end in one of {known}. Received: {path.name}")
    if not path.is_file():
        raise UserError(f"{path}: must be a file that is there. Received: {path.name}")
    (source,) = ends
    roles = rows.Roles(**{**columns, "target": None, "features": features})
    panel, arranged = _arranged(
        path, source, roles, horizon=0, max_gap=max_gap, missing=missing
    )
    named = [name for name in roles[:2] if name is not None]
    if source == "npz" or not named:
        offsets = arranged.sequences.offsets
        begins = np.repeat(offsets[:-1], np.diff(offsets))
        step = np.arange(len(begins)) - begins
        keys = pa.table({"sequence": panel.sequence[arranged.order], "step": step})
    else:
        keys = tables.read(source, path, named).take(arranged.order)
    return Unlabelled(arranged.sequences, keys, arranged.notes)


def _arranged(
    path: Path,
    source: str,
    roles: rows.Roles,
    *,
    horizon: int,
    max_gap: float | None,
    missing: str,
    target_type: str = "auto",
) -> tuple[Panel, Arranged]:
    """Read a panel, and put it into sequences; arguments are as in `load`."""
    files = _files(path, SUFFIXES[source])
    ticks = 1
    if source == "npz":
        panel = npz.read(files, labelled=roles.target is not None)
    else:
        panel, ticks = rows.read(
            files,
            source=source,
            roles=roles,
            horizon=horizon,
            target_type=target_type,
        )
    arranged = panels.arrange(
        panel,
        horizon=horizon,
        max_gap=None if max_gap is None else max_gap * ticks,
        missing=missing,
    )
    return panel, arranged


def _files(path: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files to read, by their names within the folder."""
    try:
        files = _inside(path, suffixes) if path.is_dir() else {path.name: path}
        for file in files.values():
            file.open("rb").close()
    except FileNotFoundError:
        raise UserError(
            "`generate.path` must be a file or a folder that is there. "
            f"Received: {path}"
        ) from None
    except OSError as error:
        raise UserError(
            f"{error.filename}: must be readable. Received: {error.strerror}"
        ) from None
    if not files:
        wanted = " or ".join(suffixes)
        raise UserError(f"{path}: must hold files that end in {wanted}. Received: none")
    return files


def _inside(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    names = {str(file.relative_to(folder)): file for file in folder.rglob("*")}
    return {
        name: names[name]
        for name in sorted(names)
        if name.lower().endswith(suffixes)
        and not any(part.startswith(".") for part in Path(name).parts)
        and names[name].is_file()
    }


def _targets(
    found: np.ndarray, words: list[str], target_type: str, where: str
) -> tuple[np.ndarray, list[str] | None]:
    """Return targets as classes, int64 with -1 for none, and their names; or as values.

    Args:
        found: as in `panels.Panel`.
        words: likewise.
        target_type: as in `load`.
        where: the targets are, for errors.

    Example:
        >>> _targets(np.array([1, -1, 0, 1]), ["b", "a"], "auto", "")
        (array([ 0, -1,  1,  0]), ['a', 'b'])
        >>> _targets(np.array([3, np.nan, -1]), [], "auto", "")
        (array([ 1, -1,  0]), ['-1', '3'])
        >>> _targets(np.array([3, np.nan, 0.5]), [], "auto", "")
        (array([3. , nan, 0.5], dtype=float32), None)
    """
    known = present(found)
    if not known.any():
        raise UserError(f"{where}: must have a target in some row. Received: none")
    if words and target_type == "values":
        rule = "must be numbers where `generate.target_type` is values"
        raise UserError(f"{where}: {rule}. Received: text")
    classes = None
    if words:
        used = np.unique(found[known])
        classes, which = columns_.classes([words[number] for number in used])
        class_of = np.full(len(words) + 1, -1)  # the last is that of -1, none
        class_of[used] = which
        targets = class_of[found]
    elif target_type == "values" or (
        target_type == "auto" and not _few_whole_numbers(found[known])
    ):
        targets = found.astype(np.float32)
    else:
        distinct = np.unique(found[known])
        classes, _ = columns_.classes([repr(number) for number in distinct.tolist()])
        targets = np.where(known, np.searchsorted(distinct, found), -1)
    some = targets[known]
    if (some == some[0]).all():
        rule = "must have more than one value, or there is nothing to learn"
        received = classes[0] if classes else f"{some[0]:g}"
        raise UserError(f"{where}: {rule}. Received: {received!r} alone")
    if classes and len(classes) > MOST:
        rule = f"must have at most {MOST} classes; of numbers it can have values"
        raise UserError(f"{where}: {rule}. Received: {len(classes)}")
    return targets, classes


def _few_whole_numbers(found: np.ndarray) -> bool:
    """Tell whether numbers look like classes, by reading no more than it takes."""
    distinct = np.empty(0)
    for part in np.array_split(found, len(found) // panels.ROWS + 1):
        distinct = np.union1d(distinct, part)
        if len(distinct) > FEW or (distinct % 1).any():
            return False
    return True
