"""What the trials of a search have in common, and scores that need no network."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.baselines.naive import (
    Forecast,
    constant_prediction,
    constant_score,
    naive_forecasts,
)
from statelab.config.settings import Params, SearchParams
from statelab.config.values import ForgetBias
from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.evaluation.ceilings import find_ceiling, visible_classes
from statelab.evaluation.loss_differences import FEW_SEQUENCES, PARTS
from statelab.evaluation.scoring import with_target
from statelab.lookback import evaluation_set, shards, trial_plans
from statelab.lookback.outcomes import Trial
from statelab.lookback.shards import Shard
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.samples import scaling
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows, rewindow, sequences_in_split
from statelab.training.options import architecture_for

STRETCHES = 20  # of time, where there are few sequences


class Problem(NamedTuple):
    """What all trials of a search have in common."""

    shards: tuple[Shard | Path, ...]  # the sequences; a file is read when it is needed
    shares: np.ndarray  # float64 [shards]; of the steps to train on
    parts: np.ndarray  # int64 [predictions]; the part of validation that each is in
    scaling: Scaling | None
    longest_sequence: int  # steps
    network: Architecture  # its units are each trial's own
    optimizer: Optimizer  # its learning rate is each trial's own
    forget_bias: ForgetBias  # up to the window; with carried state, up to the sequence
    batch_size: int
    seed: int  # of the first network
    seeds: int  # networks of a trial

    def network_of(self, trial: Trial) -> Architecture:
        """Return the network that a trial trains."""
        return self.network._replace(units=trial.units)


class SearchData(NamedTuple):
    """The problem of a search, and the data that it is made of."""

    problem: Problem
    sequences: Sequences  # with a target for each step
    windows: Windows  # the split
    longest_window: int  # steps
    scored_steps: np.ndarray  # int64 [predictions]; flat steps of validation


def build_problem(
    sequences: Sequences,
    folder: Path,
    params: Params,
    search_params: SearchParams,
    given: np.ndarray | None = None,
) -> SearchData:
    """Put together what the trials of a search need.

    Args:
        sequences: what is searched.
        folder: for shards, where `search.shard_steps` is set; workers read them there.
        params: of params.yaml.
        search_params: of search/params.yaml.
        given: the split of each sequence, as in `splitting.split_and_window`.

    Raises:
        UserError: as in `evaluation_set.build`.
    """
    search = search_params.search
    sequences, windows, longest_window, scored_steps = evaluation_set.build(
        sequences, params, search, given
    )
    everything = Shard(sequences, windows, scored_steps)
    pieces: list[Shard | Path] = [everything]
    train_steps = [_train_steps(windows)]
    if search.shard_steps is not None:
        pieces, train_steps = [], []
        for number, shard in enumerate(shards.divide(everything, search.shard_steps)):
            file = folder / f"{number:05}.parquet"
            shards.write(file, shard)
            pieces.append(file)
            train_steps.append(_train_steps(shard.windows))
    scaled = scaling.applies(params.window.scaling, params.generate.source)
    problem = Problem(
        shards=tuple(pieces),
        shares=np.array(train_steps) / sum(train_steps),
        parts=_numbered(_in_parts(sequences, scored_steps)),
        scaling=scaling.fit(sequences, windows) if scaled else None,
        longest_sequence=int((windows.stop - windows.first).max()),
        network=architecture_for(sequences, params.model),
        optimizer=Optimizer(
            search.optimizer, 0.0, search.schedule, search.clipnorm, search.updates
        ),
        forget_bias=ForgetBias(search_params.model.forget_bias),
        batch_size=search.batch_size,
        seed=params.seed,
        seeds=search.seeds,
    )
    return SearchData(problem, sequences, windows, longest_window, scored_steps)


def _train_steps(windows: Windows) -> int:
    steps = windows.stop - windows.first
    return int(steps[windows.split == SPLITS["train"]].sum())


def _numbered(parts: list[np.ndarray]) -> np.ndarray:
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def baselines(data: SearchData, forecast: Forecast | None) -> dict[str, float]:
    """Return the scores of predictions that need no network, at the scored steps.

    Args:
        data: the sequences, and the scored steps.
        forecast: what is forecast, if anything is.

    Returns:
        `constant`, the most frequent class, or of values the mean over train; and of
        forecasts `persistence` and `seasonal_naive`.
    """
    sequences, windows, steps = data.sequences, data.windows, data.scored_steps
    target = sequences.targets[steps]
    _, train_target = with_target(sequences, windows, "train")
    constant = constant_prediction(target, train_target)
    baselines = {"constant": constant_score(constant, target)}
    if forecast is None or head_of(sequences.targets)[0] != "regression":
        return baselines
    groups = {"": (np.arange(len(steps)), target)}
    table = trial_plans.ending_at(steps, 1)
    naive = naive_forecasts(sequences, table, groups, forecast)
    return baselines | {name: errors["rmse"] for name, errors in naive.items()}


def samples(data: SearchData, settings: Mapping[str, Any]) -> int:
    """Return how many windows there are to train on, of some length and stride."""
    table = rewindow(
        data.windows,
        layout="subsampled",
        window_length=settings["window_length"],
        stride=settings["stride"],
    )
    train = sequences_in_split(table, SPLITS["train"])
    return int((table.samples[train + 1] - table.samples[train]).sum())


def ceilings(
    data: SearchData, window_lengths: Iterable[int]
) -> dict[int, float | None]:
    """Return the best accuracy that windows allow, at the scored steps.

    Args:
        data: the sequences, and the scored steps.
        window_lengths: of which.

    Returns:
        By window length, the accuracy of a majority vote over equal windows. None of
        values; where features are continuous; and where more than half of the windows
        are distinct, so that few can vote together.
    """
    sequences, steps = data.sequences, data.scored_steps
    ceilings: dict[int, float | None] = {}
    target, every = sequences.targets[steps], np.arange(len(steps))
    for window_length in window_lengths:
        table, ceiling = trial_plans.ending_at(steps, window_length), None
        if head_of(sequences.targets)[0] != "regression":
            ceiling = find_ceiling(sequences, table, table.first, every, target)
        if ceiling is not None:
            equal = visible_classes(sequences.values, table.first, table.stop)
            if len(np.unique(equal)) > len(steps) / 2:
                ceiling = None
        ceilings[window_length] = ceiling
    return ceilings


def _in_parts(sequences: Sequences, step: np.ndarray) -> list[np.ndarray]:
    """Cut time steps into parts, over which scores can be compared.

    With at least `FEW_SEQUENCES`, a part is some sequences; with fewer, a stretch of
    time.

    Args:
        sequences: where they begin.
        step: flat time steps, in order, [steps].

    Returns:
        For each part, which of `step` it holds, counted from 0.
    """
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    distinct, part = np.unique(sequence, return_inverse=True)
    if len(distinct) >= FEW_SEQUENCES:
        count = min(len(distinct), PARTS)
        part = part * count // len(distinct)
    else:
        count = min(len(step), STRETCHES)
        part = np.arange(len(step)) * count // len(step)
    return np.split(np.arange(len(step)), np.searchsorted(part, range(1, count)))
