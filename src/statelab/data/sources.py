"""The user's own sequences: panels in CSV or Parquet files, or arrays in npz files."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from statelab.config.settings import FileFormat, GenerateSettings
from statelab.data import columns, npz, panels, rows, wide
from statelab.data.encoding import Encoding
from statelab.data.panels import Arranged
from statelab.data.sequences import Sequences, at_the_end, present
from statelab.errors import UserError
from statelab.formatting import count_of, in_steps, listed

SUFFIXES = {
    "csv": (".csv", ".csv.gz"),
    "parquet": (".parquet",),
    "excel": (".xlsx",),
    "npz": (".npz",),
}
# of other text files: those of a folder are read where it holds none in `.csv`
TEXT_SUFFIXES = (".tsv", ".txt", ".dat", ".data", ".tsv.gz", ".txt.gz")
FEW = 32  # distinct whole numbers; more are taken for values
MOST = 1000  # classes


class Loaded(NamedTuple):
    """What was read of a source."""

    sequences: Sequences  # values are memory-mapped
    features: list[str]  # their names
    classes: list[str] | None  # what the targets 0, 1, … stand for; None for values
    names: list[str]  # of the sequences
    notes: list[str]  # for the user
    split: np.ndarray | None  # int8 [sequences]; codes of sequences.SPLITS
    encoding: Encoding  # how its features were made


def load(generate: GenerateSettings) -> Loaded:
    """Read sequences as section `generate` of params.yaml describes them.

    Args:
        generate: of these settings
            `path`: a file; or a folder, of which all files with the suffixes of the
            source are read in the order of their names, but for hidden ones.
            `horizon`: how many time steps ahead the target is. Above 0 the target's
            column is a feature as well, and the last steps of a sequence, which have no
            target, are left out.
            `max_gap`: the longest time from a step to the next within a sequence, in
            the unit of the time column, of dates in seconds. After a longer one a new
            sequence begins.
            `missing`: `error`, or `fill` a feature without a value by the one before.
            A target that is missing stays so: its step does not count.
            `duplicates`: which of several rows of one time in a sequence counts.
            `target_type`: `auto` takes text, and few whole numbers, for classes; of
            forecasts for values. `remaining` is the time to the sequence's last step.
            `columns.split`: the column that says in which split a row's sequence is.
            `label`: `end` keeps the target of a sequence's last step alone.

    Returns:
        The sequences, with a target for each step, and what their numbers stand for.

    Raises:
        UserError: it names the file, the row, the column, the rule and the value.
    """
    path, target_type = Path(generate.path), generate.target_type
    if generate.horizon and target_type == "auto":
        target_type = "values"
    roles = rows.roles_of(generate.columns, generate.calendar)
    if target_type == "remaining":
        roles = roles._replace(target=None)
    elif generate.source == "npz":
        roles = roles._replace(target="y")
    read, arranged = _arranged(
        path,
        generate.source,
        roles,
        generate.format,
        horizon=generate.horizon,
        max_gap=generate.max_gap,
        missing=generate.missing,
        duplicates=generate.duplicates,
        target_type=target_type,
    )
    panel, sequences = read.panel, arranged.sequences
    if target_type == "remaining":
        sequences = _remaining(sequences, panel.time, arranged.order, read.ticks)
    if generate.label == "end":
        sequences = at_the_end(sequences)
    targets, classes = _targets(
        sequences.targets, panel.words, target_type, f"{path}, {panel.target_name}"
    )
    return Loaded(
        sequences._replace(targets=targets),
        arranged.features,
        classes,
        arranged.names,
        arranged.notes,
        arranged.split,
        Encoding(read.columns, read.words, arranged.masked),
    )


def in_words(loaded: Loaded) -> str:
    """Describe what was read of a source in a line."""
    steps, features = loaded.sequences.values.shape
    target = "values"
    if loaded.classes is not None:
        first, *_, last = loaded.classes
        target = f"{len(loaded.classes)} classes, {first} to {last}"
    return (
        f"{count_of(len(loaded.sequences.offsets) - 1, 'sequence')} of "
        f"{in_steps(steps)} together; {count_of(features, 'feature')}: "
        f"{listed(loaded.features)}; targets: {target}"
    )


class PredictionInput(NamedTuple):
    """Sequences without targets, and what identifies their time steps."""

    sequences: Sequences  # all targets are missing
    keys: pa.Table  # of each step: the columns of its sequence and its time, as read
    notes: list[str]  # for the user


def load_for_prediction(
    path: Path,
    roles: rows.Roles,
    form: FileFormat,
    encoding: Encoding,
    *,
    max_gap: float | None,
    missing: str,
    duplicates: str,
) -> PredictionInput:
    """Read sequences without targets.

    Args:
        path: a file; how its name ends decides what is its source.
        roles: of its columns, as the model was trained. The column of the target is not
            read.
        form: how the text of CSV is written, as the model was trained.
        encoding: how the model's features are made.
        max_gap, missing, duplicates: as in `load`.

    Raises:
        UserError: as in `load`.
    """
    source = _source(path)
    if source is None:
        known = ", ".join([*itertools.chain(*SUFFIXES.values()), *TEXT_SUFFIXES])
        raise UserError(f"{path}: must end in one of {known}. Received: {path.name}")
    if not path.is_file():
        raise UserError(f"{path}: must be a file that is there. Received: {path.name}")
    roles = roles._replace(target=None, split=None, features=encoding.columns)
    read, arranged = _arranged(
        path,
        source,
        roles,
        form,
        horizon=0,
        max_gap=max_gap,
        missing=missing,
        duplicates=duplicates,
        encoding=encoding,
    )
    wide_file = source != "npz" and form.layout == "wide"
    named = [*roles.sequence, *roles.time]
    if source == "npz" or wide_file or not named:
        offsets = arranged.sequences.offsets
        begins = np.repeat(offsets[:-1], np.diff(offsets))
        step = np.arange(len(begins)) - begins
        sequence = read.panel.sequence[arranged.order]
        if wide_file and roles.sequence:
            sequence = np.array(read.panel.names)[sequence]
        keys = pa.table({"sequence": sequence, "step": step})
    else:
        lines = arranged.order + np.searchsorted(
            read.empty[-1], arranged.order, "right"
        )
        keys = rows.read_whole(source, path, named, form).take(lines)
    return PredictionInput(arranged.sequences, keys, arranged.notes)


def find(path: Path) -> tuple[str, dict[str, Path]]:
    """Return which source a file or a folder is, and its files by name.

    Raises:
        UserError: it is not there, or how its files end says nothing.
    """
    try:
        folder = path.is_dir()
        for source, suffixes in SUFFIXES.items() if folder else ():
            if files := _inside(path, suffixes):
                return source, files
    except OSError as error:
        raise UserError(
            f"{path}: must be readable. Received: {error.strerror}"
        ) from None
    source = "csv" if folder else _source(path)
    if source is None and path.exists():
        known = ", ".join([*itertools.chain(*SUFFIXES.values()), *TEXT_SUFFIXES])
        raise UserError(f"{path}: must end in one of {known}. Received: {path.name}")
    return source or "csv", _files(path, SUFFIXES[source or "csv"])


def _source(path: Path) -> str | None:
    """Return the source that how a file's name ends stands for; None for none.

    Example:
        >>> _source(Path("a.CSV.gz")), _source(Path("a.tsv")), _source(Path("a.doc"))
        ('csv', 'csv', None)
    """
    name = path.name.lower()
    kinds = {**SUFFIXES, "csv": (*SUFFIXES["csv"], *TEXT_SUFFIXES)}
    return next((kind for kind in kinds if name.endswith(kinds[kind])), None)


def _arranged(
    path: Path,
    source: str,
    roles: rows.Roles,
    form: FileFormat,
    *,
    horizon: int,
    max_gap: float | None,
    missing: str,
    duplicates: str,
    target_type: str = "auto",
    encoding: Encoding | None = None,
) -> tuple[rows.Read, Arranged]:
    """Read a panel, and put it into sequences.

    Args:
        encoding: how features were made in training; None to find out.
        path, roles, form, horizon, max_gap, missing, duplicates, target_type: as in
            `load`.
    """
    files = _files(path, SUFFIXES[source])
    if source == "npz":
        panel = npz.read(files, labelled=roles.target is not None)
        read = rows.Read(panel, 1, [], [[]], panel.features, {})
    else:
        reader = wide if form.layout == "wide" else rows
        words = None if encoding is None else encoding.words
        read = reader.read(files, source, form, roles, horizon, target_type, words)
    if duplicates == "mean":
        _require_means(read, roles, target_type)
    arranged = panels.arrange(
        read.panel,
        horizon=horizon,
        max_gap=None if max_gap is None else max_gap * read.ticks,
        missing=missing,
        duplicates=duplicates,
        masked=None if encoding is None else encoding.masked,
    )
    arranged.notes[:0] = read.notes
    return read, arranged


def _require_means(read: rows.Read, roles: rows.Roles, target_type: str) -> None:
    """Raise columns that have no mean, where rows of one time are to have theirs."""
    known = read.panel.target[present(read.panel.target)]
    are_classes = target_type == "classes" or (
        target_type == "auto" and (read.panel.words or _few_whole_numbers(known))
    )
    what = ""
    if are_classes and len(known):
        what = "classes"
    elif "index" in roles.categories.values():
        what = "words as index"
    if what:
        raise UserError(
            f"`generate.duplicates` must be error, first or last for {what}, which "
            "have no mean. Received: mean"
        )


def _remaining(
    sequences: Sequences, time: np.ndarray | None, order: np.ndarray, ticks: int
) -> Sequences:
    """Return sequences whose target is the time from each step to their last one.

    Args:
        sequences: the sequences.
        time: of each row that was read; None where steps are counted.
        order: the row that each step was.
        ticks: of time that make a unit.

    Example:
        >>> sequences = Sequences(np.zeros((3, 1)), np.array([0, 2, 3]), np.zeros(3))
        >>> times, order = np.array([50, 10, 40]), np.array([1, 2, 0])
        >>> _remaining(sequences, times, order, 10).targets
        array([3., 0., 0.])
    """
    at = np.arange(len(order)) if time is None else time[order]
    last = np.repeat(at[sequences.offsets[1:] - 1], np.diff(sequences.offsets))
    units = 1 if time is None else ticks
    return sequences._replace(targets=(last - at) / units)


def _files(path: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files to read, by their names within the folder."""
    try:
        files = {path.name: path}
        if path.is_dir():
            files = _inside(path, suffixes)
            if not files and suffixes == SUFFIXES["csv"]:
                files = _inside(path, TEXT_SUFFIXES)
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
        names = " or ".join(suffixes)
        raise UserError(f"{path}: must hold files that end in {names}. Received: none")
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
    targets: np.ndarray, words: list[str], target_type: str, where: str
) -> tuple[np.ndarray, list[str] | None]:
    """Return targets as classes, int64 with -1 for none, and their names; or as values.

    Args:
        targets, words: as in `panels.Panel`.
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
    known = present(targets)
    if not known.any():
        raise UserError(f"{where}: must have a target in some row. Received: none")
    if words and target_type == "values":
        rule = "must be numbers where `generate.target_type` is values"
        raise UserError(f"{where}: {rule}. Received: text")
    classes = None
    if words:
        used = np.unique(targets[known])
        classes, which = columns.classes([words[number] for number in used])
        class_of = np.full(len(words) + 1, -1)  # the last is that of -1, none
        class_of[used] = which
        targets = class_of[targets]
    elif target_type in ("values", "remaining") or (
        target_type == "auto" and not _few_whole_numbers(targets[known])
    ):
        targets = targets.astype(np.float32)
    else:
        distinct = np.unique(targets[known])
        classes, _ = columns.classes([repr(number) for number in distinct.tolist()])
        targets = np.where(known, np.searchsorted(distinct, targets), -1)
    some = targets[known]
    if (some == some[0]).all():
        rule = "must have more than one value, or there is nothing to learn"
        received = classes[0] if classes else f"{some[0]:g}"
        raise UserError(f"{where}: {rule}. Received: {received!r} alone")
    if classes and len(classes) > MOST:
        rule = f"must have at most {MOST} classes; of numbers it can have values"
        raise UserError(f"{where}: {rule}. Received: {len(classes)}")
    return targets, classes


def _few_whole_numbers(numbers: np.ndarray) -> bool:
    """Tell whether numbers look like classes. Reading stops as soon as they do not."""
    distinct = np.empty(0)
    for part in np.array_split(numbers, len(numbers) // panels.ROWS + 1):
        distinct = np.union1d(distinct, part)
        if len(distinct) > FEW or (distinct % 1).any():
            return False
    return True
