"""Prediction intervals: what they hold, by hand, by chance and over time."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelab.samples import prediction_intervals
from statelab.samples.prediction_intervals import PACE


def test_a_radius_is_the_error_of_a_rank(tmp_path):
    target = np.arange(9.0)
    errors = np.array([[3, 1, 8, 0, 5, 2, 9, 4, 6], [0, 0, 0, 0, 0, 0, 0, 0, 7]])
    signs = np.where(np.arange(9) % 2, 1, -1)  # too high and too low
    calibration = prediction_intervals.calibrate(target + signs * errors, target)
    prediction_intervals.write(tmp_path, calibration)
    calibration = prediction_intervals.read(tmp_path)
    assert prediction_intervals.highest_coverage(calibration) == 0.9
    for coverage, rank in [(0.1, 1), (0.101, 2), (0.5, 5), (0.8, 8), (0.9, 9)]:
        radius = prediction_intervals.radius_of(calibration, coverage)
        assert radius.tolist() == np.sort(errors)[:, rank - 1].tolist()
    assert np.isinf(prediction_intervals.radius_of(calibration, 0.901)).all()


def test_there_is_no_calibration_of_classes(tmp_path):
    assert prediction_intervals.read(tmp_path) is None


def test_intervals_hold_the_share_of_targets_that_is_asked_for():
    """Split conformal: at least c, and at most 1 / (n + 1) more, on average."""
    rng = np.random.default_rng(0)
    errors = rng.gamma(0.7, size=(40_000, 20))  # 19 of validation, one of test
    zero = np.zeros(19)
    calibration = prediction_intervals.calibrate(errors[:, :19], zero)
    for coverage in (0.5, 0.72, 0.8, 0.95):
        radius = prediction_intervals.radius_of(calibration, coverage)
        held = (errors[:, 19] <= radius).mean()
        assert coverage - 0.01 < held < coverage + 1 / 20 + 0.01


def test_errors_of_logarithms_grow_with_values():
    target, predictions = np.array([1.0, 100, 1000]), np.array([[2.0, 100, 500]])
    calibration = prediction_intervals.calibrate(
        predictions, target, of_logarithms=True
    )
    radius = prediction_intervals.radius_of(calibration, 0.5)  # the second of three
    assert radius[0] == pytest.approx(math.log(2))
    lower, upper = prediction_intervals.bounds(
        np.array([[8.0, 3.0]]), radius[:, None], of_logarithms=True
    )
    np.testing.assert_allclose(lower, [[4, 1.5]], rtol=1e-6)
    np.testing.assert_allclose(upper, [[16, 6]], rtol=1e-6)


# --- in time ---


def slowly(radius, errors, horizon, coverage):
    """One sequence of one network, step by step."""
    radii = []
    for step in range(len(errors)):
        factor = 1.0
        if step >= horizon and not math.isnan(errors[step - horizon]):
            outside = errors[step - horizon] > radii[step - horizon]
            factor = math.exp(PACE / math.sqrt(horizon) * (outside - 1 + coverage))
        radii.append((radii[-1] if radii else radius) * factor)
    return radii


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    horizon=st.integers(1, 4),
    coverage=st.sampled_from([0.5, 0.8, 0.95]),
    seed=st.integers(0, 99),
)
def test_radii_follow_as_step_by_step(lengths, horizon, coverage, seed):
    rng = np.random.default_rng(seed)
    offsets = np.append(0, np.cumsum(lengths))
    errors = rng.gamma(1, size=(2, offsets[-1]))
    errors[:, rng.random(offsets[-1]) < 0.1] = np.nan
    radius = np.array([0.5, 2.0])
    together = prediction_intervals.following(
        radius, errors, offsets, horizon=horizon, coverage=coverage
    )
    for network in range(2):
        slow = [
            slowly(radius[network], errors[network, begin:end], horizon, coverage)
            for begin, end in zip(offsets[:-1], offsets[1:], strict=True)
        ]
        np.testing.assert_allclose(together[network], np.concatenate(slow), rtol=1e-4)


@pytest.mark.parametrize("horizon", [1, 6, 24])
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_radii_come_to_the_share_where_errors_grow(horizon, coverage):
    """Errors that grow tenfold, where the first radius holds next to nothing."""
    rng = np.random.default_rng(1)
    scale = np.geomspace(1, 10, 3000)
    errors = np.abs(rng.normal(size=(5, 3000)) * scale)
    first = np.quantile(np.abs(rng.normal(size=400)), coverage)
    assert (errors <= first)[:, 1500:].mean() < coverage - 0.25
    radii = prediction_intervals.following(
        np.full(5, first),
        errors,
        np.array([0, 3000]),
        horizon=horizon,
        coverage=coverage,
    )
    held = (errors <= radii).mean(axis=1)
    assert np.abs(held - coverage).max() < 0.03


def test_no_error_is_looked_at_before_it_is_known():
    errors = np.random.default_rng(2).gamma(1, size=(1, 60))
    known = {"offsets": np.array([0, 60]), "horizon": 5, "coverage": 0.8}
    before = prediction_intervals.following(np.ones(1), errors, **known)
    inside = np.flatnonzero((errors <= before)[0, :55])
    for step in inside[[0, 9, -1]]:
        changed = errors.copy()
        changed[:, step] += 100
        after = prediction_intervals.following(np.ones(1), changed, **known)
        assert (after == before)[0, : step + 5].all()
        assert after[0, step + 5] > before[0, step + 5]


def test_a_radius_of_nothing_stays_so():
    errors = np.array([[0.0, 0, 1, 0]])
    known = {"offsets": np.array([0, 4]), "horizon": 1, "coverage": 0.8}
    radii = prediction_intervals.following(np.zeros(1), errors, **known)
    assert radii.tolist() == [[0, 0, 0, 0]]
