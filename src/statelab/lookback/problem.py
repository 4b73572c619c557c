"""What the trials of a search have in common, and what needs no network."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.evaluation import comparison
from statelab.evaluation.baselines import (
    Forecast,
    constant_prediction,
    constant_score,
    naive_forecasts,
)
from statelab.evaluation.ceilings import find_ceiling, visible_classes
from statelab.lookback import evaluation_set, shards, trials
from statelab.lookback.shards import Shard
from statelab.lookback.trials import Problem
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.samples import scaling
from statelab.samples.windows import (
    Windows,
    predictions_of,
    rewindow,
    sequences_in_split,
    with_targets,
)


class SearchData(NamedTuple):
    """The ground of a search, and what it is made of."""

    ground: Problem
    data: Sequences  # with a target for each step
    windows: Windows  # the split
    asked: np.ndarray  # int64 [answers]; flat steps of validation
    high: int  # steps of the longest window


def build_problem(
    sequences: Sequences,
    folder: Path,
    *,
    seed: int,
    scaled: bool,
    horizon: int,
    window: Mapping[str, Any],
    model: Mapping[str, Any],
    search: Mapping[str, Any],
) -> SearchData:
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
        UserError: as in `evaluation_set.build`.
    """
    data, windows, high, asked = evaluation_set.build(
        sequences, seed=seed, horizon=horizon, window=window, search=search
    )
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
    network = Architecture(
        cell=model["cell"],
        head=head,
        layers=model["layers"],
        units=model["units"],
        features=data.values.shape[1],
        outputs=outputs,
    )
    rule = (search[name] for name in ("schedule", "clipnorm", "updates"))
    ground = Problem(
        shards=tuple(pieces),
        shares=np.array(trained) / sum(trained),
        parts=_numbered(comparison.in_parts(data, asked)),
        scaling=scaling.fit(data, windows) if scaled else None,
        longest=int((windows.stop - windows.first).max()),
        network=network,
        optimizer=Optimizer(search["optimizer"], 0.0, *rule),
        forget_bias=model["forget_bias"],
        batch_size=search["batch_size"],
        seed=seed,
        seeds=search["seeds"],
    )
    return SearchData(ground, data, windows, asked, high)


def _to_train(windows: Windows) -> int:
    steps = windows.stop - windows.first
    return int(steps[windows.split == SPLITS["train"]].sum())


def _numbered(parts: list[np.ndarray]) -> np.ndarray:
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def baselines(laid: SearchData, forecast: Forecast | None) -> dict[str, float]:
    """Return the scores, on what trials are asked, of what is no network.

    Args:
        laid: the data, and what is asked.
        forecast: what is forecast, if anything is.

    Returns:
        `constant`, the most frequent class, or of values the mean over train; and of
        forecasts `persistence` and `seasonal_naive`, as in `bounds.of_scores`.
    """
    _, data, windows, asked, _ = laid
    target = data.targets[asked]
    train = predictions_of(windows, sequences_in_split(windows, SPLITS["train"]))
    constant = constant_prediction(target, with_targets(data, windows, train)[1])
    found = {"constant": constant_score(constant, target)}
    if forecast is not None and head_of(data.targets)[0] == "regression":
        groups = {"": (np.arange(len(asked)), target)}
        naive = naive_forecasts(data, trials.ending_at(asked, 1), groups, forecast)
        found |= {name: errors["rmse"] for name, errors in naive.items()}
    return found


def samples(laid: SearchData, settings: Mapping[str, Any]) -> int:
    """Return how many windows there are to train on, of some length and stride."""
    cut = rewindow(
        laid.windows,
        layout="subsampled",
        window_length=settings["window_length"],
        stride=settings["stride"],
    )
    chosen = sequences_in_split(cut, SPLITS["train"])
    return int((cut.samples[chosen + 1] - cut.samples[chosen]).sum())


def ceilings(
    laid: SearchData, window_lengths: Iterable[int]
) -> dict[int, float | None]:
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
            found[each] = find_ceiling(data, cut, cut.first, every, target)
        if found[each] is not None:
            alike = visible_classes(data.values, cut.first, cut.stop)
            if len(np.unique(alike)) > len(asked) / 2:
                found[each] = None
    return found
