"""The file of what simple methods predict; reading it takes no scikit-learn."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.io import files


class Baseline(NamedTuple):
    """A simple method, and what it predicts."""

    name: str  # of `naive.NAMES`
    detail: str  # what was chosen for it, in words; empty for nothing
    predictions: np.ndarray  # float32 [steps]; values, or the numbers of classes


def write(file: Path, baselines: list[Baseline]) -> None:
    """Write them; the same predictions give the same bytes."""
    details = json.dumps({each.name: each.detail for each in baselines})
    arrays: dict[str, Any] = {each.name: each.predictions for each in baselines}
    with files.atomic_write(file) as stream:
        np.savez(stream, details=np.array(details), **arrays)


def read(file: Path) -> list[Baseline]:
    """Read them back."""
    files.require(file)
    with np.load(file) as arrays:
        details = json.loads(str(arrays["details"]))
        return [Baseline(name, text, arrays[name]) for name, text in details.items()]
