"""The comparison: scores over seeds beside the best score that a model could reach."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.io import predictions
from statelab.networks import scores
from statelab.samples import windows as windows_
from statelab.samples.windows import Windows

MAX_SYMBOLS = 32  # more distinct values than this are taken for continuous inputs
MAX_VISIBLE = 20_000  # steps; where an answer may see more, it takes too long to tell
STEPS_AT_ONCE = 1 << 16  # of the flat steps, when symbols are counted


def interval(values: np.ndarray) -> dict[str, float | int | None]:
    """Summarise one score over seeds by its mean and the 95 % t interval of the mean.

    Args:
        values: one score for each seed, [seeds].

    Returns:
        `mean`, `std` (ddof 1), `low`, `high` and `n`; null where one seed says nothing
        about spread, and where the score is not defined.

    Example:
        >>> interval(np.array([1.0, 2.0, 3.0]))["high"].round(4)
        np.float64(4.4841)
    """
    n = len(values)
    if np.isnan(values).any():
        return {"mean": None, "std": None, "low": None, "high": None, "n": n}
    mean = float(np.mean(values))
    if n == 1:
        return {"mean": mean, "std": None, "low": None, "high": None, "n": 1}
    std = float(np.std(values, ddof=1))
    half = stdtrit(n - 1, 0.975) * std / np.sqrt(n)
    return {"mean": mean, "std": std, "low": mean - half, "high": mean + half, "n": n}


def visible_classes(
    values: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> np.ndarray:
    """Number stretches of steps so that equal stretches get equal numbers.

    Args:
        values: flat steps, [steps, features].
        start: first step of each stretch, [samples].
        stop: the step after its last, [samples].

    Returns:
        Classes, int64 [samples].

    Example:
        >>> values = np.array([[1], [0], [0], [1], [0]])
        >>> visible_classes(values, np.array([0, 1, 3]), np.array([2, 3, 5]))
        array([3, 2, 3])
    """
    _, symbol = np.unique(values, axis=0, return_inverse=True)
    starts, origin = np.unique(start, return_inverse=True)
    lengths = stop - start
    longest = np.zeros(len(starts), int)
    np.maximum.at(longest, origin, lengths)
    by_length = np.argsort(lengths, kind="stable")
    ends = np.searchsorted(lengths[by_length], np.arange(longest.max() + 2))
    classes = np.empty(len(start), int)
    prefix = np.zeros(
        len(starts), int
    )  # class of the first `length` steps from a start
    used, symbols = 0, symbol.max() + 1
    for length in range(1, longest.max() + 1):
        alive = np.flatnonzero(longest >= length)
        longer = prefix[alive] * symbols + symbol[starts[alive] + length - 1]
        distinct, prefix[alive] = np.unique(longer, return_inverse=True)
        ending = by_length[ends[length] : ends[length + 1]]
        classes[ending] = used + prefix[origin[ending]]
        used += len(distinct)
    return classes


def majority_vote(classes: np.ndarray, target: np.ndarray) -> float:
    """Return the accuracy of answering, for each class, its most frequent target.

    Who sees only the class cannot do better.

    Example:
        >>> majority_vote(np.array([0, 0, 0, 1, 1]), np.array([1, 1, 0, 0, 0]))
        0.8
    """
    pairs, count = np.unique(np.stack([classes, target]), axis=1, return_counts=True)
    _, first_pair = np.unique(pairs[0], return_index=True)
    return float(np.maximum.reduceat(count, first_pair).sum() / len(target))


def ceiling(
    sequences: Sequences,
    windows: Windows,
    visible_from: np.ndarray,
    answers: np.ndarray,
    target: np.ndarray,
) -> float | None:
    """Return the best accuracy that any model could reach from what it may see.

    Args:
        sequences: the steps.
        windows: where the answers are.
        visible_from: the first step that each answer can depend on, [answers].
        answers: the numbers of those that are asked for.
        target: theirs.

    Returns:
        The accuracy of a majority vote over equal visible inputs; None where inputs
        are continuous, or what is visible is no single stretch of steps, or a very long
        one.
    """
    start = visible_from[answers]
    if (start < 0).any() or _continuous(sequences.values):
        return None
    step = windows_.locate_answers(windows, answers).step
    if (step - start).max() >= MAX_VISIBLE:
        return None
    classes = visible_classes(sequences.values, start, step + 1)
    return majority_vote(classes, target)


def _continuous(values: np.ndarray) -> bool:
    """Tell whether there are too many symbols, by looking no further than it takes."""
    symbols = np.empty(0)
    for start in range(0, len(values), STEPS_AT_ONCE):
        symbols = np.union1d(symbols, values[start : start + STEPS_AT_ONCE])
        if len(symbols) > MAX_SYMBOLS:
            return True
    return False


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
    known = predictions.read_json(names)["forecast"]
    return known and Forecast(**known, season=season)


def bounds(
    sequences: Sequences,
    windows: Windows,
    visible_from: np.ndarray,
    forecast: Forecast | None = None,
) -> dict[str, Mapping[str, float | None]]:
    """Return the ceilings of one mode, and the baselines of no model at all.

    Args:
        sequences: the steps and their targets.
        windows: where the answers are.
        visible_from: as in `ceiling`.
        forecast: what is forecast, where targets are later values of a feature.

    Returns:
        `ceiling` and `baseline`, each with `accuracy`, `final_accuracy` and
        `train_accuracy`. The baseline is the most frequent target's share. Of values
        it is the rmse of always answering the mean of train, and there is no ceiling.
        Forecasts have `persistence` besides, of answering the value of the step itself,
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
            best = ceiling(sequences, windows, visible_from, chosen, target)
            ceilings[prefix + main] = best
            baselines[prefix + main] = majority_vote(np.zeros(len(target)), target)
    return {"ceiling": ceilings, "baseline": baselines, **naive}


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
            step = windows_.locate_answers(windows, chosen).step
            number = np.searchsorted(sequences.offsets, step, side="right") - 1
            earlier = step - steps
            inside = earlier >= sequences.offsets[number]
            step = np.where(inside, earlier, step)  # a first season has none before it
            known = sequences.values[step, forecast.feature][None]
            found[name][f"{prefix}rmse"] = float(scores.rmse(known, target)[0])
    return found


