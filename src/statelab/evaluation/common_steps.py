"""The time steps of a split that all variants predict: on these they are compared."""

import functools
import json
from collections.abc import Mapping

import numpy as np

from statelab.data.sequences import Sequences, targets_at
from statelab.evaluation.scoring import with_target
from statelab.io.predictions import Predictions
from statelab.samples.windows import Windows, locate_predictions


def layout_of(predicted: Predictions) -> str:
    """Return a word for how the samples of a variant are cut."""
    return json.dumps(predicted.layout)


def of(
    sequences: Sequences, tables: Mapping[str, Windows], split: str
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the time steps with a target that all layouts predict.

    Args:
        sequences: the time steps and their targets.
        tables: the windows of each layout, by `layout_of`.
        split: a key of `sequences.SPLITS`.

    Returns:
        Flat time steps, int64 [steps], and by layout the number of the prediction of
        each, int64 [steps].
    """
    numbers, own_steps = {}, {}
    for layout, table in tables.items():
        numbers[layout], _ = with_target(sequences, table, split)
        own_steps[layout] = locate_predictions(table, numbers[layout]).step  # in order
    step = functools.reduce(np.intersect1d, own_steps.values())
    for layout, own in own_steps.items():
        numbers[layout] = numbers[layout][np.searchsorted(own, step)]
    return step, numbers


def targets(sequences: Sequences, step: np.ndarray) -> np.ndarray:
    """Return the targets of some flat time steps, [steps]."""
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    return targets_at(sequences, sequence, step)
