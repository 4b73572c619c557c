"""The user's own sequences: panels in CSV or Parquet files, or arrays in npz files."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from statelab.config.settings import GenerateSettings
from statelab.data import columns, npz, panels, rows, tables
from statelab.data.panels import Arranged, Panel
from statelab.data.sequences import Sequences, at_the_end, present
from statelab.errors import UserError
from statelab.formatting import count_of, in_steps, listed

SUFFIXES = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",), "npz": (".npz",)}
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
            `target_type`: `auto` takes text, and few whole numbers, for classes; of
            forecasts for values.
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
    panel, arranged = _arranged(
        path,
        generate.source,
        rows.Roles(**dict(generate.columns)),
        horizon=generate.horizon,
        max_gap=generate.max_gap,
        missing=generate.missing,
        target_type=target_type,
    )
    sequences = arranged.sequences
    if generate.label == "end":
        sequences = at_the_end(sequences)
    targets, classes = _targets(
        sequences.targets, panel.words, target_type, f"{path}, {panel.target_name}"
    )
    return Loaded(
        sequences._replace(targets=targets),
        panel.features,
        classes,
        arranged.names,
        arranged.notes,
        arranged.split,
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
    path: Path, roles: rows.Roles, *, max_gap: float | None, missing: str
) -> PredictionInput:
    """Read sequences without targets.

    Args:
        path: a file; how its name ends decides what is its source.
        roles: of its columns, as the model was trained. The column of the target is not
            read. `features` is in the order that the model takes; None for all columns
            that have no other role.
        max_gap, missing: as in `load`.

    Raises:
        UserError: as in `load`.
    """
    ends = [name for name in SUFFIXES if path.name.lower().endswith(SUFFIXES[name])]
    if not ends:
        known = ", ".join(itertools.chain(*SUFFIXES.values()))
        raise UserError(f"{path}: must end in one of {known}. Received: {path.name}")
    if not path.is_file():
        raise UserError(f"{path}: must be a file that is there. Received: {path.name}")
    (source,) = ends
    roles = roles._replace(target=None, split=None)
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
    return PredictionInput(arranged.sequences, keys, arranged.notes)


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
            files, source=source, roles=roles, horizon=horizon, target_type=target_type
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
    elif target_type == "values" or (
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
