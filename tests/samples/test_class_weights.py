import numpy as np

from statelab.data.sequences import Sequences
from statelab.samples import class_weights
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import make_plan
from statelab.samples.windows import make_windows

OFFSETS, SPLIT = np.array([0, 6, 10, 15]), np.int8([0, 0, 2])
# train has one of class 0, three of 1, five of 3, none of 2
TARGETS = np.array([0, 3, 3, -1, 3, 3, 1, 1, 3, 1, 2, 2, 2, 2, 0])
DATA = Sequences(np.zeros((15, 1), np.float32), OFFSETS, TARGETS)
EXPECTED = [9 / 3, 9 / 9, 0, 9 / 15]


def cut(**layout):
    return make_windows(OFFSETS, SPLIT, **layout)


def test_each_class_of_train_counts_as_much():
    table = cut(layout="per_timestep", segment_length=2)
    weights = class_weights.balanced(DATA, table)
    np.testing.assert_allclose(weights, EXPECTED, rtol=1e-6)
    counted = np.bincount(TARGETS[:10][TARGETS[:10] >= 0], minlength=4)
    np.testing.assert_allclose((weights * counted)[[0, 1, 3]], 3, rtol=1e-6)


def test_targets_that_no_sample_predicts_do_not_count():
    table = cut(layout="subsampled", window_length=3, stride=1)
    # steps 2, 4, 5 of the first sequence, which has none at 3, and 2, 3 of the second
    np.testing.assert_allclose(
        class_weights.balanced(DATA, table), [0, 5 / 2, 0, 5 / 8], rtol=1e-6
    )


def test_a_reader_weighs_steps_by_their_class():
    table = cut(layout="per_timestep", segment_length=2)
    plan = make_plan(table, np.array([0]), batch_size=1, stateful=True)
    weights = np.float32(EXPECTED)
    chunk = ChunkReader(DATA, table, [plan], class_weight=weights).read(0, plan.batches)
    expected = np.float32([[3, 0.6], [0.6, 0], [0.6, 0.6]])  # no target at step 3
    np.testing.assert_allclose(chunk.weight[:, 0, 0], expected, rtol=1e-6)
