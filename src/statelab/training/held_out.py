"""Predictions by trained networks, of whole splits, and the scores of held-out ones."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from statelab.config.settings import Training
from statelab.data.sequences import SPLITS, Sequences
from statelab.networks import scores
from statelab.networks.architecture import Architecture, Weights
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import Scaling, unscale
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import (
    Windows,
    per_prediction,
    predictions_of,
    sequences_in_split,
    with_targets,
)
from statelab.training import sizing


class Predictor(NamedTuple):
    """Predicts sequences as a training asks for, in the user's units.

    No state leaks from a split into another: each sequence begins with a state of
    zeros, or where none is reset, each pass over a split.
    """

    sequences: Sequences
    windows: Windows
    scaling: Scaling | None
    training: Training
    architecture: Architecture
    predict_scaled: Callable[[Weights, ChunkReader, Architecture], np.ndarray]
    units: UserUnits | None = None  # None: those of the sequences

    @property
    def scored(self) -> Sequences:
        """The sequences whose targets are in the units of the predictions."""
        return self.sequences if self.units is None else self.units.data

    @property
    def naive(self) -> bool:
        """Whether which samples share a lane changes predictions.

        It is part of what naive batches do: they are predicted in the batches that were
        trained on, and each split apart. Else every sequence begins with zeros.
        """
        settings = self.training.settings
        contiguous = settings.batching == "contiguous"
        return settings.stateful and (contiguous or settings.reset == "never")

    def reader(self, sequence: np.ndarray) -> ChunkReader:
        """Return a reader of some sequences in lanes, [sequences]."""
        settings = self.training.settings
        lanes = sizing.prediction_lanes(
            self.architecture,
            self.windows,
            sequence,
            seeds=settings.seeds,
            stateful=settings.stateful,
        )
        plan = plans.make_plan(
            self.windows,
            sequence,
            batch_size=settings.lanes if self.naive else lanes,
            stateful=settings.stateful,
            reset=settings.reset,
            batching=settings.batching,
        )
        return ChunkReader(self.sequences, self.windows, [plan], self.scaling)

    def predict(self, weights: Weights, reader: ChunkReader) -> np.ndarray:
        """Return predictions [seeds, predictions, …]; NaN for what is not read."""
        scaled = self.predict_scaled(weights, reader, self.architecture)
        predictions = unscale(self.scaling, scaled)
        if self.units is None:
            return predictions
        return self.units.of_all(predictions, self.windows)


class HeldOut(NamedTuple):
    """A split that is predicted after every epoch."""

    name: str
    reader: ChunkReader
    prediction: np.ndarray  # int64 [predictions]; those with a target
    target: np.ndarray  # [predictions]


def used_splits(windows: Windows) -> dict[str, np.ndarray]:
    """Return the sequences with samples, of each split that has some."""
    return {
        name: sequence
        for name, code in SPLITS.items()
        if len(sequence := sequences_in_split(windows, code))
    }


def held_out_splits(predictor: Predictor) -> list[HeldOut]:
    """Return the splits besides train."""
    sequences, windows = predictor.scored, predictor.windows
    return [
        HeldOut(
            name,
            predictor.reader(sequence),
            *with_targets(sequences, windows, predictions_of(windows, sequence)),
        )
        for name, sequence in used_splits(windows).items()
        if name != "train"
    ]


def score_splits(
    predictor: Predictor, splits: list[HeldOut], weights: Weights
) -> dict[str, np.ndarray]:
    """Return the loss and the score of held-out splits.

    Args:
        predictor: of all splits.
        splits: those that are scored.
        weights: of the networks.

    Returns:
        By name, `test_loss`, say, and `test_accuracy`, one for each seed, [seeds].
    """
    reported = scores.OF_HEAD[predictor.architecture.head]
    scored = {}
    for split in splits:
        predictions = predictor.predict(weights, split.reader)[:, split.prediction]
        for score in (reported.loss, reported.running):
            values = score.function(predictions, split.target)
            scored[f"{split.name}_{score.name}"] = values
    return scored


def predict_all(
    predictor: Predictor, weights: Weights
) -> tuple[np.ndarray, np.ndarray]:
    """Return the predictions of all splits, and what each may depend on.

    Args:
        predictor: of all splits.
        weights: of the networks.

    Returns:
        float32 [seeds, predictions, …], and int64 [predictions]: the first flat step
        that a prediction may depend on; NaN and -1 for what is in no split.
    """
    windows = predictor.windows
    splits = list(used_splits(windows).values())
    if not predictor.naive:  # all of them in one go
        splits = [np.sort(np.concatenate(splits))]
    readers = [predictor.reader(sequence) for sequence in splits]
    predictions = (predictor.predict(weights, reader) for reader in readers)
    visible = (plans.visible_from(reader.plans[0], windows) for reader in readers)
    return (
        functools.reduce(np.fmax, predictions),
        per_prediction(windows, functools.reduce(np.maximum, visible)),
    )
