"""The files that hold what one mode's training left behind."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from statelab import files
from statelab.errors import UserError


class Predictions(NamedTuple):
    """The answers of a mode's networks in every split."""

    # of class 1, or values, float32 [seeds, answers]; of each of more classes, [seeds,
    # answers, classes]
    answers: np.ndarray
    visible_from: np.ndarray  # int64 [answers]; the first step that each may depend on


def write_predictions(file: Path, predictions: Predictions) -> None:
    """Write predictions; the same predictions give the same bytes."""
    with files.whole(file) as stream:
        np.savez(stream, **predictions._asdict())


def read_predictions(file: Path) -> Predictions:
    """Read predictions back."""
    _require(file)
    with np.load(file) as arrays:
        return Predictions(**arrays)


def write_table(file: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, every float32 to its last digit."""
    with files.whole(file) as stream:
        table.to_csv(stream, index=False, float_format="%.9g")


def read_table(file: Path) -> pd.DataFrame:
    """Read a table back."""
    _require(file)
    return pd.read_csv(file)


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Write JSON that a person can read and git can compare."""
    with files.whole(file) as stream:
        stream.write((json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(file: Path) -> dict[str, Any]:
    """Read JSON back."""
    _require(file)
    return json.loads(file.read_text())


def _require(file: Path) -> None:
    if not file.exists():
        raise UserError(f"{file}: no such file. Run `dvc repro` to make it")
