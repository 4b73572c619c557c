"""Shards: parts of the sequences, of which a worker holds one at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from statelab.data.sequences import Sequences
from statelab.errors import UserError
from statelab.io import files
from statelab.samples.windows import Windows, make_windows


class Shard(NamedTuple):
    """Some whole sequences, their splits, and the steps that trials are scored on."""

    sequences: Sequences  # with a target for each step
    windows: Windows  # `full`; one line for each sequence, or part of one
    scored_steps: np.ndarray  # int64 [predictions]; flat steps of validation, in order


def divide(shard: Shard, steps: int) -> Iterator[Shard]:
    """Cut a shard between sequences into smaller ones.

    Args:
        shard: what is cut.
        steps: of each, about; a sequence stays whole however long it is.

    Example:
        >>> data = Sequences(np.zeros((6, 1)), np.array([0, 2, 5, 6]), np.zeros(6))
        >>> split = np.array([0, 1, 0], np.int8)
        >>> whole = Shard(data, make_windows(data.offsets, split, layout="full"),
        ...               np.array([4]))
        >>> [(len(part.sequences.values), part.scored_steps)
        ...  for part in divide(whole, 3)]
        [(5, array([4])), (1, array([], dtype=int64))]
    """
    first, stop = shard.windows.first, shard.windows.stop
    number = first // steps  # of the shard that a sequence is in
    borders = np.flatnonzero(np.diff(number)) + 1
    for sequence in np.split(np.arange(len(first)), borders):
        begin, end = int(first[sequence[0]]), int(stop[sequence[-1]])
        scored = shard.scored_steps
        yield _shard(
            shard.sequences.values[begin:end],
            shard.sequences.targets[begin:end],
            np.append(first[sequence], end) - begin,
            shard.windows.split[sequence],
            scored[(scored >= begin) & (scored < end)] - begin,
        )


def write(file: Path, shard: Shard) -> None:
    """Write a shard as Parquet, a line for each step."""
    values, offsets, targets = shard.sequences
    steps = np.diff(offsets)
    features = {f"feature_{n}": column for n, column in enumerate(values.T)}
    scored = np.zeros(len(values), bool)
    scored[shard.scored_steps] = True
    table = pd.DataFrame(
        {
            "sequence": np.repeat(np.arange(len(steps)), steps),
            "split": np.repeat(shard.windows.split, steps),
            "scored": scored,
            "target": targets,
            **features,
        }
    )
    with files.atomic_write(file) as stream:
        table.to_parquet(stream, index=False)


def read(shard: Shard | Path) -> Shard:
    """Return a shard, out of its file where it is in one.

    Args:
        shard: the shard, or the file that `write` made of it.
    """
    if isinstance(shard, Shard):
        return shard
    if not shard.exists():
        raise UserError(f"{shard}: must be there for every worker, under this name")
    table = pd.read_parquet(shard)
    begins = np.flatnonzero(np.diff(table["sequence"], prepend=-1))
    return _shard(
        np.ascontiguousarray(table.filter(like="feature_").to_numpy()),
        table["target"].to_numpy(),
        np.append(begins, len(table)),
        table["split"].to_numpy()[begins],
        np.flatnonzero(table["scored"]),
    )


def _shard(
    values: np.ndarray,
    targets: np.ndarray,
    offsets: np.ndarray,
    split: np.ndarray,
    scored_steps: np.ndarray,
) -> Shard:
    windows = make_windows(offsets, split, layout="full")
    return Shard(Sequences(values, offsets, targets), windows, scored_steps)
