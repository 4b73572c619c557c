"""Whether a training had come to its end: what its last third still gained."""

import numpy as np
import pandas as pd

from statelab.evaluation.statistics import interval
from statelab.networks import scores

LAST = 1 / 3  # of all epochs


def reached(history: pd.DataFrame, epochs: int, *, best: bool) -> np.ndarray:
    """Return the score that each network had come to after some epochs.

    Args:
        history: a line for each seed and epoch, as training writes it.
        epochs: how many; a network that stopped before keeps its last score.
        best: the epoch of the lowest loss counts, as where `patience` ends a training;
            else the last one.

    Returns:
        The accuracy, or of values the rmse, on the validation split, or where there is
        none as training counted it, [seeds].

    Example:
        >>> lines = {"epoch": [1, 2, 3], "loss": [9.0, 1.0, 4.0], "mae": 1.5}
        >>> history = pd.DataFrame({"seed": 0, **lines})
        >>> [reached(history, 3, best=best).tolist() for best in (True, False)]
        [[1.0], [2.0]]
    """
    prefix = "validation_" if "validation_loss" in history else ""
    lines = history[history["epoch"] <= epochs].set_index("seed")
    groups = lines.groupby(level=0, sort=False)
    if best:
        lowest = groups[f"{prefix}loss"].transform("min") == lines[f"{prefix}loss"]
        groups = lines[lowest].groupby(level=0, sort=False)
    last = groups.last()
    head = scores.of_columns(history.columns)
    if head.main is scores.RMSE:
        return np.sqrt(np.asarray(last[f"{prefix}loss"]))
    return np.asarray(last[f"{prefix}{head.running.name}"])


def late_gain(history: pd.DataFrame, epochs: int, *, best: bool) -> float:
    """Return what the last third of a training improved the score by, at least.

    Args:
        history, best: as in `reached`.
        epochs: that a network might train, had it not stopped.

    Returns:
        The lower end of the 95 % interval over seeds, in units of the score, positive
        where it got better; of a single seed its gain. 0 for a single epoch.
    """
    before = max(round(epochs * (1 - LAST)), 1)
    gains = reached(history, epochs, best=best) - reached(history, before, best=best)
    over_seeds = interval(scores.of_columns(history.columns).main.sign * gains)
    low = over_seeds.mean if over_seeds.low is None else over_seeds.low
    return low or 0.0  # no number where the score is none
