"""Sequences of any lengths, end to end in flat arrays, and the codes of the splits."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.io import files

SPLITS = {"train": 0, "validation": 1, "test": 2}
LEFT_OUT = -1  # the code of what is in no split
NAMES_FILE = "names.json"  # beside the arrays: features and classes of a file
SPLIT_FILE = "split.npy"  # beside them, where a file says in which split they are


class Sequences(NamedTuple):
    """Sequences end to end, as Arrow lays out a list column."""

    values: np.ndarray  # float32 [steps, features]
    offsets: np.ndarray  # int64 [sequences + 1]
    # sequence s is values[offsets[s]:offsets[s+1]]
    targets: np.ndarray  # [sequences] or [steps]; int classes, -1 for none; or float
    # values, NaN for none


def targets_at(
    sequences: Sequences, sequence: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """Return the targets of some steps: a sequence's, or the steps' own.

    Args:
        sequences: the targets, and how many steps there are.
        sequence: which sequence each step belongs to, of any shape.
        step: flat steps, in the same shape.

    Example:
        >>> values = np.zeros((5, 1), np.float32)
        >>> task = Sequences(values, np.array([0, 2, 5]), np.array([1.0, 0.0]))
        >>> targets_at(task, np.array([0, 1, 1]), np.array([1, 2, 4]))
        array([1., 0., 0.])
    """
    each_step = len(sequences.targets) == len(sequences.values)
    return sequences.targets[step if each_step else sequence]


def steps_back(sequences: Sequences, step: np.ndarray, back: int) -> np.ndarray:
    """Return the steps before some steps; the steps themselves where there are none.

    Args:
        sequences: where each begins.
        step: flat steps, int64 [rows].
        back: how many time steps before; 0 for the steps themselves.

    Example:
        >>> two = Sequences(np.zeros((5, 1)), np.array([0, 3, 5]), np.zeros(5))
        >>> steps_back(two, np.arange(5), 2)
        array([0, 1, 0, 3, 4])
    """
    first = sequences.offsets[np.searchsorted(sequences.offsets, step, "right") - 1]
    return np.where(step - back >= first, step - back, step)


def present(targets: np.ndarray) -> np.ndarray:
    """Tell which targets are there: -1 and NaN stand for none.

    Example:
        >>> present(np.array([0, -1, 2])), present(np.array([0.5, np.nan]))
        (array([ True, False,  True]), array([ True, False]))
    """
    return ~np.isnan(targets) if targets.dtype.kind == "f" else targets >= 0


def head_of(targets: np.ndarray) -> tuple[str, int]:
    """Return the head that a network needs for such targets, and its outputs.

    Example:
        >>> head_of(np.array([0, 1])), head_of(np.array([2, 0, -1]))
        (('binary', 1), ('multiclass', 3))
        >>> head_of(np.array([0.5]))
        ('regression', 1)
    """
    if targets.dtype.kind == "f":
        return "regression", 1
    classes = int(targets.max(initial=1)) + 1
    return ("binary", 1) if classes == 2 else ("multiclass", classes)


def at_the_end(sequences: Sequences) -> Sequences:
    """Keep the target of the last step of each sequence, and remove all others.

    Example:
        >>> values = np.zeros((5, 1), np.float32)
        >>> at_the_end(Sequences(values, np.array([0, 2, 5]), np.array([1, 0]))).targets
        array([-1,  1, -1, -1,  0])
    """
    last = sequences.offsets[1:] - 1
    none = np.nan if sequences.targets.dtype.kind == "f" else -1
    targets = np.full(len(sequences.values), none, sequences.targets.dtype)
    targets[last] = targets_at(sequences, np.arange(len(last)), last)
    return sequences._replace(targets=targets)


def write_split(folder: Path, split: np.ndarray | None) -> None:
    """Write the split of each sequence beside the sequences, where one is given.

    Args:
        folder: of the sequences.
        split: codes of `SPLITS`, int8 [sequences]; None where a file says nothing.
    """
    if split is not None:
        with files.atomic_write(folder / SPLIT_FILE) as stream:
            np.save(stream, split)


def read_split(folder: Path) -> np.ndarray | None:
    """Read back what `write_split` wrote; None where it wrote nothing."""
    file = folder / SPLIT_FILE
    return np.load(file) if file.exists() else None
