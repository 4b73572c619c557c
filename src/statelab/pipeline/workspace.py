"""Where a stage runs, and that it is the only one to write there.

DVC runs a stage as a child of its own, and a child outlives a parent that is killed. An
orphan would write its outputs over those of the next run, or under the eyes of a later
stage. So it ends as soon as DVC is gone; and a stage that comes before that waits.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from statelab.io import files

SECONDS_BETWEEN_LOOKS = 0.2


def root() -> Path:
    """Return the root of the main checkout.

    DVC names it even where it runs a stage in a temporary copy of the workspace.
    """
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


@contextmanager
def only_writer(label: str, output: Path) -> Iterator[None]:
    """Be the only process to write an output, for as long as DVC wants it.

    Another one that is at it is waited for, and one line says so. Where it was DVC that
    began this process, this process ends with it.

    Args:
        label: what is run.
        output: one of the files or folders that are written; the lock stands beside it.
    """
    threading.Thread(target=_end_with_dvc, args=(label,), daemon=True).start()
    output.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output.with_name(f".{output.name}.lock"))
    holder = output.with_name(f".{output.name}.pid")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text() if holder.exists() else "another one"
        _say(f"{label}: waits for process {pid}, which is writing {output}")
        lock.acquire()
    try:
        with files.atomic_write(holder) as stream:
            stream.write(str(os.getpid()).encode())
        yield
        holder.unlink(missing_ok=True)
    finally:
        lock.release()


def _end_with_dvc(label: str) -> None:
    """End this process when the DVC that began it is gone; return where none did."""
    stage = os.environ.get("DVC_STAGE")
    if stage is None:
        return
    began = _up_to_dvc(stage)
    while began and began == _up_to_dvc(stage):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    with suppress(OSError):  # whoever read it may be gone as well
        _say(f"{label}: ends, as the DVC that began it is gone")
    os._exit(1)  # at once, whatever compiled code is at


def _up_to_dvc(stage: str) -> list[int]:
    """Return the parent of this process, its parent, and so on up to DVC.

    DVC sets the stage in the environment of its children, so the first process without
    it is DVC; the others are shells. Nothing is returned where that one is of another
    session: then DVC is gone, and its child was handed on.
    """
    above = []
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        process = psutil.Process().parent()
        while process is not None:
            above.append(process.pid)
            if _stage_of(process) != stage:
                return above if os.getsid(process.pid) == os.getsid(0) else []
            process = process.parent()
    return []


def _stage_of(process: psutil.Process) -> str | None:
    with suppress(psutil.AccessDenied):  # of another user, and so no shell of DVC's
        return process.environ().get("DVC_STAGE")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
