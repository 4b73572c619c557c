import numpy as np
import pytest

from statelab.data.sequences import Sequences
from statelab.diagnosis import window_probes
from statelab.samples import scaling
from statelab.samples.windows import make_windows

OFFSETS = np.array([0, 6, 12])


def parts(first_stops):
    """Windows of one step of stretches of two sequences of six steps."""
    first, stop, split = np.array(first_stops).T
    cut = make_windows(
        np.append(0, np.cumsum(stop - first)), split.astype(np.int8), layout="full"
    )
    return cut._replace(first=first, stop=stop)


@pytest.mark.parametrize(
    "stretches, horizon, where",
    [
        ([(0, 4, 0), (4, 6, 2), (6, 12, 0)], 0, None),
        ([(0, 4, 0), (5, 6, 2), (6, 12, 0)], 1, None),  # test ends with its sequence
        ([(0, 4, 0), (5, 6, 2), (6, 12, 0)], 2, "sequence 0: train reaches to flat st"),
        ([(6, 10, 0), (9, 12, 1), (0, 6, 0)], 0, "sequence 1: train reaches to flat s"),
        ([(0, 4, 0), (3, 6, 0), (6, 12, 2)], 0, None),  # both train
    ],
)
def test_splits_that_share_steps_or_targets_are_named(stretches, horizon, where):
    finding = window_probes.overlap(OFFSETS, parts(stretches), horizon)
    assert finding.passed == (where is None)
    assert where is None or finding.where.startswith(where)


def test_a_scaling_of_more_than_training_is_named():
    values = np.float32([[1, 7], [3, 7], [5, 8], [9, 1]])
    data = Sequences(values, np.array([0, 3, 4]), np.array([0, 1]))
    cut = make_windows(data.offsets, np.int8([0, 2]), layout="full")
    own = scaling.fit(data, cut)
    assert window_probes.fitted_scaling(data, cut, own).passed
    everything = make_windows(data.offsets, np.int8([0, 0]), layout="full")
    finding = window_probes.fitted_scaling(data, cut, scaling.fit(data, everything))
    assert finding.where == (
        "`mean` of feature 0 is 4.5; that of the steps of training alone is 3"
    )
