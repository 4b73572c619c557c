"""Baselines: predictions that need no model."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.data.sequences import Sequences, steps_back
from statelab.io import files
from statelab.networks import scores
from statelab.samples.windows import Windows, locate_predictions

NAMES = {  # what they are called in tables and figures
    "constant": "constant prediction",
    "persistence": "persistence",
    "seasonal_naive": "seasonal naive",
    "drift": "drift",
    "last_label": "last label",
    "linear": "linear model on lags",
    "boosting": "boosted trees on lags",
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
    return point_score(np.array([constant]), target)


def point_score(predicted: np.ndarray, target: np.ndarray) -> float:
    """Score predicted classes by their accuracy, and predicted values by their rmse.

    Args:
        predicted: classes or values, [predictions].
        target: classes, or float values, [predictions].

    Example:
        >>> point_score(np.array([1, 0, 2]), np.array([1, 1, 2])).__round__(3)
        0.667
    """
    if target.dtype.kind == "f":
        return float(scores.rmse(predicted[None], target)[0])
    return float((predicted == target).mean())


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
    errors: dict[str, dict[str, float]] = {}
    for prefix, (number, target) in groups.items():
        step = locate_predictions(windows, number).step
        predicted_by = forecasts(sequences, step, forecast)
        for name in predicted_by.keys() & {"persistence", "seasonal_naive"}:
            error = point_score(predicted_by[name], target)
            errors.setdefault(name, {})[f"{prefix}rmse"] = error
    return errors


def forecasts(
    sequences: Sequences, step: np.ndarray, forecast: Forecast
) -> dict[str, np.ndarray]:
    """Return what is forecast at some steps without a model.

    Args:
        sequences: the steps.
        step: flat steps, int64 [rows].
        forecast: what is forecast.

    Returns:
        By name of `NAMES`, [rows]. `persistence` is the value of the step itself,
        `seasonal_naive` that of the season before; where a sequence has none yet, as
        `persistence`. `drift` goes on from the step's value as the sequence has gone on
        average since its first step.

    Example:
        >>> series = np.float32([1, 4, 9, 16, 25])[:, None]
        >>> data = Sequences(series, np.array([0, 5]), np.zeros(5))
        >>> for name, values in forecasts(data, np.array([0, 3]),
        ...                               Forecast(0, 1, season=3)).items():
        ...     print(name, values)
        persistence [ 1. 16.]
        seasonal_naive [1. 4.]
        drift [ 1. 21.]

    Reference:
        Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2021, 5.2.
    """
    values = sequences.values[:, forecast.feature]
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    first = sequences.offsets[sequence]
    predicted = {"persistence": values[step]}
    if forecast.season is not None:
        back = -forecast.horizon % forecast.season
        predicted["seasonal_naive"] = values[steps_back(sequences, step, back)]
    slope = (values[step] - values[first]) / np.maximum(step - first, 1)
    predicted["drift"] = values[step] + forecast.horizon * slope
    return predicted
