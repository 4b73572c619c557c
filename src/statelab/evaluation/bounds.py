"""What the scores of one mode are seen beside: ceilings and baselines."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from statelab.baselines.naive import (
    Forecast,
    constant_prediction,
    constant_score,
    naive_forecasts,
)
from statelab.data.sequences import Sequences, head_of
from statelab.evaluation import scoring
from statelab.evaluation.ceilings import find_ceiling
from statelab.evaluation.evaluation import ModeScores
from statelab.networks import scores
from statelab.samples.windows import Windows


class Bounds(NamedTuple):
    """What scores are seen beside, as `ModeScores` holds it."""

    ceiling: dict[str, float | None]  # by score
    baselines: dict[str, dict[str, float]]  # by name of the baseline, and by score


def of_scores(
    sequences: Sequences,
    windows: Windows,
    visible_from: np.ndarray,
    forecast: Forecast | None = None,
) -> Bounds:
    """Return the ceilings of one mode, and the baselines.

    Args:
        sequences: the time steps and their targets.
        windows: which time step each prediction is of.
        visible_from: the first time step that each prediction can depend on,
            [predictions].
        forecast: what is forecast, where targets are later values of a feature.

    Returns:
        Each with `accuracy`, `final_accuracy` and `train_accuracy`, as
        `scoring.seed_scores` names them. The baseline `constant` predicts the most
        frequent class. Of values it is the rmse of predicting the mean of the train
        split, and there is no ceiling. Forecasts have `persistence` besides, of
        predicting the value of the time step itself, and `seasonal_naive`, of
        predicting that of the season before; where a sequence has none yet, as
        `persistence` does.

    Reference:
        Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2021, 5.2.
    """
    head, _ = head_of(sequences.targets)
    groups = scoring.scored_groups(sequences, windows)
    _, train_target = groups["train_"]
    ceilings, constant = {}, {}
    for prefix, (number, target) in groups.items():
        name = prefix + scores.OF_HEAD[head].main.name
        ceilings[name] = None
        if head != "regression":
            ceilings[name] = find_ceiling(
                sequences, windows, visible_from, number, target
            )
        constant[name] = constant_score(
            constant_prediction(target, train_target), target
        )
    naive = {}
    if forecast is not None and head == "regression":
        naive = naive_forecasts(sequences, windows, groups, forecast)
    return Bounds(ceilings, {"constant": constant, **naive})


def of_score(scored: ModeScores, score: str) -> dict[str, float]:
    """Return what a score is seen beside: its ceiling, or else its baselines.

    Example:
        >>> half = {"constant": {"accuracy": 0.5}}
        >>> of_score(ModeScores({}, {"accuracy": 0.9}, half), "accuracy")
        {'ceiling': 0.9}
    """
    ceiling = scored.ceiling.get(score)
    if ceiling is not None:
        return {"ceiling": ceiling}
    return {name: by_score[score] for name, by_score in scored.baselines.items()}


def above_ceiling(
    table: pd.DataFrame, ceilings: Mapping[str, float | None]
) -> list[str]:
    """Name the scores that some network has above the ceiling: that is a leak.

    Args:
        table: as `scoring.seed_scores` returns it.
        ceilings: by score, as in `Bounds`.
    """
    return [
        name
        for name, ceiling in ceilings.items()
        if ceiling is not None and table[name].to_numpy().max() > ceiling + 1e-9
    ]
