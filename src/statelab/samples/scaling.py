"""Scaling: features and values to predict in units of their own spread.

It is fitted on the steps of the train split alone, and applied as samples are copied
out: the sequences stay as they are. Predictions are returned in the user's units.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.data.sequences import SPLITS, Sequences, head_of, targets_at
from statelab.io import arrays
from statelab.samples.windows import Windows

FOLDER = "scaling"  # within that of the windows
STEPS_AT_ONCE = 1 << 18


class Scaling(NamedTuple):
    """What is subtracted, and what the rest is divided by."""

    mean: np.ndarray  # float32 [features]
    scale: np.ndarray  # float32 [features]; 1 where a feature never changes
    target_mean: np.ndarray  # float32 [1]; 0 for classes
    target_scale: np.ndarray  # float32 [1]; 1 for classes


def fit(sequences: Sequences, windows: Windows) -> Scaling:
    """Return the mean and the standard deviation over the steps of the train split.

    Args:
        sequences: the steps and their targets.
        windows: the split.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> values = np.float32([[1, 7], [3, 7], [90, 9]])
        >>> data = Sequences(values, np.array([0, 2, 3]), np.float32([0, 4, 50]))
        >>> table = make_windows(data.offsets, np.int8([0, 2]), layout="full",
        ...     window_length=1, stride=1, segment_length=1)
        >>> fit(data, table)
        Scaling(mean=array([2., 7.], dtype=float32), scale=array([1., 1.], \
dtype=float32), target_mean=array([2.], dtype=float32), target_scale=array([2.], \
dtype=float32))
    """
    from sklearn.preprocessing import StandardScaler  # takes a second to import

    features, target = StandardScaler(), StandardScaler()
    of_values = head_of(sequences.targets)[0] == "regression"
    for first in range(0, len(sequences.values), STEPS_AT_ONCE):
        step = np.arange(first, min(first + STEPS_AT_ONCE, len(sequences.values)))
        sequence = np.searchsorted(windows.stop, step, side="right")
        trained = windows.split[sequence] == SPLITS["train"]
        step, sequence = step[trained], sequence[trained]
        if len(step):
            features.partial_fit(sequences.values[step].astype(float))
        if of_values:
            known = targets_at(sequences, sequence, step)
            known = known[~np.isnan(known)].astype(float)
            if len(known):
                target.partial_fit(known[:, None])
    parts = [features.mean_, features.scale_, np.zeros(1), np.ones(1)]
    if of_values:
        parts[2:] = [target.mean_, target.scale_]
    return Scaling(*(np.asarray(part, np.float32) for part in parts))


def unscale(scaling: Scaling | None, predictions: np.ndarray) -> np.ndarray:
    """Put predicted values into the units of the sequences, in place.

    Predictions of classes stay as they are: their scale is 1, and their mean 0.
    """
    if scaling is not None:
        predictions *= scaling.target_scale
        predictions += scaling.target_mean
    return predictions


def applies(scaling: str, source: str) -> bool:
    """Tell whether `window.scaling` scales sequences of a `generate.source`.

    Example:
        >>> applies("auto", "csv"), applies("auto", "task"), applies("standard", "task")
        (True, False, True)
    """
    return scaling == "standard" or (scaling == "auto" and source != "task")


def read(folder: Path) -> Scaling | None:
    """Read back what the window stage wrote there; None where it wrote nothing."""
    return arrays.read(folder, Scaling) if folder.exists() else None
