"""What a lookback search asks: up to which window, and at which steps of validation."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from statelab.data.sequences import SPLITS, Sequences, present
from statelab.errors import UserError
from statelab.samples import splitting
from statelab.samples.windows import Windows

LONGEST = 128  # steps of a window that are searched, unless `search.high` says more


class EvaluationSet(NamedTuple):
    """What every trial of a search is asked, and of which data."""

    data: Sequences  # with a target for each step
    windows: Windows  # the sequences, and their split
    high: int  # steps of the longest window
    asked: np.ndarray  # int64 [answers]; flat steps of validation


def build(
    sequences: Sequences,
    *,
    seed: int,
    horizon: int,
    window: Mapping[str, Any],
    search: Mapping[str, Any],
) -> EvaluationSet:
    """Split sequences, and choose what is asked of validation.

    Args:
        sequences: what is searched.
        seed: of the split, and of the steps that are chosen.
        horizon: steps ahead of which targets are.
        window: the section of params.yaml.
        search: the section of search/params.yaml.

    Raises:
        UserError: a split, or the longest window, leaves nothing to train or score on.
    """
    data = each_step(sequences)
    windows = split(
        data,
        seed=seed,
        horizon=horizon,
        window=window,
        validation_size=search["validation_size"],
    )
    high = longest_window(windows, search["high"], search["low"])
    rng = np.random.default_rng((seed, 6))
    return EvaluationSet(
        data, windows, high, asked_of(data, windows, high, search["answers"], rng)
    )


def each_step(data: Sequences) -> Sequences:
    """Give each step a target of its own, where sequences have one."""
    if len(data.targets) == len(data.values):
        return data
    return data._replace(targets=np.repeat(data.targets, np.diff(data.offsets)))


def split(
    data: Sequences,
    *,
    seed: int,
    horizon: int,
    window: Mapping[str, Any],
    validation_size: int | float,
) -> Windows:
    """Split sequences as the pipeline does, but always with a validation split.

    Args:
        data: the sequences.
        seed, horizon: as in `splitting.split_and_window`.
        window: the section of params.yaml.
        validation_size: where `window` has none.
    """
    size = window["validation_size"] or validation_size
    whole = {**window, "layout": "full", "validation_size": size}
    return splitting.split_and_window(data, seed=seed, horizon=horizon, **whole)


def longest_window(windows: Windows, high: int | None, low: int) -> int:
    """Return the longest window that is searched.

    Args:
        windows: the sequences, and their split.
        high: what is asked for; None for as many steps as half of the sequences to
            validate on have, at most 128.
        low: the shortest window.

    Raises:
        UserError: no sequence is as long.
    """
    steps = windows.stop - windows.first
    train, validation = (
        steps[windows.split == SPLITS[name]] for name in ("train", "validation")
    )
    most = int(min(train.max(), validation.max()))
    if high is None:
        high = int(min(LONGEST, most, np.median(validation[validation > 0])))
    if high > most:
        raise UserError(
            "search/params.yaml: `search.high` must not be longer than every sequence; "
            f"to train and to validate on these have up to {most} steps. "
            f"Received: {high}"
        )
    if low > high:
        raise UserError(
            f"search/params.yaml: `search.low` must not be above {high}, the longest "
            f"window. Received: {low}"
        )
    return high


def asked_of(
    data: Sequences, windows: Windows, high: int, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the steps of validation that every window can answer, in order.

    Args:
        data: the sequences, with a target for each step.
        windows: their split.
        high: the longest window.
        most: steps; of more some are drawn.
        rng: draws them.

    Raises:
        UserError: there is none.

    Example:
        >>> data = Sequences(np.zeros((8, 1)), np.array([0, 3, 8]), np.arange(8.0))
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(data.offsets, np.array([0, 1]), layout="full")
        >>> asked_of(data, table, high=4, most=9, rng=np.random.default_rng(0))
        array([6, 7])
    """
    chosen = windows.split == SPLITS["validation"]
    steps = [
        np.arange(first + high - 1, stop)
        for first, stop in zip(windows.first[chosen], windows.stop[chosen], strict=True)
    ]
    asked = np.concatenate(steps)
    asked = asked[present(data.targets[asked])]
    if not len(asked):
        raise UserError(
            "search/params.yaml: `search.high` must leave a step of validation with a "
            f"target that every window answers. Received: {high}"
        )
    if len(asked) > most:
        asked = np.sort(rng.choice(asked, most, replace=False))
    return asked
