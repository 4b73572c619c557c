"""Named arrays on disk: a folder with one `.npy` file for each field of a tuple."""

import mmap
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from statelab.errors import UserError
from statelab.io import files

Fields = TypeVar("Fields")


def write(folder: Path, fields: NamedTuple) -> None:
    """Write every field of `fields` to `folder/<field>.npy`."""
    for name, array in fields._asdict().items():
        with files.atomic_write(folder / f"{name}.npy") as stream:
            np.save(stream, np.ascontiguousarray(array))  # row by row, to be mapped


def read(folder: Path, kind: Callable[..., Fields]) -> Fields:
    """Read back what `write` wrote, memory-mapped.

    Args:
        folder: where `write` put the files.
        kind: the named tuple whose fields are to be read.

    Raises:
        UserError: a field's file is missing.
    """
    paths = [folder / f"{name}.npy" for name in signature(kind).parameters]
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such file. Run `dvc repro` to make it")
    return kind(*(np.load(path, mmap_mode="r") for path in paths))


def release_pages(array: np.ndarray) -> None:
    """Give back the memory of a mapped array's pages, which are read again if need be.

    Arrays that are not as `read` returned them are left alone.
    """
    if isinstance(array.base, mmap.mmap) and not array.flags.writeable:
        array.base.madvise(mmap.MADV_DONTNEED)
