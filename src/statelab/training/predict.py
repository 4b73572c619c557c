"""What a trained network predicts for sequences that it has not seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from statelab.config.modes import IN_USE
from statelab.config.settings import Columns, FileFormat
from statelab.config.values import Reset
from statelab.data import sources
from statelab.data.encoding import Encoding
from statelab.data.rows import roles_of
from statelab.data.sequences import Sequences
from statelab.errors import UserError
from statelab.networks import saving
from statelab.samples import plans, prediction_intervals, target_changes
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import unscale
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import (
    Windows,
    dropped_notes,
    locate_predictions,
    make_windows,
    sequences_in_split,
)
from statelab.training import compiled


def training_data(folder: Path) -> dict[str, Any]:
    """Return what a model's data.json says: how its sequences were read and cut."""
    file = folder / saving.DATA_FILE
    if not file.exists():
        raise UserError(f"{folder}: holds no model. Run `dvc repro` to train it")
    return json.loads(file.read_text())


def predict_sequences(
    folder: Path,
    sequences: Sequences,
    windows: Windows,
    *,
    stateful: bool,
    reset: str,
    network: int,
    batch_size: int,
) -> np.ndarray:
    """Predict sequences with one trained network, each from a state of zeros.

    Args:
        folder: of the model.
        sequences: the steps as networks take them; their targets are not looked at.
        windows: cut as those were that the network has learnt from.
        stateful: carry state from a sample to the next of its sequence.
        reset: as in `plans.make_plan`; `never` is taken for `sequence`.
        network: which seed's, counted from 0.
        batch_size: sequences side by side; it changes no prediction.

    Returns:
        Of class 1, or values or their changes, [predictions]; of each of more classes,
        [predictions, classes].

    Raises:
        UserError: there is no such model, or it takes other features.
    """
    trained = saving.read(folder, network=network)
    expected, features = trained.architecture.features, sequences.values.shape[1]
    if features != expected:
        raise UserError(
            f"{folder}: takes sequences of {expected} features. Received: {features}"
        )
    plan = plans.make_plan(
        windows,
        sequences_in_split(windows, 0),
        batch_size=min(batch_size, len(windows.split)) if stateful else batch_size,
        stateful=stateful,
        reset=Reset("sequence" if reset == "never" else reset),
    )
    reader = ChunkReader(sequences, windows, [plan], trained.scaling)
    scaled = compiled.predict(trained.weights, reader, trained.architecture)
    return unscale(trained.scaling, scaled)[0]


