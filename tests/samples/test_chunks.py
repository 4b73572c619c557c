import numpy as np
import pytest

from statelab.data.sequences import Sequences
from statelab.samples.chunks import ChunkReader, stretches, targets_of_samples
from statelab.samples.plans import make_plan
from statelab.samples.scaling import Scaling
from statelab.samples.windows import locate_samples, sample_lengths


@pytest.mark.parametrize("features", [1, 3])
def test_stretches_are_the_steps_one_by_one(features):
    """One that overruns the end has its own steps first, and then any."""
    values = np.arange(7 * features, dtype=np.float32).reshape(7, features)
    x = stretches(values, np.array([[0, 3], [4, 6]]), 4)
    assert x.shape == (2, 2, 4, features)
    for stretch, first in zip(x.reshape(4, 4, features), (0, 3, 4, 6), strict=True):
        expected = values[first : first + 4]
        np.testing.assert_array_equal(stretch[: len(expected)], expected)


def targets(sequences, table, sample, burn_in=0):
    located = locate_samples(table, np.maximum(sample, 0))
    _, timesteps = sample_lengths(table)
    both = targets_of_samples(sequences, table, sample, located, timesteps, burn_in)
    return [field.tolist() for field in both]


def test_segments_have_the_targets_of_each_of_their_steps(cut):
    of_steps = np.array([5, 4, -1, 2, 1, 7, -1, 9])
    sequences = Sequences(np.zeros((8, 1)), np.array([0, 5, 8]), of_steps)
    table = cut(sequences, layout="per_timestep", segment_length=2)
    # samples 0 1 2 of steps 01 23 4-, and 3 4 of 56 7-
    target, weight = targets(sequences, table, np.array([[1, 4], [0, -1]]))
    assert weight == [[[0, 1], [1, 0]], [[1, 1], [0, 0]]]
    assert target[0] == [[0, 2], [9, 9]] and target[1][0] == [5, 4]
    _, weight = targets(sequences, table, np.array([0, 1, 2, 3, 4]), burn_in=1)
    assert weight == [[0, 1], [0, 1], [1, 0], [0, 0], [1, 0]]
    _, weight = targets(sequences, table, np.array([0, 1, 2, 3, 4]), burn_in=4)
    assert weight == [[0, 0], [0, 0], [1, 0], [0, 0], [0, 0]]


def test_windows_have_the_target_of_their_last_step(cut):
    sequences = Sequences(
        np.zeros((5, 1)), np.array([0, 3, 5]), np.float32([0.5, np.nan, 2, 3, 4])
    )
    table = cut(sequences, layout="subsampled", window_length=2)
    assert targets(sequences, table, np.array([0, 1, 2, -1])) == [
        [[0], [2], [4], [0]],
        [[0], [1], [1], [0]],
    ]
    _, weight = targets(sequences, table, np.array([0, 1, 2]), burn_in=2)
    assert weight == [[0], [1], [0]]


def test_a_target_of_a_sequence_is_that_of_each_of_its_steps(ragged, cut):
    table = cut(ragged, layout="full")
    target, weight = targets(ragged, table, np.array([0, 1]))
    assert target == [[1] * 5, [0] * 5]
    assert weight == [[1] * 5, [1, 1, 1, 0, 0]]


def test_read_scales_features_and_targets(cut):
    values = np.float32([[1, 10], [2, 30], [3, 50]])
    sequences = Sequences(values, np.array([0, 1, 3]), np.float32([4, np.nan, 10]))
    table = cut(sequences, layout="per_timestep", segment_length=2)
    plan = make_plan(table, np.arange(2), batch_size=2, stateful=True)
    parts = ([1, 10], [2, 20], [4], [3])
    scaling = Scaling(*(np.float32(part) for part in parts))
    read = ChunkReader(sequences, table, [plan], scaling).read(0, 1)
    assert read.x[0, 0, 1].tolist() == [[0.5, 1], [1, 2]]
    assert read.x[0, 0, 0, 0].tolist() == [0, 0]
    assert read.weight[0, 0].tolist() == [[1, 0], [0, 1]]
    assert (read.target[0, 0, 0, 0], read.target[0, 0, 1, 1]) == (0, 2)
