"""The files that hold what one mode's training left behind."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.io import files


class Predictions(NamedTuple):
    """What the networks of one variant of a mode predict, in every split."""

    variant: str
    split: int  # counted from 0, where all variants predict; of others the chosen one
    layout: dict[str, Any]  # how its samples are cut; empty: as those in use
    gradient_window: int  # time steps
    chosen: bool  # as the best of its mode
    batch_size: int
    epochs: int  # at most
    learning_rate: float
    updates: int  # of each network, unless it stopped early
    labelled_steps: int  # that count in its loss, in all epochs
    late_gain: float  # of the score, at least, in the last third of the training
    # of class 1, or values, float32 [seeds, predictions]; of each of more classes,
    # [seeds, predictions, classes]
    predictions: np.ndarray
    # int64 [predictions]; the first time step that each may depend on
    visible_from: np.ndarray


ARRAYS = {"predictions": "answers", "visible_from": "visible_from"}  # names in a file


def write_predictions(file: Path, predictions: list[Predictions]) -> None:
    """Write predictions; the same predictions give the same bytes.

    Variants need not have the same samples: there is an array `answers.K`, and another
    `visible_from.K`, for each, and `variants` says in JSON what each is.

    Args:
        file: an npz file.
        predictions: one for each variant, what is in use first.
    """
    variants, arrays = [], {}
    for number, variant in enumerate(predictions):
        description = variant._asdict()
        for field, name in ARRAYS.items():
            arrays[f"{name}.{number}"] = description.pop(field)
        variants.append(description)
    with files.atomic_write(file) as stream:
        np.savez(stream, variants=np.array(json.dumps(variants)), **arrays)


@dataclass(frozen=True)
class Stored:
    """The predictions in a file, of one variant at a time, as often as they are read.

    Of long data those of all variants may not fit into memory.
    """

    file: Path
    split: int

    def __iter__(self) -> Iterator[Predictions]:
        return _read(self.file, self.split)


def read_predictions(file: Path, split: int = 0) -> Stored:
    """Read the predictions of a split back."""
    files.require(file)
    return Stored(file, split)


def predictions_in_use(file: Path) -> Predictions:
    """Read back those of what is in use alone."""
    return next(iter(read_predictions(file)))


def predictions_chosen(file: Path, split: int = 0) -> Predictions:
    """Read back those of the variant that was chosen as the best of its mode."""
    return next(one for one in read_predictions(file, split) if one.chosen)


def descriptions(file: Path) -> list[dict[str, Any]]:
    """Read back what every variant and split is, without predictions."""
    files.require(file)
    with np.load(file) as arrays:
        return json.loads(str(arrays["variants"]))


def _read(file: Path, split: int) -> Iterator[Predictions]:
    with np.load(file) as arrays:
        for number, variant in enumerate(json.loads(str(arrays["variants"]))):
            if variant["split"] != split:
                continue
            own = {field: arrays[f"{name}.{number}"] for field, name in ARRAYS.items()}
            yield Predictions(**variant, **own)
