"""Baselines: predictions that need no model."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.data.sequences import Sequences
from statelab.io import files
from statelab.networks import scores
from statelab.samples.windows import Windows, locate_predictions

NAMES = {  # what they are called in tables and figures
    "constant": "constant prediction",
    "persistence": "persistence",
    "seasonal_naive": "seasonal naive",
}
CONSTANT = {"accuracy": "most frequent class", "rmse": "mean of train"}  # by score


class Forecast(NamedTuple):
    """What is forecast."""

    feature: int  # which one
    horizon: int  # time steps ahead
    season: int | None  # time steps after which values recur; None where they do not


def forecast_of(names: Path, season: int | None) -> Forecast | None:
    """Return what is forecast, if anything is.

    Args:
        names: the file names.json of the sequences; where there is none, it is a task.
        season: time steps after which values recur.
    """
    if not names.exists():
        return None
    known = files.read_json(names)["forecast"]
    return known and Forecast(**known, season=season)


def constant_prediction(target: np.ndarray, train_target: np.ndarray) -> float:
    """Return the best prediction that is the same for all inputs.

    Args:
        target: classes, or float values, [predictions].
        train_target: those of the train split.

    Returns:
        The most frequent class of `target`, or of values the mean of the train split.

    Example:
        >>> constant_prediction(np.array([2, 0, 2]), np.array([1]))
        2
    """
    if target.dtype.kind == "f":
        return train_target.mean()
    return int(np.bincount(target).argmax())


def constant_score(constant: float, target: np.ndarray) -> float:
    """Score one prediction for all: its accuracy, or of float values its rmse.

    Example:
        >>> constant_score(2, np.array([2, 0, 2, 2])), constant_score(1.0, np.ones(3))
        (0.75, 0.0)
    """
    if target.dtype.kind == "f":
        return float(scores.rmse(np.array([[constant]]), target)[0])
    return float((target == constant).mean())


def naive_forecasts(
    sequences: Sequences,
    windows: Windows,
    groups: dict[str, tuple[np.ndarray, np.ndarray]],
    forecast: Forecast,
) -> dict[str, dict[str, float]]:
    """Return the errors of forecasts without a model, as in `bounds.of_scores`.

    Args:
        sequences, windows, forecast: as there.
        groups: numbers of predictions and their targets, by the prefix of the error's
            name.

    Returns:
        By name of the forecast, and by name of the error.
    """
    steps_back = {"persistence": 0}  # from the time step that is predicted at
    if forecast.season is not None:
        steps_back["seasonal_naive"] = forecast.season - forecast.horizon
    errors: dict[str, dict[str, float]] = {name: {} for name in steps_back}
    for prefix, (number, target) in groups.items():
        step = locate_predictions(windows, number).step
        sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
        for name, back in steps_back.items():
            # the first season has none before it: there the value itself is predicted
            inside = step - back >= sequences.offsets[sequence]
            source = np.where(inside, step - back, step)
            predicted = sequences.values[source, forecast.feature][None]
            errors[name][f"{prefix}rmse"] = float(scores.rmse(predicted, target)[0])
    return errors
