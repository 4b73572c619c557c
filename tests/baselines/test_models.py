import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statelab.baselines import models
from statelab.baselines.lags import lagged, steps_of
from statelab.data.sequences import Sequences
from statelab.samples.windows import make_windows


def forecasting(values, cut):
    """A series whose next value is forecast, and what is cut off for test."""
    series = np.float32(values)[:, None]
    target = np.append(values[1:], np.nan)
    data = Sequences(series, np.array([0, len(values)]), target)
    offsets = np.array([0, cut, len(values)])
    return data, make_windows(offsets, np.int8([0, 2]), layout="full")


def rmse(predicted, target):
    return np.sqrt(np.mean((predicted - target) ** 2))


def test_a_model_finds_the_step_that_the_next_one_repeats():
    # x[t] is 0.9 x[t - 6] and noise: the sixth lag of six
    rng = np.random.default_rng(0)
    values = rng.normal(size=600)
    for step in range(6, 600):
        values[step] = 0.9 * values[step - 6] + 0.2 * rng.normal()
    data, table = forecasting(values, 450)
    fitted = models.fit(data, table, None, 0)
    step, target = steps_of(data, table, 2)
    assert fitted["linear"].lags >= 6
    error = rmse(fitted["linear"].predictions[step], target)
    assert error == pytest.approx(0.2, rel=0.15)  # all but the noise
    assert error < 0.3 * rmse(values[step], target)
    assert rmse(fitted["boosting"].predictions[step], target) < rmse(
        values[step], target
    )


def test_lags_are_chosen_on_validation():
    """Train alone would take more: there the future is copied from far back."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=400)
    data, _ = forecasting(values, 300)
    target = np.append(values[:8], values[:-8])  # of train, 8 steps back
    target[200:] = values[200:]  # of validation and test, the step itself
    data = data._replace(targets=target)
    offsets = np.array([0, 200, 300, 400])
    table = make_windows(offsets, np.int8([0, 1, 2]), layout="full")
    assert models.fit(data, table, None, None)["linear"].lags == 1


def test_boosted_trees_follow_a_trend_by_its_changes():
    data, table = forecasting(np.arange(200) * 3.0, 150)
    step, target = steps_of(data, table, 2)
    by_change = models.fit(data, table, None, 0)["boosting"].predictions[step]
    by_level = models.fit(data, table, None, None)["boosting"].predictions[step]
    assert rmse(by_change, target) < 1e-3 < 30 < rmse(by_level, target)


def test_classes_are_predicted_by_their_numbers():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(300, 2)).astype(np.float32)
    label = (np.roll(values[:, 1], 2) > 0) * 2  # classes 0 and 2, two steps back
    data = Sequences(values, np.array([0, 300]), label)
    offsets = np.array([0, 200, 300])
    table = make_windows(offsets, np.int8([0, 2]), layout="full")
    for model in models.fit(data, table, None, None).values():
        assert model.lags >= 3
        assert (model.predictions[200:] == label[200:]).mean() > 0.9


@settings(max_examples=20)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    lags=st.integers(1, 6),
)
def test_lags_never_cross_a_sequence_and_never_look_ahead(lengths, lags):
    offsets = np.append(0, np.cumsum(lengths))
    steps = np.arange(offsets[-1])
    data = Sequences(np.float32(steps)[:, None], offsets, steps)
    rows = lagged(data, steps, lags)
    for step, row in zip(steps, rows, strict=True):
        first = offsets[np.searchsorted(offsets, step, side="right") - 1]
        assert row.tolist() == [max(step - lag, first) for lag in range(lags)]


def test_what_comes_later_changes_no_prediction():
    rng = np.random.default_rng(7)
    values = np.cumsum(rng.normal(size=200))
    data, table = forecasting(values, 150)
    later = data.values.copy()
    later[180:] += 50
    before = models.fit(data, table, 7, 0)
    after = models.fit(data._replace(values=later), table, 7, 0)
    for name, model in before.items():
        one, other = model.predictions, after[name].predictions
        assert np.isnan(one[:150]).all() and (one[150:180] == other[150:180]).all()
        assert (one[180:199] != other[180:199]).all()
