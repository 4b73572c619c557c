"""Learning curves: a score by epoch, over the seeds of a mode."""

from collections.abc import Mapping

import pandas as pd

from statelab.evaluation.evaluation import ModeScores
from statelab.networks import scores


def over_seeds(history: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean and the range over seeds of a column, for each epoch.

    Args:
        history: one line for each seed and epoch.
        column: of it.

    Returns:
        One line for each epoch: `epoch`, `mean`, `lowest` and `highest`. Seeds that
        have stopped count no more.
    """
    by_epoch = history.groupby("epoch")[column]
    return by_epoch.agg(mean="mean", lowest="min", highest="max").reset_index()


def table(
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, ModeScores]
) -> pd.DataFrame:
    """Return the score on the test split by epoch, and what it is seen beside.

    Args:
        histories: by mode, one line for each seed and epoch, as training wrote it.
        scored: by mode.

    Returns:
        One line for each mode and epoch: `mode`, `score` (which one: accuracy, or of
        values mae), those of `over_seeds`, and `ceiling` and `baseline` of that score,
        NaN where there is none.
    """
    tables = []
    for mode, history in histories.items():
        score = scores.of_columns(history).running.name
        bounds = {
            "ceiling": scored[mode].ceiling.get(score),
            "baseline": scored[mode].baselines["constant"].get(score),
        }
        curve = over_seeds(history, f"test_{score}").assign(**bounds)
        curve.insert(0, "mode", mode)
        curve.insert(1, "score", score)
        tables.append(curve.astype(dict.fromkeys(bounds, float)))
    return pd.concat(tables, ignore_index=True)
