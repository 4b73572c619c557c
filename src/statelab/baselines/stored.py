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


def write(file: Path, by_split: list[list[Baseline]]) -> None:
    """Write those of each split; the same predictions give the same bytes."""
    details = json.dumps([{one.name: one.detail for one in own} for own in by_split])
    arrays: dict[str, Any] = {
        f"{one.name}.{number}": one.predictions
        for number, own in enumerate(by_split)
        for one in own
    }
    with files.atomic_write(file) as stream:
        np.savez(stream, details=np.array(details), **arrays)


def read(file: Path, split: int = 0) -> list[Baseline]:
    """Read those of a split back."""
    files.require(file)
    with np.load(file) as arrays:
        details = json.loads(str(arrays["details"]))[split]
        return [
            Baseline(name, text, arrays[f"{name}.{split}"])
            for name, text in details.items()
        ]
