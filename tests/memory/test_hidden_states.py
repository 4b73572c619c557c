import numpy as np
import pytest

from statelab.data.sequences import Sequences
from statelab.memory import hidden_states
from statelab.networks.architecture import Architecture
from statelab.networks.saving import TrainedNetworks
from statelab.samples.windows import make_windows

# One unit, h = tanh(x + h/2), predicting 2h + 1; by hand where it says so.
NETWORK = TrainedNetworks(
    weights={
        "simple_rnn_0/kernel": np.float32([[[1]]]),
        "simple_rnn_0/recurrent_kernel": np.float32([[[0.5]]]),
        "simple_rnn_0/bias": np.float32([[0]]),
        "dense/kernel": np.float32([[[2]]]),
        "dense/bias": np.float32([[1]]),
    },
    architecture=Architecture("simple_rnn", "regression", 1, 1, 1, 1),
    scaling=None,
)
X = np.array([9, 9, 9, 0.5, -1.0, 0.2, 0.3, 2.0])  # the second sequence begins at 3
DATA = Sequences(X[:, None].astype(np.float32), np.array([0, 3, 8]), np.zeros(2))


def by_hand(*steps: int, h: float = 0.0) -> float:
    for step in steps:
        h = np.tanh(X[step] + h / 2)
    return h


def traced(reset="sequence", steps=99, **layout):
    table = make_windows(DATA.offsets, np.int8([0, 2]), **layout)
    return hidden_states.of_sequence(NETWORK, DATA, table, 1, reset=reset, steps=steps)


def test_state_is_carried_from_segment_to_segment_or_begins_anew():
    traces = traced(layout="per_timestep", segment_length=2)
    assert traces.step.tolist() == [3, 4, 5, 6, 7]
    assert traces.begins.tolist() == [True, False, True, False, True]
    assert traces.reset.tolist() == [True, False, False, False, False]
    through = [by_hand(*range(3, stop)) for stop in range(4, 9)]
    np.testing.assert_allclose(traces.carried.hidden[:, 0], through, rtol=1e-6)
    anew = [by_hand(3), by_hand(3, 4), by_hand(5), by_hand(5, 6), by_hand(7)]
    np.testing.assert_allclose(traces.alone.hidden[:, 0], anew, rtol=1e-6)
    np.testing.assert_allclose(
        traces.carried.predictions[:, 0], 2 * np.array(through) + 1, rtol=1e-6
    )


def test_carried_state_is_reset_as_it_was_trained():
    traces = traced("every_4", layout="per_timestep", segment_length=2)
    assert traces.reset.tolist() == [True, False, False, False, True]
    expected = [by_hand(3, 4, 5, 6), by_hand(7)]
    np.testing.assert_allclose(traces.carried.hidden[-2:, 0], expected, rtol=1e-6)


def test_windows_are_traced_after_their_last_step_and_read_steps_again():
    traces = traced(layout="subsampled", window_length=3, stride=2)
    assert traces.step.tolist() == [5, 7]
    assert traces.begins.all() and traces.reset.tolist() == [True, False]
    first = by_hand(3, 4, 5)
    expected = [first, by_hand(5, 6, 7, h=first)]
    np.testing.assert_allclose(traces.carried.hidden[:, 0], expected, rtol=1e-6)
    alone = [first, by_hand(5, 6, 7)]
    np.testing.assert_allclose(traces.alone.hidden[:, 0], alone, rtol=1e-6)


@pytest.mark.parametrize(
    "layout", [{"layout": "full"}, {"layout": "per_timestep", "segment_length": 2}]
)
def test_no_more_steps_than_are_wanted(layout):
    traces = traced(steps=3, **layout)
    assert traces.step.tolist() == [3, 4, 5]
    expected = [by_hand(3), by_hand(3, 4), by_hand(3, 4, 5)]
    np.testing.assert_allclose(traces.carried.hidden[:, 0], expected, rtol=1e-6)
