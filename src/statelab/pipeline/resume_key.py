"""What was killed is found again by its fingerprint, and only by what is the same."""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from statelab.io import arrays
from statelab.pipeline import paths, workspace

LINES_AT_ONCE = 1 << 20  # of an array that is hashed


def folder() -> Path:
    """Return where it is kept: at the root of the main checkout.

    DVC removes a stage's outputs before it runs, and a temporary workspace is gone when
    its experiment is.
    """
    return workspace.root() / paths.CHECKPOINTS


def fingerprint(settings: Mapping[str, Any], data: list[np.ndarray]) -> str:
    """Return a hash of everything that decides the bytes of what is computed.

    Besides the arguments these are the code that is loaded, the versions of what it
    stands on, and how many cores share the work, as that changes the rounding.

    Args:
        settings: as JSON can hold them.
        data: the arrays that it is computed from.
    """
    names = sorted(name for name in sys.modules if name.startswith("statelab."))
    surroundings = {
        "code": {n: _digest(Path(str(sys.modules[n].__file__))) for n in names},
        "versions": [version(name) for name in ("numpy", "keras", "tensorflow")],
        "cores": len(os.sched_getaffinity(0)),
        "flags": os.environ.get("XLA_FLAGS"),
        "shapes": [(str(array.dtype), array.shape) for array in data],
    }
    known = json.dumps([dict(settings), surroundings], sort_keys=True)
    digest = hashlib.sha256(known.encode())
    for array in data:
        for start in range(0, len(array), LINES_AT_ONCE):
            lines = array[start : start + LINES_AT_ONCE]
            digest.update(np.ascontiguousarray(lines).data)
            arrays.release_pages(array)
    return digest.hexdigest()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
