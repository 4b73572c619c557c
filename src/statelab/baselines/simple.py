"""Every simple method that data allow, and what it predicts at each step."""

import numpy as np

from statelab.baselines import models, season
from statelab.baselines.naive import Forecast, forecasts
from statelab.baselines.stored import Baseline
from statelab.data.sequences import Sequences, present
from statelab.formatting import in_steps
from statelab.samples.windows import Windows


def of(
    sequences: Sequences,
    windows: Windows,
    forecast: Forecast | None,
) -> list[Baseline]:
    """Return the simple methods that a file's targets allow.

    Args:
        sequences: the steps and their targets.
        windows: the splits.
        forecast: what is forecast, where targets are later values of a feature. Where
            it has no season, that is guessed from the train split.

    Returns:
        Of forecasts `persistence`, `drift`, and `seasonal_naive` where values recur; of
        classes with a target at each step `last_label`; of all `linear` and `boosting`.
    """
    step = np.arange(len(sequences.values))
    found: list[Baseline] = []
    if forecast is not None:
        said = ""
        if forecast.season is None:
            said = ", guessed from the train split"
        recurs = season.of(sequences, windows, forecast)
        forecast = forecast._replace(season=recurs)
        for name, predicted in forecasts(sequences, step, forecast).items():
            detail = ""
            if name == "seasonal_naive" and forecast.season is not None:
                detail = f"a season of {in_steps(forecast.season)}{said}"
            found.append(Baseline(name, detail, predicted.astype(np.float32)))
    if sequences.targets.dtype.kind != "f" and len(sequences.targets) == len(step):
        found.append(Baseline("last_label", "", _last_label(sequences)))
    fitted = models.fit(
        sequences,
        windows,
        None if forecast is None else forecast.season,
        None if forecast is None else forecast.feature,
    )
    for name, model in fitted.items():
        detail = f"on {in_steps(model.lags)}"
        found.append(Baseline(name, detail, model.predictions))
    return found


def _last_label(sequences: Sequences) -> np.ndarray:
    """Return the label of the step before; at a first step, or after none, class 0."""
    before = np.append(-1, sequences.targets[:-1])
    before[sequences.offsets[:-1]] = -1
    return np.where(present(before), before, 0).astype(np.float32)
