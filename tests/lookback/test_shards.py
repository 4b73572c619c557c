"""Shards are their whole, cut between sequences, and files give them back."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from statelab.data.sequences import SPLITS, Sequences
from statelab.lookback import shards
from statelab.lookback.shards import Shard
from statelab.samples.windows import make_windows


@st.composite
def wholes(draw) -> Shard:
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    offsets = np.cumsum([0, *lengths])
    steps, features = int(offsets[-1]), draw(st.integers(1, 12))
    values = np.arange(steps * features, dtype=np.float32).reshape(steps, features)
    codes = st.sampled_from(sorted(SPLITS.values()))
    split = draw(st.lists(codes, min_size=len(lengths), max_size=len(lengths)))
    kinds = {"classes": np.arange(steps) % 3, "values": np.arange(steps) / 7}
    targets = kinds[draw(st.sampled_from(sorted(kinds)))]
    scored = draw(st.sets(st.integers(0, steps - 1)))
    windows = make_windows(offsets, np.int8(split), layout="full")
    data = Sequences(values, offsets, targets)
    return Shard(data, windows, np.array(sorted(scored), int))


def assert_equal(ours: Shard, theirs: Shard) -> None:
    for mine, yours in zip(ours[:2], theirs[:2], strict=True):
        for field, one, other in zip(mine._fields, mine, yours, strict=True):
            assert_array_equal(one, other, err_msg=field)
    assert_array_equal(ours.scored_steps, theirs.scored_steps)
    assert ours.sequences.values.dtype == theirs.sequences.values.dtype
    assert ours.sequences.targets.dtype == theirs.sequences.targets.dtype
    assert ours.windows.split.dtype == theirs.windows.split.dtype


@given(wholes(), st.integers(1, 30))
def test_shards_put_together_are_the_whole(whole, steps):
    pieces = list(shards.divide(whole, steps))
    sequences = [piece.sequences for piece in pieces]
    begins = np.cumsum([0, *(len(part.values) for part in sequences)])
    assert_array_equal(np.concatenate([part.values for part in sequences]), whole[0][0])
    assert_array_equal(
        np.concatenate([part.targets for part in sequences]), whole.sequences.targets
    )
    assert_array_equal(
        np.concatenate([np.diff(part.offsets) for part in sequences]),
        np.diff(whole.sequences.offsets),
    )
    assert_array_equal(
        np.concatenate([piece.windows.split for piece in pieces]), whole.windows.split
    )
    scored = [
        piece.scored_steps + begin
        for piece, begin in zip(pieces, begins[:-1], strict=True)
    ]
    assert_array_equal(np.concatenate(scored), whole.scored_steps)
    # what is above the given size belongs to a last sequence, of 9 steps at most
    assert max(len(part.values) for part in sequences) < steps + 9


@given(wholes())
def test_a_file_gives_a_shard_back(whole):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "00000.parquet"
        shards.write(file, whole)
        assert_equal(shards.read(file), whole)
    assert shards.read(whole) is whole


def test_a_sequence_stays_whole_however_long_it_is():
    offsets = np.array([0, 1, 8, 10])
    windows = make_windows(offsets, np.int8([0, 1, 0]), layout="full")
    data = Sequences(np.zeros((10, 1), np.float32), offsets, np.arange(10))
    pieces = shards.divide(Shard(data, windows, np.array([7])), 3)
    assert [piece.sequences.targets.tolist() for piece in pieces] == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [8, 9],
    ]
