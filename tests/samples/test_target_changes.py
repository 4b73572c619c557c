"""Forecasts as changes, on two sequences whose numbers are worked out by hand."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from statelab.data.sequences import Sequences
from statelab.errors import UserError
from statelab.samples import target_changes
from statelab.samples.target_changes import TargetChange, UserUnits
from statelab.samples.windows import make_windows

NONE = np.nan
KINDS = ("difference", "log_difference", "seasonal_difference")
E = np.e


def sequences(one, other, horizon: int) -> Sequences:
    """Two sequences with another feature before the one that is forecast."""
    ahead = [np.append(y, [NONE] * horizon)[horizon:] for y in (one, other)]
    levels = np.concatenate([one, other])
    values = np.stack([100 + np.arange(len(levels)), levels], axis=1)
    offsets = np.array([0, len(one), len(one) + len(other)])
    return Sequences(
        values.astype(np.float32), offsets, np.concatenate(ahead).astype(np.float32)
    )


ONE, OTHER = [3, 4, 9, 7, 20], [50, 10, 13]
EXPONENTS = [E**2, E**5, E**4], [E, E**7]
EXPECTED = [
    # y[t] - y[t - 1], and y[t + 2] - y[t]
    (
        sequences(ONE, OTHER, horizon=2),
        TargetChange("difference", feature=1, horizon=2),
        [0, 1, 5, -2, 13, 0, -40, 3],
        [6, 3, 11, NONE, NONE, -37, NONE, NONE],
        [3, 4, 9, 7, 20, 50, 10, 13],
    ),
    (
        sequences(*EXPONENTS, horizon=1),
        TargetChange("log_difference", feature=1, horizon=1),
        [0, 3, -1, 0, 6],
        [3, -1, NONE, 6, NONE],
        [E**2, E**5, E**4, E, E**7],
    ),
    # a season of 3, one step ahead: the value of two steps before, once there is one
    (
        sequences(ONE, OTHER, horizon=1),
        TargetChange("seasonal_difference", feature=1, horizon=1, season=3),
        [0, 0, 0, 4, 16, 0, 0, 0],
        [1, 5, 4, 16, NONE, -40, 3, NONE],
        [3, 4, 3, 4, 9, 50, 10, 50],
    ),
    # a season of 2, three steps ahead: the value of one step before
    (
        sequences(ONE, OTHER, horizon=3),
        TargetChange("seasonal_difference", feature=1, horizon=3, season=2),
        [0, 0, 6, 3, 11, 0, 0, -37],
        [4, 17, NONE, NONE, NONE, NONE, NONE, NONE],
        [3, 3, 4, 9, 7, 50, 50, 10],
    ),
    # a horizon of whole seasons: the value of the step itself
    (
        sequences(ONE, OTHER, horizon=2),
        TargetChange("seasonal_difference", feature=1, horizon=2, season=2),
        [0, 0, 6, 3, 11, 0, 0, -37],
        [6, 3, 11, NONE, NONE, -37, NONE, NONE],
        [3, 4, 9, 7, 20, 50, 10, 13],
    ),
]


@pytest.mark.parametrize(("data", "change", "feature", "targets", "base"), EXPECTED)
def test_feature_and_targets_are_changes_within_each_sequence(
    data, change, feature, targets, base
):
    made = target_changes.changed(data, change)
    np.testing.assert_allclose(made.values[:, 1], feature, atol=1e-5)
    np.testing.assert_allclose(made.targets, targets, atol=1e-5)
    assert (made.values[:, 0] == data.values[:, 0]).all()
    assert (made.offsets == data.offsets).all()
    assert made.values.dtype == made.targets.dtype == np.float32
    step = np.arange(len(base))
    np.testing.assert_allclose(
        target_changes.base_of(data, change, step), base, rtol=1e-6
    )


def test_predicted_changes_come_to_values_of_each_network():
    changes, base = np.array([[1.0, -3], [0.5, 2]]), np.array([10.0, 4])
    for kind in ("difference", "seasonal_difference"):
        values = target_changes.restored(changes, base, kind)
        assert values.tolist() == [[11, 1], [10.5, 6]]
    values = target_changes.restored(np.log([[2, 0.5], [3, 1]]), base, KINDS[1])
    np.testing.assert_allclose(values, [[20, 2], [30, 4]])


def test_predictions_of_windows_are_restored_from_their_last_steps():
    data, change, *_ = EXPECTED[0]
    table = make_windows(
        data.offsets, np.int8([0, 0]), layout="subsampled", window_length=3
    )
    units = UserUnits(data, change)
    # windows end at steps 2, 3, 4 and 7, of values 9, 7, 20 and 13
    restored = units.of_all(np.float32([[1, 2, 3, 4]]), table)
    assert restored.tolist() == [[10, 9, 23, 17]]
    assert units.restored(np.float32([[1, 2]]), np.array([7, 0])).tolist() == [[14, 5]]


def test_levels_stay_as_they_are():
    units, predictions = UserUnits(EXPECTED[0][0], None), np.float32([[1, 2]])
    assert units.restored(predictions, np.array([7, 0])) is predictions
    table = make_windows(np.array([0, 2]), np.zeros(1, np.int8), layout="full")
    assert units.of_all(predictions, table) is predictions


VALUES = st.floats(0.125, 1000, width=32)
LEVELS = st.lists(VALUES, min_size=1, max_size=9)


@given(LEVELS, LEVELS, st.sampled_from(KINDS), st.integers(1, 4), st.integers(2, 5))
@example([1, 2, 4, 8, 3], [7, 5], "seasonal_difference", 3, 2)
def test_changed_targets_are_restored_to_the_targets(one, other, kind, horizon, season):
    seasonal = kind == "seasonal_difference"
    change = TargetChange(kind, 1, horizon, season if seasonal else None)
    data = sequences(one, other, horizon)
    made = target_changes.changed(data, change)
    step = np.arange(len(data.values))
    back = UserUnits(data, change).restored(made.targets[None], step)[0]
    np.testing.assert_allclose(back, data.targets, rtol=1e-5, atol=1e-3)


@given(arrays.arrays(np.float32, 6, elements=VALUES), st.floats(-500, 500, width=32))
def test_differences_do_not_know_the_level(levels, shift):
    change = TargetChange("difference", 1, 1)
    one, other = (
        target_changes.changed(sequences(y[:4], y[4:], 1), change)
        for y in (levels, levels + np.float32(shift))
    )
    np.testing.assert_allclose(one.values, other.values, atol=1e-3)
    np.testing.assert_allclose(one.targets, other.targets, atol=1e-3)


@pytest.mark.parametrize("low", [0, -2.5])
def test_a_value_without_a_logarithm_is_an_error_of_one_line(low):
    data = sequences([3, low, 5], [-7, 1], horizon=1)
    with pytest.raises(UserError) as caught:
        target_changes.changed(data, TargetChange("log_difference", 1, 1))
    assert str(caught.value) == (
        "`window.target: log_difference` must be given values above 0. "
        f"Received: {low:g}"
    )


def test_what_is_written_beside_windows_is_read_back(tmp_path):
    data, change, feature, *_ = EXPECTED[2]
    assert target_changes.read(tmp_path) is None
    assert target_changes.read_inputs(tmp_path, data) is data
    target_changes.write(tmp_path, target_changes.changed(data, change), change)
    assert target_changes.read(tmp_path) == change
    written = json.loads((tmp_path / "target.json").read_text())
    assert written == {
        "kind": "seasonal_difference",
        "feature": 1,
        "horizon": 1,
        "season": 3,
    }
    inputs = target_changes.read_inputs(tmp_path, data)
    assert inputs.values[:, 1].tolist() == feature
