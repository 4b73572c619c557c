"""Scores of the networks of one mode, a number for each network."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.evaluation.statistics import Interval, interval
from statelab.networks import scores
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    sequences_in_split,
    with_targets,
)

FINAL = 30  # sequences of test, of which last steps are worth a score of their own
PREFIXES = {  # of a score's name -> which predictions it is of
    "final": "at the last time step of each sequence that has a target",
    "train": "on the train split, by the weights at the end",
    "running": "on the train split, while the weights moved, last epoch",
}


def seed_scores(
    predictions: np.ndarray,
    sequences: Sequences,
    windows: Windows,
    history: pd.DataFrame | None,
) -> pd.DataFrame:
    """Score the network of every seed of one mode.

    Args:
        predictions: probabilities of class 1, or values, [seeds, predictions]; or
            probabilities of each class, [seeds, predictions, classes].
        sequences: for the targets.
        windows: which time step each prediction is of.
        history: one line for each seed and epoch, as training wrote it; None where it
            is not kept.

    Returns:
        One line for each seed: `seed`; the scores on the test split; and of the main
        score, `accuracy` or `rmse`, besides `final_…` at the last time step of each
        sequence that has a target, and `train_…` by the weights at the end. The last
        column is `running_…`, what training counted in its last epoch, while the
        weights moved: accuracy, or of values the mean absolute error.
    """
    head = scores.OF_HEAD[head_of(sequences.targets)[0]]
    columns = {}
    for prefix, (number, target) in scored_groups(sequences, windows).items():
        for score in head.reported if prefix == "" else (head.main,):
            columns[prefix + score.name] = score.function(
                predictions[:, number], target
            )
    if history is None:
        return pd.DataFrame({"seed": np.arange(len(predictions)), **columns})
    last = history.groupby("seed").last().reset_index()  # some may have stopped early
    running = head.running.name
    return pd.DataFrame(
        {
            "seed": last["seed"].to_numpy(),
            **columns,
            f"running_{running}": last[running].to_numpy(),
        }
    )


def scored_groups(
    sequences: Sequences, windows: Windows
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the predictions that each of the main scores is of, and their targets.

    Returns:
        By prefix of the score's name, `""`, `"final_"` where test has at least `FINAL`
        sequences, and `"train_"`: the numbers of the predictions, int64 [predictions],
        and their targets, [predictions].
    """
    test, train = (with_target(sequences, windows, s) for s in ("test", "train"))
    sequence = locate_predictions(windows, test[0]).sequence
    last = np.append(sequence[1:] != sequence[:-1], True)
    final = {"final_": (test[0][last], test[1][last])} if last.sum() >= FINAL else {}
    return {"": test, **final, "train_": train}


def with_target(
    sequences: Sequences, windows: Windows, split: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the predictions of a split that have a target, and those.

    Returns:
        int64 [predictions], and their targets, [predictions].
    """
    predictions = predictions_of(windows, sequences_in_split(windows, SPLITS[split]))
    return with_targets(sequences, windows, predictions)


def intervals(table: pd.DataFrame) -> dict[str, Interval]:
    """Return the interval over seeds of every score of `seed_scores`."""
    return {
        str(name): interval(column.to_numpy())
        for name, column in table.drop(columns="seed").items()
    }


def meanings(names: Iterable[str]) -> dict[str, str]:
    """Return in words what some scores of `seed_scores` mean.

    Example:
        >>> meanings(["rmse", "train_rmse"])["train_rmse"]
        'on the train split, by the weights at the end'
    """
    names = list(names)
    of_test = {score.name: score.meaning for score in scores.of_columns(names).reported}
    return {
        name: of_test.get(name) or PREFIXES[name.partition("_")[0]] for name in names
    }
