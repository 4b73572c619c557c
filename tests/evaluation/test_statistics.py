import numpy as np
import pytest
import scipy.stats

from statelab.evaluation.statistics import Interval, interval


def test_interval_is_the_t_interval_of_scipy():
    values = np.array([0.3, 0.5, 0.9, 0.4])
    result = interval(values)
    low, high = scipy.stats.t.interval(
        0.95, 3, loc=values.mean(), scale=scipy.stats.sem(values)
    )
    assert result.mean == pytest.approx(0.525)
    assert result.std == pytest.approx(np.std(values, ddof=1))
    assert (result.low, result.high) == pytest.approx((low, high))
    assert result.n == 4


def test_interval_of_one_seed_says_nothing_about_spread():
    assert interval(np.array([0.7])) == Interval(0.7, None, None, None, n=1)


def test_interval_of_what_is_not_defined_is_null():
    undefined = interval(np.array([0.5, np.nan]))
    assert undefined == Interval(None, None, None, None, n=2)
