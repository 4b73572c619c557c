"""Files that are seen whole, or not at all; and JSON."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from statelab.errors import UserError


@contextmanager
def atomic_write(file: Path) -> Iterator[BinaryIO]:
    """Open a file to write it whole: it is there when the block ends, and not before.

    Until then what was there stays; it stays for good where the block raises, or the
    process is killed.

    Args:
        file: to make or to replace; its folder is made where there is none.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())  # a crash of the machine leaves no empty file
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Write JSON that a person can read and git can compare."""
    with atomic_write(file) as stream:
        stream.write((json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(file: Path) -> dict[str, Any]:
    """Read JSON back."""
    require(file)
    return json.loads(file.read_text())


def require(file: Path) -> None:
    if not file.exists():
        raise UserError(f"{file}: no such file. Run `dvc repro` to make it")
