"""How far trained networks look back: what `attribution` has measured, summed up."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from statelab.evaluation.statistics import interval
from statelab.formatting import in_steps, number

SHARE = 0.05  # of the largest effect, below which a lag does not count
LEAST = 0.001  # of a probability, or of the targets' spread; less is no effect at all
MARGIN = 0.01  # of a score, below which a difference does not matter
MEASURES = ("change", "slope")
RANGE: dict[str, Any] = {"mean": "mean", "lowest": "min", "highest": "max"}


def looks_back(effect: np.ndarray, last: np.ndarray, least: float = 0.0) -> int | None:
    """Return the memory horizon: the largest lag with an effect that counts.

    That is a twentieth of the largest, as an effective receptive field ends where an
    input has less than 4.55 % of the effect of the one at its centre.

    Args:
        effect: of each stretch of lags, [stretches].
        last: the last lag of each, [stretches].
        least: the largest effect must be above it, or else nothing counts.

    Example:
        >>> looks_back(np.array([1.0, 0.0, 0.06, 0.04]), np.arange(4))
        2

    Reference:
        Luo, Li, Urtasun and Zemel, Understanding the Effective Receptive Field in Deep
        Convolutional Neural Networks, 2016.
    """
    largest = effect.max()
    if largest <= least:
        return None
    return int(last[effect >= SHARE * largest].max())


def by_lag(measured: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what was measured as the mean and the range over networks.

    Args:
        measured: by mode, as `attribution.measure` returns it.

    Returns:
        One line for each mode, measure and stretch of lags: `mode`, `measure`, `lag`
        and `last`, `answers`, `mean`, `lowest` and `highest`.
    """
    parts = [
        _over_networks(table, ["lag", "last", "answers"], measure).assign(
            mode=mode, measure=measure
        )
        for mode, table in measured.items()
        for measure in MEASURES
    ]
    columns = ["mode", "measure", "lag", "last", "answers", *RANGE]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


def summary(table: pd.DataFrame, spread: float = 1.0) -> dict[str, Any]:
    """Say how far the networks of one mode look back.

    Args:
        table: as `attribution.measure` returns it.
        spread: of the targets; 1 for classes.

    Returns:
        `answers`, how many were looked at, and for each measure `looks_back`, by the
        mean over networks; the `shortest` and the `longest` of single networks; `peak`,
        the lag of the largest effect, and `largest`, that effect. All but the last are
        null where nothing has one.
    """
    last = np.unique(table["last"].to_numpy())
    found: dict[str, Any] = {"answers": int(table["answers"].to_numpy().max())}
    for measure in MEASURES:
        effects = table[measure].to_numpy().reshape(-1, len(last))
        least = LEAST * spread if measure == "change" else 0.0
        mean = effects.mean(axis=0)
        single = [looks_back(each, last, least) for each in effects]
        known = [each for each in single if each is not None]
        lag = looks_back(mean, last, least)
        found[measure] = {
            "looks_back": lag,
            "shortest": min(known, default=None),
            "longest": max(known, default=None),
            "peak": None if lag is None else int(last[mean.argmax()]),
            "largest": float(mean.max()),
        }
    return found


