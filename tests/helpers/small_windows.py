"""Small tables of windows, and what is read off them."""

import numpy as np
from hypothesis import strategies as st

from statelab.data.sequences import Sequences
from statelab.samples.windows import (
    Samples,
    Windows,
    locate_samples,
    make_windows,
)


def cut(lengths, **layout) -> Windows:
    sizes = {"window_length": 1, "stride": 1, "segment_length": 1, **layout}
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return make_windows(offsets, np.zeros(len(lengths), np.int8), **sizes)


def three_sequences() -> tuple[Sequences, Windows]:
    """Of two steps each: label 0 in train, then labels 1 and 0 in test."""
    values = np.float32([[0], [1], [1], [0], [0], [1]])
    task = Sequences(values, np.array([0, 2, 4, 6]), np.array([0, 1, 0]))
    table = make_windows(
        task.offsets, np.int8([0, 2, 2]), layout="per_timestep", segment_length=1
    )
    return task, table


def samples(table: Windows) -> Samples:
    return locate_samples(table, np.arange(table.samples[-1]))


def pairs(table: Windows) -> list[tuple[int, int]]:
    """The first step and the length of each sample."""
    _, first, length = samples(table)
    return list(zip(first.tolist(), length.tolist(), strict=True))


lengths_of_sequences = st.lists(st.integers(1, 9), min_size=1, max_size=6)
