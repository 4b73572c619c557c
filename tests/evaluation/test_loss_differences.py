import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal, stats

from statelab.evaluation import loss_differences


def test_independent_steps_with_a_bandwidth_of_one_are_a_t_test():
    gain = np.array([3.0, 5.0, 4.0, 0.0, -1.0])
    # of one step each S = min(2 √5, 5), which is 5: all lags with weights 4/5 to 1/5
    rest = gain - 2.2
    lags = [float((rest[lag:] * rest[: len(rest) - lag]).sum()) for lag in range(5)]
    variance = lags[0] + 2 * sum((1 - lag / 5) * lags[lag] for lag in range(1, 5))
    error = np.sqrt(variance / (1 - 1 + 1 / 3)) / 5
    over = loss_differences.over_time(gain, np.zeros(5, int), 1)
    assert over.mean == pytest.approx(2.2) and over.n == 5
    half = stats.t.ppf(0.975, 1.5) * error
    assert (over.low, over.high) == pytest.approx((2.2 - half, 2.2 + half))
    assert over.p == pytest.approx(2 * stats.t.sf(2.2 / error, 1.5))


def test_steps_of_two_sequences_are_independent():
    gain = np.array([1.0, 1, 1, 1, -1, -1, -1, -1] * 8)
    one = loss_differences.over_time(gain + 0.4, np.zeros(64, int), 1)
    apart = loss_differences.over_time(gain + 0.4, np.repeat(np.arange(16), 4), 1)
    assert one.mean == apart.mean == pytest.approx(0.4)
    # within a sequence all four are alike; what follows is of the other sign
    assert one.high - one.low < apart.high - apart.low


def test_a_longer_horizon_widens_what_counts_as_alike():
    gain = np.repeat(np.random.default_rng(0).normal(0.5, 1, 20), 5)
    near, far = (
        loss_differences.over_time(gain, np.zeros(100, int), horizon)
        for horizon in (1, 60)
    )
    assert near.mean == far.mean and near.p < far.p


def test_ten_sequences_are_paired_as_such():
    gain = np.array([4.0, 0, 0, 0] + [1.0] * 9)  # of a sequence of four, and of nine
    over = loss_differences.compare(gain, np.repeat(np.arange(10), [4] + [1] * 9))
    assert (over.n, over.mean, over.p) == (10, 1.0, 2 / 1024)
    fewer = loss_differences.compare(gain[:-1], np.repeat(np.arange(9), [4] + [1] * 8))
    assert fewer.n == 12


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.floats(0.1, 9))
def test_units_do_not_matter(gains, unit):
    gain, place = np.array(gains), np.zeros(len(gains), int)
    one = loss_differences.over_time(gain, place, 1)
    other = loss_differences.over_time(-unit * gain, place, 1)
    assert other.mean == pytest.approx(-unit * one.mean, abs=1e-9)
    assert other.low == pytest.approx(-unit * one.high, abs=1e-6)


@pytest.mark.parametrize(("coefficient", "steps"), [(0.0, 24), (0.5, 100), (0.8, 1000)])
def test_it_rarely_finds_what_is_not_there(coefficient, steps):
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(400, steps + 100))
    gains = signal.lfilter([1], [1, -coefficient], noise)[:, 100:]
    place = np.zeros(steps, int)
    found = sum(loss_differences.over_time(gain, place, 1).p < 0.05 for gain in gains)
    print(f"{found} of 400 differ, autocorrelation {coefficient}, {steps} steps")
    assert 5 < found < 40