def predict(
    folder: Path,
    path: Path,
    *,
    stateful: bool,
    network: int = 0,
    batch_size: int = 100,
    coverage: float | None = None,
    row: str | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Predict the sequences of a file with a trained network.

    Args:
        folder: of the model.
        path: of a CSV, Parquet or npz file, its columns named as those were that the
            network has learnt from. A column of targets is not needed, nor looked at.
        stateful, network, batch_size: as in `predict_sequences`.
        coverage: share of the targets that shall be in a prediction interval; None for
            no intervals.
        row: what has a row of its own: each `step` that the network predicts, or each
            `sequence`, for its last one; None for what it has learnt from.

    Returns:
        A table: the sequence and the time as they were read; the `prediction`, a class
        or a value; of classes the `probability` of each; and with a coverage `lower`
        and `upper`, between what the target is. Intervals of forecasts follow the
        errors that are known at each step, as `prediction_intervals` says. And what a
        user should know of.

    Raises:
        UserError: there is no such model, or the file is not as it takes it.
    """
    known = training_data(folder)
    if "read" not in known:
        raise UserError(
            f"{folder}: has learnt from a generated task, which has no files. Train it "
            "on yours: set `generate.source`"
        )
    how = known["read"]
    read = sources.load_for_prediction(
        path,
        roles_of(Columns.model_validate(how["columns"]), how["calendar"]),
        FileFormat.model_validate(how["format"]),
        Encoding(**how["encoding"]),
        max_gap=how["max_gap"],
        missing=how["missing"],
        duplicates=how["duplicates"],
    )
    offsets = read.sequences.offsets
    windows = make_windows(
        offsets, np.zeros(len(offsets) - 1, np.int8), **known["layout"]
    )
    notes = [*read.notes, *dropped_notes(windows)]
    if known["variant"] != IN_USE:
        notes.append(
            f"predicted by the variant `{known['variant']}`, which was better on "
            "validation than what is in use"
        )
    if known["reset"] == "never":
        notes.append(
            "state begins with zeros in each sequence, where training never reset it"
        )
    inputs, change = read.sequences, target_changes.from_json(known.get("change"))
    if change is not None:
        values = target_changes.changed_values(inputs, change)
        inputs = inputs._replace(values=values)
    predictions = predict_sequences(
        folder,
        inputs,
        windows,
        stateful=stateful,
        reset=known["reset"],
        network=network,
        batch_size=batch_size,
    )
    units = UserUnits(read.sequences, change)
    predictions = units.of_all(predictions[None], windows)[0]
    bounds = {}
    if coverage is not None:
        bounds = _bounds(
            folder, coverage, network, predictions, known, read.sequences, windows
        )
    chosen = np.arange(len(predictions))
    if (row or ("sequence" if known["read"]["label"] == "end" else "step")) != "step":
        chosen = windows.answers[1:][np.diff(windows.answers) > 0] - 1
    step = locate_predictions(windows, chosen).step
    table = read.keys.take(pa.array(step)).to_pandas()
    predicted = _columns(predictions[chosen], known["classes"])
    return table.assign(**predicted, **{k: v[chosen] for k, v in bounds.items()}), notes


def _bounds(
    folder: Path,
    coverage: float,
    network: int,
    predictions: np.ndarray,
    known: dict[str, Any],
    sequences: Sequences,
    windows: Windows,
) -> dict[str, np.ndarray]:
    """Return the columns `lower` and `upper` of some predictions.

    Raises:
        UserError: the model has no intervals of such a coverage.
    """
    calibration = prediction_intervals.read(folder)
    if calibration is None:
        raise UserError(
            f"{folder}: `coverage` must be none for classes, which have "
            f"probabilities. Received: {coverage:g}"
        )
    highest = prediction_intervals.highest_coverage(calibration)
    if coverage > highest:
        raise UserError(
            f"{folder}: `coverage` must be at most {highest:g}, as "
            f"{int(calibration.errors[0])} errors on validation tell. "
            f"Received: {coverage:g}"
        )
    of_logarithms = bool(calibration.of_logarithms[0])
    radius = prediction_intervals.radius_of(calibration, coverage)[[network]]
    radii = radius[:, None]
    if forecast := known.get("forecast"):
        step = locate_predictions(windows, np.arange(len(predictions))).step
        target = _later(sequences, step, **forecast)
        errors = prediction_intervals.errors(
            predictions[None], target, of_logarithms=of_logarithms
        )
        radii = prediction_intervals.following(
            radius,
            errors,
            windows.answers,
            horizon=forecast["horizon"],
            coverage=coverage,
        )
    lower, upper = prediction_intervals.bounds(
        predictions[None], radii, of_logarithms=of_logarithms
    )
    return {"lower": lower[0], "upper": upper[0]}


def _later(
    sequences: Sequences, step: np.ndarray, feature: int, horizon: int
) -> np.ndarray:
    """Return a feature some steps later in the same sequence, NaN where it ends before.

    Example:
        >>> values = np.float32([[1], [2], [3], [4], [5]])
        >>> sequences = Sequences(values, np.array([0, 3, 5]), np.zeros(5))
        >>> _later(sequences, np.array([0, 1, 3]), feature=0, horizon=2)
        array([ 3., nan, nan], dtype=float32)
    """
    end = sequences.offsets[np.searchsorted(sequences.offsets, step, side="right")]
    later = step + horizon
    inside = later < end
    values = sequences.values[np.where(inside, later, step), feature]
    return np.where(inside, values, np.float32(np.nan))


def _columns(
    predictions: np.ndarray, classes: list[str] | None
) -> dict[str, np.ndarray]:
    """Return columns of the predictions.

    Example:
        >>> _columns(np.float32([0.25, 0.75]), ["no", "yes"])["prediction"]
        array(['no', 'yes'], dtype='<U3')
    """
    if classes is None:
        return {"prediction": predictions}
    if predictions.ndim == 1:
        predictions = np.stack([1 - predictions, predictions], axis=1)
    names = {f"probability_{name}": predictions[:, k] for k, name in enumerate(classes)}
    return {"prediction": np.array(classes)[predictions.argmax(axis=1)], **names}