def _groups(
    sequences: Sequences, windows: Windows
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the answers that each of the main scores is of, and their targets."""
    test, train = (
        windows_.with_target(
            sequences,
            windows,
            windows_.answers_of(windows, windows_.of_split(windows, SPLITS[name])),
        )
        for name in ("test", "train")
    )
    sequence = windows_.locate_answers(windows, test[0]).sequence
    last = np.append(sequence[1:] != sequence[:-1], True)
    return {"": test, "final_": (test[0][last], test[1][last]), "train_": train}


def score_of(history: pd.DataFrame) -> str:
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
    histories: Mapping[str, pd.DataFrame], scored: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Return how the score on test went up, or the error down, under its ceiling.

    Args:
        histories: by mode, one line for each seed and epoch, as training wrote it.
        scored: by mode, the `ceiling` and `baseline` of `bounds`.

    Returns:
        One line for each mode and epoch: `mode`, `score` (which one: accuracy, or of
        values mae), those of `over_seeds`, and `ceiling` and `baseline` of that score,
        NaN where there is none.
    """
    tables = []
    for mode, history in histories.items():
        score = score_of(history)
        lines = {
            name: scored[mode][name].get(score) for name in ("ceiling", "baseline")
        }
        table = over_seeds(history, f"test_{score}").assign(**lines)
        table.insert(0, "mode", mode)
        table.insert(1, "score", score)
        tables.append(table.astype(dict.fromkeys(lines, float)))
    return pd.concat(tables, ignore_index=True)


def summary(table: pd.DataFrame) -> dict[str, Any]:
    """Return the interval over seeds of every score of `seed_scores`."""
    return {
        str(name): interval(column.to_numpy())
        for name, column in table.drop(columns="seed").items()
    }


def above_ceiling(table: pd.DataFrame, ceilings: dict[str, float | None]) -> list[str]:
    """Name the scores of which some seed is above its ceiling: that is a leak."""
    return [
        name
        for name, best in ceilings.items()
        if best is not None and table[name].to_numpy().max() > best + 1e-9
    ]


def number(value: float | None) -> str:
    """Write a number with the digits that are worth reading.

    Example:
        >>> number(0.5250), number(1e-7), number(63.354), number(None)
        ('0.5250', '1e-07', '63.35', '–')
    """
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.2f}" if 10 <= abs(value) < 1e6 else f"{value:.3g}"


def in_steps(count: int) -> str:
    """Write a number of steps.

    Example:
        >>> in_steps(1), in_steps(1200)
        ('1 step', '1,200 steps')
    """
    return f"{count:,} step{'s' * (count != 1)}"


def in_words(mode: str, table: pd.DataFrame, scored: dict[str, Any]) -> str:
    """Say how one mode did, each score beside the best that any model could reach."""
    main = "accuracy" if "accuracy" in scored else "rmse"
    parts = []
    for name in (main, f"final_{main}"):
        mean, low, high = (scored[name][key] for key in ("mean", "low", "high"))
        spread = "" if low is None else f" [{low:.4f}, {high:.4f}]"
        best = scored["ceiling"][name]
        bound = (
            f"ceiling {best:.4f}"
            if best is not None
            else f"baseline {scored['baseline'][name]:.4f}"
        )
        for naive in ("persistence", "seasonal_naive"):
            if naive in scored:
                bound += f", {naive.replace('_', ' ')} {scored[naive][name]:.4f}"
        parts.append(f"{name} {mean:.4f}{spread}, {bound}")
    text = f"{mode}: {'; '.join(parts)}; n = {len(table)}"
    for name in above_ceiling(table, scored["ceiling"]):
        text += f"\n{mode}: {name} is ABOVE its ceiling for some seed: something leaks"
    return text
