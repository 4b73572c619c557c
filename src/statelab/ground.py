"""What the trials of a search have in common: data, split, and what they are asked."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab import entrants, layouts, metrics, scaling, scores, shards, trials
from statelab.errors import UserError
from statelab.layouts import Windows
from statelab.optimizers import Optimizer
from statelab.sequences import SPLITS, Sequences, head_of, present
from statelab.shards import Shard
from statelab.training import Network
from statelab.trials import Ground

LONGEST = 128  # steps of a window that are searched, unless `search.high` says more


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
        seed, horizon: as in `layouts.cut`.
        window: the section of params.yaml.
        validation_size: where `window` has none.
    """
    size = window["validation_size"] or validation_size
    whole = {**window, "layout": "full", "validation_size": size}
    return layouts.cut(data, seed=seed, horizon=horizon, **whole)


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
        >>> table = layouts.windows(data.offsets, np.array([0, 1]), layout="full")
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


class Laid(NamedTuple):
    """The ground of a search, and what it is made of."""

    ground: Ground
    data: Sequences  # with a target for each step
    windows: Windows  # the split
    asked: np.ndarray  # int64 [answers]; flat steps of validation
    high: int  # steps of the longest window


def lay(
    sequences: Sequences,
    folder: Path,
    *,
    seed: int,
    scaled: bool,
    horizon: int,
    window: Mapping[str, Any],
    model: Mapping[str, Any],
    search: Mapping[str, Any],
) -> Laid:
    """Put together what the trials of a search need.

    Args:
        sequences: what is searched.
        folder: for shards, where they are asked for; workers have to see it as well.
        seed: of the split, of the steps that are scored, and of the first network.
        scaled: scale features and values.
        horizon: steps ahead of which targets are.
        window, model: the sections of params.yaml, `model.forget_bias` that of the
            search.
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
    asked = asked_of(data, windows, high, search["answers"], rng)
    whole = Shard(data, windows, asked)
    pieces: list[Shard | Path] = [whole]
    trained = [_to_train(windows)]
    if search["shard_steps"] is not None:
        pieces, trained = [], []
        for number, shard in enumerate(shards.divide(whole, search["shard_steps"])):
            file = folder / f"{number:05}.parquet"
            shards.write(file, shard)
            pieces.append(file)
            trained.append(_to_train(shard.windows))
    head, outputs = head_of(data.targets)
    network = Network(
        cell=model["cell"],
        head=head,
        layers=model["layers"],
        units=model["units"],
        features=data.values.shape[1],
        outputs=outputs,
    )
    rule = (search[name] for name in ("schedule", "clipnorm", "updates"))
    ground = Ground(
        shards=tuple(pieces),
        shares=np.array(trained) / sum(trained),
        parts=_numbered(entrants.in_parts(data, asked)),
        scaling=scaling.fit(data, windows) if scaled else None,
        longest=int((windows.stop - windows.first).max()),
        network=network,
        optimizer=Optimizer(search["optimizer"], 0.0, *rule),
        forget_bias=model["forget_bias"],
        batch_size=search["batch_size"],
        seed=seed,
        seeds=search["seeds"],
    )
    return Laid(ground, data, windows, asked, high)


def each_step(data: Sequences) -> Sequences:
    """Give each step a target of its own, where sequences have one."""
    if len(data.targets) == len(data.values):
        return data
    return data._replace(targets=np.repeat(data.targets, np.diff(data.offsets)))


def _to_train(windows: Windows) -> int:
    steps = windows.stop - windows.first
    return int(steps[windows.split == SPLITS["train"]].sum())


def _numbered(parts: list[np.ndarray]) -> np.ndarray:
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def baselines(laid: Laid, forecast: metrics.Forecast | None) -> dict[str, float]:
    """Return the scores, on what trials are asked, of what is no network.

    Args:
        laid: the data, and what is asked.
        forecast: what is forecast, if anything is.

    Returns:
        `one_answer`, the most frequent class, or of values the mean over train; and of
        forecasts `persistence` and `seasonal_naive`, as in `metrics.bounds`.
    """
    _, data, windows, asked, _ = laid
    target = data.targets[asked]
    if head_of(data.targets)[0] != "regression":
        return {"one_answer": metrics.majority_vote(np.zeros(len(target)), target)}
    train = layouts.answers_of(windows, layouts.of_split(windows, SPLITS["train"]))
    _, known = layouts.with_target(data, windows, train)
    mean = np.full((1, len(target)), known.mean())
    found = {"one_answer": float(scores.rmse(mean, target)[0])}
    if forecast is not None:
        groups = {"": (np.arange(len(asked)), target)}
        naive = metrics.naive_forecasts(
            data, trials.ending_at(asked, 1), groups, forecast
        )
        found |= {name: errors["rmse"] for name, errors in naive.items()}
    return found


def samples(laid: Laid, settings: Mapping[str, Any]) -> int:
    """Return how many windows there are to train on, of some length and stride."""
    cut = layouts.recut(
        laid.windows,
        layout="subsampled",
        window_length=settings["window_length"],
        stride=settings["stride"],
    )
    chosen = layouts.of_split(cut, SPLITS["train"])
    return int((cut.samples[chosen + 1] - cut.samples[chosen]).sum())


def ceilings(laid: Laid, window_lengths: Iterable[int]) -> dict[int, float | None]:
    """Return the best accuracy that windows allow, on what trials are asked.

    Args:
        laid: the data, and what is asked.
        window_lengths: of which.

    Returns:
        By window length, the accuracy of a majority vote over equal windows. None of
        values; where features are continuous; and where most windows are like no other,
        so that a vote says nothing.
    """
    found: dict[int, float | None] = {}
    data, asked = laid.data, laid.asked
    target, every = data.targets[asked], np.arange(len(asked))
    for each in window_lengths:
        cut, found[each] = trials.ending_at(asked, each), None
        if head_of(data.targets)[0] != "regression":
            found[each] = metrics.ceiling(data, cut, cut.first, every, target)
        if found[each] is not None:
            alike = metrics.visible_classes(data.values, cut.first, cut.stop)
            if len(np.unique(alike)) > len(asked) / 2:
                found[each] = None
    return found
