"""Baselines: forecasts that need no model."""

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
    """What forecasts without a model need to know."""

    feature: int  # which one has the values that are forecast
    horizon: int  # steps ahead
    season: int | None  # steps after which values recur; None where they do not


def forecast_of(names: Path, season: int | None) -> Forecast | None:
    """Return what is forecast, if anything is.

    Args:
        names: the file names.json of the sequences; where there is none, it is a task.
        season: steps after which values recur.
    """
    if not names.exists():
        return None
    known = files.read_json(names)["forecast"]
    return known and Forecast(**known, season=season)


def naive_forecasts(
    sequences: Sequences,
    windows: Windows,
    groups: dict[str, tuple[np.ndarray, np.ndarray]],
    forecast: Forecast,
) -> dict[str, dict[str, float]]:
    """Return the errors of forecasts without a model, as in `bounds`.

    Args:
        sequences, windows, forecast: as there.
        groups: answers and their targets, by the prefix of their error's name.
    """
    back = {"persistence": 0}  # steps from the one that is answered
    if forecast.season is not None:
        back["seasonal_naive"] = forecast.season - forecast.horizon
    found: dict[str, dict[str, float]] = {}
    for name, steps in back.items():
        found[name] = {}
        for prefix, (chosen, target) in groups.items():
            step = locate_predictions(windows, chosen).step
            number = np.searchsorted(sequences.offsets, step, side="right") - 1
            earlier = step - steps
            inside = earlier >= sequences.offsets[number]
            step = np.where(inside, earlier, step)  # a first season has none before it
            known = sequences.values[step, forecast.feature][None]
            found[name][f"{prefix}rmse"] = float(scores.rmse(known, target)[0])
    return found
