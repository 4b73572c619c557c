"""The memory of trained networks: a summary of effects by lag and by burn-in."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from statelab.evaluation.statistics import interval
from statelab.networks import scores

SHARE = 0.05  # of the largest effect, below which a lag does not count
LEAST = 0.001  # of a probability, or of the targets' spread; less is no effect at all
MARGIN = 0.01  # of a score, below which a difference does not matter
MEASURES = ("change", "slope")
RANGE: dict[str, Any] = {"mean": "mean", "lowest": "min", "highest": "max"}


def memory(effect: np.ndarray, last: np.ndarray, least: float = 0.0) -> int | None:
    """Return the largest lag with an effect that counts, in time steps.

    That is a twentieth of the largest effect, as an effective receptive field ends
    where an input has less than 4.55 % of the effect of the one at its centre.

    Args:
        effect: of each bin of lags, [bins].
        last: the last lag of each, [bins].
        least: the largest effect must be above it, or else nothing counts.

    Example:
        >>> memory(np.array([1.0, 0.0, 0.06, 0.04]), np.arange(4))
        2

    Reference:
        Luo, Li, Urtasun and Zemel, Understanding the Effective Receptive Field in Deep
        Convolutional Neural Networks, 2016.
    """
    largest = effect.max()
    if largest <= least:
        return None
    return int(last[effect >= SHARE * largest].max())


LAG_COLUMNS = ["mode", "measure", "lag", "last", "predictions", *RANGE]
BURN_IN_COLUMNS = ["burn_in", *RANGE]


def by_lag(measured: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the effects by lag as the mean and the range over networks.

    Args:
        measured: by mode, as `attribution.measure` returns it.

    Returns:
        One line for each mode, measure and bin of lags: `mode`, `measure`, `lag` and
        `last`, `predictions`, `mean`, `lowest` and `highest`.
    """
    parts = [
        _over_networks(table, ["lag", "last", "predictions"], measure).assign(
            mode=mode, measure=measure
        )
        for mode, table in measured.items()
        for measure in MEASURES
    ]
    return pd.concat(parts, ignore_index=True).reindex(columns=LAG_COLUMNS)


def of_mode(table: pd.DataFrame, spread: float = 1.0) -> dict[str, Any]:
    """Return the memory of the networks of one mode.

    Args:
        table: as `attribution.measure` returns it.
        spread: of the targets, as `target_spread` returns it.

    Returns:
        `predictions`, how many were measured, and for each measure `memory`, of the
        mean over networks; the `shortest` and the `longest` of single networks; `peak`,
        the lag of the largest effect, and `largest`, that effect. All but the last are
        null where nothing has an effect.
    """
    last = np.unique(table["last"].to_numpy())
    summary: dict[str, Any] = {
        "predictions": int(table["predictions"].to_numpy().max())
    }
    for measure in MEASURES:
        effects = table[measure].to_numpy().reshape(-1, len(last))
        least = LEAST * spread if measure == "change" else 0.0
        mean = effects.mean(axis=0)
        of_mean = memory(mean, last, least)
        single = [memory(effect, last, least) for effect in effects]
        known = [steps for steps in single if steps is not None]
        summary[measure] = {
            "memory": of_mean,
            "shortest": min(known, default=None),
            "longest": max(known, default=None),
            "peak": None if of_mean is None else int(last[mean.argmax()]),
            "largest": float(mean.max()),
        }
    return summary


def target_spread(target: np.ndarray) -> float:
    """Return the standard deviation of targets; 1 for classes."""
    return float(target.std(dtype=float)) if target.dtype.kind == "f" else 1.0


def by_burn_in(table: pd.DataFrame) -> pd.DataFrame:
    """Return scores by burn-in as `by_lag` does; the last line is of carried state."""
    return _over_networks(table, ["burn_in"], "score")


def _over_networks(table: pd.DataFrame, by: list[str], column: str) -> pd.DataFrame:
    return table.groupby(by, dropna=False)[column].agg(**RANGE).reset_index()


def of_warm_up(table: pd.DataFrame, score: str) -> dict[str, Any]:
    """Return the scores of stateful networks by how their state is warmed up.

    Args:
        table: as `warm_up.score_by_burn_in` returns it.
        score: which one it is of. An error that is worse by less than a hundredth is as
            good; an accuracy, by less than 0.01.

    Returns:
        `score`; for `zero_state` (null where it was not tried), `carried` and by its
        time steps each `burn_in`, the mean over networks and its interval; and
        `as_good_as_carrying`, the fewest time steps that are, 0 for a state of zeros,
        null where none are.
    """
    main = scores.of_columns([score]).main
    burn_in, values = table["burn_in"].to_numpy(), table["score"].to_numpy()
    carried = values[np.isnan(burn_in)]
    margin = main.margin(MARGIN, baseline=carried.mean())
    by_burn_in, as_good = {}, []
    for steps in np.unique(burn_in[~np.isnan(burn_in)]).astype(int).tolist():
        of_burn_in = values[burn_in == steps]
        by_burn_in[str(steps)] = dataclasses.asdict(interval(of_burn_in))
        if main.sign * of_burn_in.mean() >= main.sign * carried.mean() - margin:
            as_good.append(steps)
    return {
        "score": score,
        "zero_state": by_burn_in.pop("0", None),
        "burn_in": by_burn_in,
        "carried": dataclasses.asdict(interval(carried)),
        "as_good_as_carrying": min(as_good, default=None),
    }
