import numpy as np
import pytest
from scipy import stats

from statelab.evaluation.statistics import Interval, interval
from statelab.studies.published import (
    Published,
    chance_difference,
    compare,
    difference,
    prediction_interval,
)


def of(mean: float, std: float | None, n: int) -> Interval:
    return Interval(mean, std, None, None, n)


def test_the_difference_of_means_is_that_of_welchs_test():
    one, other = of(5.0, 1.5, 7), of(3.25, 4.0, 11)
    mean, low, high = difference(one, other)
    test = stats.ttest_ind_from_stats(5.0, 1.5, 7, 3.25, 4.0, 11, equal_var=False)
    expected = test.confidence_interval() if hasattr(test, "confidence_interval") else 0
    # v = 2.25/7 and w = 16/11
    v, w = 2.25 / 7, 16 / 11
    freedom = (v + w) ** 2 / (v**2 / 6 + w**2 / 10)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(v + w)
    assert mean == 1.75
    np.testing.assert_allclose([low, high], [1.75 - half, 1.75 + half])
    assert (low > 0 or high < 0) == (test.pvalue < 0.05)
    assert expected == 0 or np.allclose(expected, (low, high))


@pytest.mark.parametrize("gap", [2.2, 2.6, 2.8, 3.0, 3.4])
def test_a_mean_differs_where_welchs_test_says_so(gap):
    scores = np.array([9.0, 10.0, 12.0, 13.0])
    theirs = Published(11.0 + gap, std=1.25, n=6)
    std = np.std(scores, ddof=1)
    test = stats.ttest_ind_from_stats(
        11.0, std, 4, theirs.mean, 1.25, 6, equal_var=False
    )
    assert (compare(theirs, scores) == "differs") == (test.pvalue < 0.05)


def test_a_mean_without_a_spread_to_test_is_no_difference_of_means():
    assert difference(of(3.0, 0.0, 2), of(1.0, 0.0, 5)) == (2.0, 2.0, 2.0)
    with pytest.raises(ValueError, match="must be of two runs or more"):
        difference(of(3.0, None, 1), of(1.0, 0.5, 5))


def test_a_mean_agrees_where_the_interval_is_within_the_margin():
    # 0.1 off; the interval of a difference of 0.05 and 0.05 in 8 runs is some 0.05 wide
    scores = 10.1 + np.array([-0.05, 0.05] * 4)
    assert compare(Published(10.0, std=0.05, n=8), scores) == "differs"
    close = 10.01 + np.array([-0.05, 0.05] * 4)
    assert compare(Published(10.0, std=0.05, n=8), close) == "agrees"
    wide = 10.01 + np.array([-2.0, 2.0] * 4)  # more than 0.5 to either side
    assert compare(Published(10.0, std=2.0, n=8), wide) == "cannot tell"


def test_a_further_run_lies_in_the_prediction_interval():
    # mean 2, s = 1, n = 3: half = t(2) √(4/3)
    half = stats.t.ppf(0.975, 2) * np.sqrt(4 / 3)
    low, high = prediction_interval(np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose([low, high], [2 - half, 2 + half])
    assert prediction_interval(np.array([4.5])) == (4.5, 4.5)


def test_a_single_figure_is_taken_for_a_run():
    scores = np.array([9.9, 10.0, 10.1])  # half of the interval is 0.4968
    assert compare(Published(10.49), scores) == "agrees"
    assert compare(Published(10.51), scores) == "differs"
    assert compare(Published(9.49), scores) == "differs"
    # half of its last digit makes up for what it was rounded by
    assert compare(Published(10.51, half=0.02), scores) == "agrees"
    assert compare(Published(9.49, half=0.02), scores) == "agrees"


def test_a_wide_interval_cannot_tell_unless_the_figure_is_outside():
    scores = np.array([9.0, 10.0, 11.0])  # 5.03 to 14.97
    assert compare(Published(10.0), scores) == "cannot tell"
    assert compare(Published(15.0), scores) == "differs"
    assert compare(Published(14.0), np.array([9.5, 10.0, 14.0])) == "cannot tell"


def test_one_run_agrees_with_the_same_figure_alone():
    assert compare(Published(136.761, half=0.0005), np.array([136.7613])) == "agrees"
    assert compare(Published(136.761, half=0.0005), np.array([136.7617])) == "differs"


def test_means_of_equal_arms_differ_by_chance():
    expected = stats.t.ppf(0.975, 6) * 3.0 * np.sqrt(2 / 4)
    assert chance_difference(3.0, 4) == pytest.approx(expected)


def test_scores_of_ours_are_summarised_as_everywhere():
    ours = interval(np.array([1.0, 2.0, 6.0]))
    assert (ours.mean, ours.n) == (3.0, 3)
