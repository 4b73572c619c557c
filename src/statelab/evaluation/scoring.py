"""The comparison: scores over seeds beside the best score that a model could reach."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.evaluation.baselines import Forecast, naive_forecasts
from statelab.evaluation.ceilings import find_ceiling, majority_vote
from statelab.evaluation.evaluation import ModeScores
from statelab.evaluation.statistics import interval
from statelab.networks import scores
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    sequences_in_split,
    with_targets,
)


def seed_scores(
    answers: np.ndarray,
    sequences: Sequences,
    windows: Windows,
    history: pd.DataFrame,
) -> pd.DataFrame:
    """Score every seed of one mode.

    Args:
        answers: of class 1, or values, [seeds, answers]; or of each class, [seeds,
            answers, classes].
        sequences: for the targets.
        windows: where the answers are.
        history: one line for each seed and epoch, as training wrote it.

    Returns:
        One line for each seed: the scores on test, and of `accuracy`, or `rmse`,
        besides `final_…` at the last step of each sequence that has a target, `train_…`
        of the frozen weights, and `running_…`, that of the weights as they moved
        through its last epoch; of values this is `running_mae`.
    """
    rules = scores.SCORES[head_of(sequences.targets)[0]]
    score = rules.functions[rules.main]
    table = {}
    for prefix, (chosen, target) in _groups(sequences, windows).items():
        found = answers[:, chosen]
        if prefix == "":
            table |= {name: f(found, target) for name, f in rules.functions.items()}
        else:
            table[prefix + rules.main] = score(found, target)
    last = history.groupby("seed").last().reset_index()  # some may have stopped early
    return pd.DataFrame(
        {
            "seed": last["seed"].to_numpy(),
            **table,
            f"running_{rules.running}": last[rules.running].to_numpy(),
        }
    )


class Bounds(NamedTuple):
    """What scores are seen beside, as `ModeScores` holds it."""

    ceiling: dict[str, float | None]
    baselines: dict[str, dict[str, float]]


def bounds(
    sequences: Sequences,
    windows: Windows,
    visible_from: np.ndarray,
    forecast: Forecast | None = None,
) -> Bounds:
    """Return the ceilings of one mode, and the baselines of no model at all.

    Args:
        sequences: the steps and their targets.
        windows: where the answers are.
        visible_from: as in `ceiling`.
        forecast: what is forecast, where targets are later values of a feature.

    Returns:
        Each with `accuracy`, `final_accuracy` and `train_accuracy`. The baseline
        `constant` is the most frequent target's share. Of values it is the rmse of
        always answering the mean of train, and there is no ceiling. Forecasts have
        `persistence` besides, of answering the value of the step itself,
        and `seasonal_naive`, of answering that of the season before; where a sequence
        has none yet, as `persistence` does.

    Reference:
        Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2021, 5.2.
    """
    head, _ = head_of(sequences.targets)
    main = scores.SCORES[head].main
    groups = _groups(sequences, windows)
    ceilings, baselines = {}, {}
    naive: dict[str, dict[str, float]] = {}
    if forecast is not None and head == "regression":
        naive = naive_forecasts(sequences, windows, groups, forecast)
    for prefix, (chosen, target) in groups.items():
        if head == "regression":
            mean = np.full((1, len(target)), groups["train_"][1].mean())
            ceilings[prefix + main] = None
            baselines[prefix + main] = float(scores.rmse(mean, target)[0])
        else:
            best = find_ceiling(sequences, windows, visible_from, chosen, target)
            ceilings[prefix + main] = best
            baselines[prefix + main] = majority_vote(np.zeros(len(target)), target)
    return Bounds(ceilings, {"constant": baselines, **naive})


def _groups(
    sequences: Sequences, windows: Windows
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the answers that each of the main scores is of, and their targets."""
    test, train = (
        with_targets(
            sequences,
            windows,
            predictions_of(windows, sequences_in_split(windows, SPLITS[name])),
        )
        for name in ("test", "train")
    )
    sequence = locate_predictions(windows, test[0]).sequence
    last = np.append(sequence[1:] != sequence[:-1], True)
    return {"": test, "final_": (test[0][last], test[1][last]), "train_": train}


def history_score(history: pd.DataFrame) -> str:
    """Name the score that a history has for each epoch."""
    return "accuracy" if "accuracy" in history else "mae"


def over_seeds(history: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the mean and the range over seeds of a column, for each epoch.

    Args:
        history: one line for each seed and epoch.
        column: of it.

    Returns:
        One line for each epoch: `epoch`, `mean`, `lowest` and `highest`. Seeds that
        have stopped count no more.
    """
    seeds = history.groupby("epoch")[column]
    named = {"mean": "mean", "lowest": "min", "highest": "max"}
    return seeds.agg(**named).reset_index()


def learning_curves(
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, ModeScores]
) -> pd.DataFrame:
    """Return how the score on test went up, or the error down, under its ceiling.

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
        score = history_score(history)
        lines = {
            "ceiling": scored[mode].ceiling.get(score),
            "baseline": scored[mode].baselines["constant"].get(score),
        }
        table = over_seeds(history, f"test_{score}").assign(**lines)
        table.insert(0, "mode", mode)
        table.insert(1, "score", score)
        tables.append(table.astype(dict.fromkeys(lines, float)))
    return pd.concat(tables, ignore_index=True)


def summary(table: pd.DataFrame, bounds: Bounds) -> ModeScores:
    """Return the interval over seeds of each score of `seed_scores`, and its bounds."""
    scores = {
        str(name): interval(column.to_numpy())
        for name, column in table.drop(columns="seed").items()
    }
    return ModeScores(scores, bounds.ceiling, bounds.baselines)


def above_ceiling(table: pd.DataFrame, ceilings: dict[str, float | None]) -> list[str]:
    """Name the scores of which some seed is above its ceiling: that is a leak."""
    return [
        name
        for name, best in ceilings.items()
        if best is not None and table[name].to_numpy().max() > best + 1e-9
    ]


def in_words(mode: str, table: pd.DataFrame, scored: ModeScores) -> str:
    """Say how one mode did, each score beside the best that any model could reach."""
    main = "accuracy" if "accuracy" in scored.scores else "rmse"
    baselines = dict(scored.baselines)
    constant = baselines.pop("constant")
    parts = []
    for name in (main, f"final_{main}"):
        over_seeds, best = scored.scores[name], scored.ceiling[name]
        spread = ""
        if over_seeds.low is not None:
            spread = f" [{over_seeds.low:.4f}, {over_seeds.high:.4f}]"
        if best is not None:
            bound = f"ceiling {best:.4f}"
        else:
            bound = f"baseline {constant[name]:.4f}"
        for naive, by_score in baselines.items():
            bound += f", {naive.replace('_', ' ')} {by_score[name]:.4f}"
        parts.append(f"{name} {over_seeds.mean:.4f}{spread}, {bound}")
    text = f"{mode}: {'; '.join(parts)}; n = {len(table)}"
    for name in above_ceiling(table, scored.ceiling):
        text += f"\n{mode}: {name} is ABOVE its ceiling for some seed: something leaks"
    return text