def headline(summaries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the few figures that experiments are compared by.

    Args:
        summaries: by mode a `summary`, and `warm_up`.

    Returns:
        How far the networks of each mode look back, and the burn-in that is as good as
        carrying state, in steps; what is not known is left out.
    """
    steps = {
        "stateless": {"looks_back": summaries["stateless"]["change"]["looks_back"]},
        "stateful": {
            "looks_back": summaries["stateful"]["change"]["looks_back"],
            "burn_in": summaries["warm_up"]["as_good_as_carrying"],
        },
    }
    return {
        mode: {name: count for name, count in counts.items() if count is not None}
        for mode, counts in steps.items()
    }


def by_burn_in(table: pd.DataFrame) -> pd.DataFrame:
    """Return scores by burn-in as `by_lag` does; the last line is of carried state."""
    return _over_networks(table, ["burn_in"], "score")


def _over_networks(table: pd.DataFrame, by: list[str], column: str) -> pd.DataFrame:
    return table.groupby(by, dropna=False)[column].agg(**RANGE).reset_index()


def warm_ups(table: pd.DataFrame, score: str) -> dict[str, Any]:
    """Say how networks score by how their state is warmed up.

    Args:
        table: as `attribution.warm_up` returns it.
        score: which it is of. Of `rmse`, what is worse by less than a hundredth is as
            good; of `accuracy`, by less than 0.01.

    Returns:
        `score`; for `zero_state` (null where it was not tried), `carried` and by its
        steps each `burn_in`, the mean over networks and its interval; and
        `as_good_as_carrying`, the fewest steps that are, 0 for a state of zeros, null
        where none are.
    """
    burn_in, values = table["burn_in"].to_numpy(), table["score"].to_numpy()
    carried = values[np.isnan(burn_in)]
    found, enough = {}, []
    for steps in np.unique(burn_in[~np.isnan(burn_in)]).astype(int).tolist():
        scored = values[burn_in == steps]
        found[str(steps)] = dataclasses.asdict(interval(scored))
        if score == "rmse":
            good = scored.mean() <= (1 + MARGIN) * carried.mean()
        else:
            good = scored.mean() >= carried.mean() - MARGIN
        if good:
            enough.append(steps)
    return {
        "score": score,
        "zero_state": found.pop("0", None),
        "burn_in": found,
        "carried": dataclasses.asdict(interval(carried)),
        "as_good_as_carrying": min(enough, default=None),
    }


def in_words(told: Mapping[str, Any]) -> dict[str, str]:
    """Say in a sentence each how far back each mode looks, and what a burn-in is worth.

    Args:
        told: by mode a `summary`, and `warm_up`.
    """
    words = {
        mode: f"{mode} networks {_looks_back(told[mode]['change'])}"
        for mode in ("stateless", "stateful")
    }
    return {**words, "warm_up": _warm_up(told["warm_up"])}


def _looks_back(found: Mapping[str, Any]) -> str:
    if found["looks_back"] is None:
        return "answer alike whatever they have read"
    text = f"look back {in_steps(found['looks_back'])}"
    if found["shortest"] < found["longest"]:
        text += f" (single ones {found['shortest']} to {found['longest']})"
    if found["peak"] != found["looks_back"]:
        text += f"; most depends on what they have read {in_steps(found['peak'])} back"
    changes = f"by {number(found['largest'])} on average"
    return f"{text}: another value there changes their answers {changes}"


def _warm_up(found: Mapping[str, Any]) -> str:
    score = found["score"]
    if found["zero_state"] is None:
        return (
            "what state is warmed up by cannot be told: samples were put into lanes in "
            "naive order, or are very long. Carried state has "
            f"{score} {number(found['carried']['mean'])}"
        )
    if not found["burn_in"]:
        return (
            "no sample of a test sequence has more than a step before it: there is no "
            f"burn-in to try. A state of zeros has {score} "
            f"{number(found['zero_state']['mean'])}, carried state "
            f"{number(found['carried']['mean'])}"
        )
    parts = {"a state of zeros": found["zero_state"]}
    longest = list(found["burn_in"])[-1]
    parts[f"a burn-in of {in_steps(int(longest))}"] = found["burn_in"][longest]
    parts["carried state"] = found["carried"]
    scored = ", ".join(f"{name} {number(each['mean'])}" for name, each in parts.items())
    match found["as_good_as_carrying"]:
        case None:
            good = "no burn-in that was tried is as good as carrying"
        case 0:
            good = "a state of zeros is as good as carrying"
        case enough:
            good = f"a burn-in of {in_steps(enough)} is as good as carrying"
    return (
        f"stateful networks by what their state begins with, {score}: {scored}; {good}"
    )
