import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from statelab.evaluation import paired_test


def test_a_difference_by_hand():
    # differences 1, 2, 1, 1: mean 1.25, sum of squares 0.75, so std 0.5 and its error
    # 0.25; t of 3 degrees of freedom is 3.1824; all 16 signs, of which 2 give as much
    result = paired_test.compare(np.array([3.0, 5, 4, 4]), np.array([2.0, 3, 3, 3]))
    assert (result.mean, result.std, result.n) == (1.25, 0.5, 4)
    assert result.low == pytest.approx(1.25 - 3.1824 * 0.25, abs=1e-4)
    assert result.high == pytest.approx(1.25 + 3.1824 * 0.25, abs=1e-4)
    assert result.p == 2 / 16


def test_the_other_way_round_is_as_far_from_0():
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(2, 11)) + [[0.9], [0.0]]
    there, back = paired_test.compare(one, other), paired_test.compare(other, one)
    assert (there.mean, there.low) == (-back.mean, -back.high)
    assert there.p == back.p


def test_all_ties_are_no_difference():
    same = np.array([0.25, 1.0, 0.5])
    result = paired_test.compare(same, same.copy())
    assert (result.mean, result.low, result.high, result.p) == (0, 0, 0, 1.0)
    assert result.detectable == 0


def test_ten_pairs_that_agree_are_as_sure_as_ten_pairs_can_be():
    shift = np.linspace(0.1, 0.2, 10)
    assert paired_test.compare(1 + shift, np.ones(10)).p == 2 / 2**10


@pytest.mark.parametrize("pairs", [3, 10, 40])
def test_the_detectable_gap_is_detected_four_times_in_five(pairs):
    rng = np.random.default_rng(pairs)
    gap = paired_test.detectable(2.0, pairs)
    drawn = rng.normal(gap, 2.0, (20_000, pairs))
    detected = stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05
    assert detected.mean() == pytest.approx(0.8, abs=0.01)


@given(st.floats(0.1, 10), st.floats(0.2, 5))
def test_so_many_pairs_are_enough_and_one_less_is_not(std, gap):
    pairs = paired_test.pairs_for(gap, std)
    assert pairs is not None
    assert paired_test.detectable(std, pairs) <= gap
    assert pairs == 2 or paired_test.detectable(std, pairs - 1) > gap


def test_a_gap_may_take_more_pairs_than_anyone_has():
    assert paired_test.pairs_for(1e-6, 1.0) is None


def test_splits_are_corrected_for_train_sets_that_overlap():
    difference = np.array([1.0, 4.0, -2.0, 3.0])  # 1.5 on average
    over = paired_test.corrected(difference, 0.5)
    assert over is not None and (over.n, over.mean) == (4, 1.5)
    error = np.sqrt(7.0 * (1 / 4 + 0.5))  # the variance is 21 / 3
    assert over.high == pytest.approx(1.5 + 3.182446 * error, rel=1e-5)
    # twice the overlap is less sure; without any it is a plain t test
    apart = paired_test.corrected(difference, 0.0)
    assert apart is not None and apart.p < over.p
    assert apart.p == pytest.approx(stats.ttest_1samp(difference, 0).pvalue)
    assert paired_test.corrected(difference[:1], 0.5) is None
