"""Padded arrays in npz files, read as the rows of a panel."""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.data.columns import SPLIT_RULE
from statelab.data.panels import Panel
from statelab.data.sequences import SPLITS
from statelab.errors import UserError

NUMBERS = "fiub"  # kinds of NumPy's dtypes
BROKEN = (  # what NumPy raises for other files
    AttributeError,  # of an array that is no archive
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class _Padded(NamedTuple):
    """What an npz file holds."""

    x: np.ndarray  # [sequences, timesteps, features]
    y: np.ndarray  # [sequences] or [sequences, timesteps]
    lengths: np.ndarray  # [sequences]
    split: np.ndarray | None  # int8 [sequences]; codes of sequences.SPLITS


def read(files: dict[str, Path], *, labelled: bool = True) -> Panel:
    """Read npz files with `x`, `y` and, where some sequences are shorter, `lengths`.

    An array `split` says in which split each sequence is. A file may hold `x_train`,
    `y_train`, `x_test`, `y_test` and the like, each a split, in place of `x` and `y`.

    Args:
        files: by name. `x` is [sequences, timesteps, features]; `y`, numbers or text,
            is [sequences] or [sequences, timesteps]; `lengths` is [sequences], and
            `split`, of train, validation and test, likewise.
        labelled: read `y` and `split` as well.

    Raises:
        UserError: it names the file, the array, the rule and what was received.
    """
    values, target, names, places, lengths, splits = [], [], [], [], [], []
    for name, file in files.items():
        x, y, padded_lengths, split = _padded(file, labelled)
        inside = np.arange(x.shape[1]) < padded_lengths[:, None]
        per_step = y[:, None] if y.ndim == 1 else y
        values.append(x[inside].astype(np.float32))
        target.append(np.broadcast_to(per_step, inside.shape)[inside])
        if values[0].shape[1] != values[-1].shape[1]:
            raise UserError(
                f"{file}: `x` must have {values[0].shape[1]} features, as in the file "
                f"before it. Received: {values[-1].shape[1]}"
            )
        if _is_text(target[0]) != _is_text(target[-1]):
            raise UserError(
                f"{file}: `y` must be {'text' if _is_text(target[0]) else 'numbers'}, "
                f"as in the file before it. Received: {target[-1].dtype}"
            )
        splits.append(split)
        if (splits[0] is None) != (split is None):
            raise UserError(
                f"{file}: must hold an array `split` where the file before it does, "
                f"and none where it does not. Received: {_held(split)}"
            )
        names += [f"{name} {number}" for number in range(len(x))]
        places += [f"{file}, sequence {number}" for number in range(len(x))]
        lengths.append(padded_lengths)
    steps = np.concatenate(lengths)
    begins = np.cumsum(steps) - steps

    def at(row: int) -> str:
        sequence = int(np.searchsorted(begins, row, side="right")) - 1
        return f"{places[sequence]}, step {row - begins[sequence]}"

    targets, words = _words(np.concatenate(target))
    given = None if splits[0] is None else np.repeat(np.concatenate(splits), steps)
    return Panel(
        values=np.concatenate(values),
        features=[f"x{number}" for number in range(values[0].shape[1])],
        sequence=np.repeat(np.arange(len(steps), dtype=np.int32), steps),
        names=names,
        time=None,
        target=targets,
        words=words,
        target_name="`y`",
        at=at,
        split=given,
        split_name="`split`",
    )


def _padded(file: Path, labelled: bool) -> _Padded:
    try:
        with file.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            arrays = {name: archive[name] for name in archive.files}
    except BROKEN:
        raise UserError(
            f"{file}: must be an npz file of numbers and text. Received: other bytes"
        ) from None
    arrays = _with_split(file, arrays)
    for name in ("x", "y") if labelled else ("x",):
        if name not in arrays:
            received = ", ".join(map(repr, arrays)) or "none"
            raise UserError(
                f"{file}: must hold an array `{name}`. Received: {received}"
            )
    x = arrays["x"]
    y = arrays["y"] if labelled else np.full(x.shape[:1], np.nan)
    if x.ndim != 3 or x.dtype.kind not in NUMBERS or 0 in x.shape:
        raise UserError(
            f"{file}: `x` must be numbers [sequences, timesteps, features]. "
            f"Received: {x.dtype} {list(x.shape)}"
        )
    count, timesteps, _ = x.shape
    if y.shape not in ((count,), (count, timesteps)) or not (
        _is_text(y) or y.dtype.kind in NUMBERS
    ):
        raise UserError(
            f"{file}: `y` must be numbers or text [{count}] or [{count}, {timesteps}], "
            f"as `x` is. Received: {y.dtype} {list(y.shape)}"
        )
    _require_finite(file, "x", x)
    if not _is_text(y):
        _require_finite(file, "y", y)
    lengths = arrays.get("lengths", np.full(count, timesteps))
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise UserError(
            f"{file}: `lengths` must be whole numbers [{count}]. "
            f"Received: {lengths.dtype} {list(lengths.shape)}"
        )
    wrong = (lengths < 1) | (lengths > timesteps)
    if wrong.any():
        raise UserError(
            f"{file}: `lengths` must be from 1 to {timesteps}, the timesteps of `x`. "
            f"Received: {lengths[wrong][0]}"
        )
    split = arrays.get("split") if labelled else None
    codes = None if split is None else _codes(file, split, count)
    return _Padded(x, y, lengths.astype(np.int64), codes)


def _with_split(file: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays of splits as `x`, `y` and `split`; others as they are.

    Example:
        >>> arrays = {"x_train": np.zeros((2, 5, 1)), "x_test": np.ones((1, 5, 1))}
        >>> joined = _with_split(Path("a.npz"), arrays)
        >>> joined["x"].shape, joined["split"].tolist()
        ((3, 5, 1), ['train', 'train', 'test'])
    """
    lower = {name.lower(): arrays[name] for name in arrays}
    names = {"train": "train", "val": "validation", "validation": "validation"}
    names |= {"valid": "validation", "test": "test"}
    there = [name for name in names if f"x_{name}" in lower]
    if "x" in arrays or not there:
        return arrays
    joined = {}
    for axis in ("x", "y", "lengths"):
        parts = [lower[f"{axis}_{name}"] for name in there if f"{axis}_{name}" in lower]
        if not parts:
            continue
        kinds = {(part.ndim > 0, part.shape[1:], _is_text(part)) for part in parts}
        if len(parts) < len(there) or len(kinds) > 1 or not parts[0].ndim:
            expected = ", ".join(f"`{axis}_{name}`" for name in there)
            received = ", ".join(f"{part.dtype} {list(part.shape)}" for part in parts)
            raise UserError(
                f"{file}: {expected} must be there, and alike but in their number of "
                f"sequences. Received: {received}"
            )
        joined[axis] = np.concatenate(parts)
    counts = [len(lower[f"x_{name}"]) for name in there]
    joined["split"] = np.repeat([names[name] for name in there], counts)
    return joined


def _codes(file: Path, split: np.ndarray, count: int) -> np.ndarray:
    """Return the codes of the splits of `count` sequences, int8 [sequences]."""
    if split.shape != (count,) or not _is_text(split):
        raise UserError(
            f"{file}: `split` must be text [{count}], a split for each sequence. "
            f"Received: {split.dtype} {list(split.shape)}"
        )
    wrong = ~np.isin(split, list(SPLITS))
    if wrong.any():
        number = int(wrong.argmax())
        raise UserError(
            f"{file}, sequence {number}, `split`: {SPLIT_RULE}. "
            f"Received: {str(split[number])!r}"
        )
    return np.array([SPLITS[name] for name in split.tolist()], np.int8)


def _held(split: np.ndarray | None) -> str:
    return "none" if split is None else "one"


def _require_finite(file: Path, name: str, array: np.ndarray) -> None:
    large = np.abs(array.astype(float)) > np.finfo(np.float32).max
    if large.any():
        place = tuple(int(number) for number in np.argwhere(large)[0])
        raise UserError(
            f"{file}: `{name}` must be finite in 32 bits. Received: {array[place]} at "
            f"{list(place)}"
        )


def _words(targets: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return targets as a panel has them; empty text is none."""
    if not _is_text(targets):
        return targets.astype(float), []
    words, which = np.unique(targets, return_inverse=True)
    numbers = np.arange(len(words)) - (words[0] == "")
    return numbers[which], [word for word in words.tolist() if word]


def _is_text(array: np.ndarray) -> bool:
    return array.dtype.kind == "U"
