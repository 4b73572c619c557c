"""Writes files that are seen whole, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole(file: Path) -> Iterator[BinaryIO]:
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
