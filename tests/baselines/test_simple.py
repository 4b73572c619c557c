import numpy as np

from statelab.baselines import simple, stored
from statelab.baselines.naive import Forecast
from statelab.data.sequences import Sequences
from statelab.samples.windows import make_windows


def test_forecasts_have_the_season_that_is_guessed():
    step = np.arange(90)
    values = np.float32(10 + 5 * np.sin(step * 2 * np.pi / 6) + 0.01 * (step % 11))
    data = Sequences(values[:, None], np.array([0, 90]), np.append(values[1:], np.nan))
    table = make_windows(np.array([0, 60, 90]), np.int8([0, 2]), layout="full")
    found = {each.name: each for each in simple.of(data, table, Forecast(0, 1, None))}
    assert list(found) == [
        "persistence",
        "seasonal_naive",
        "drift",
        "linear",
        "boosting",
    ]
    seasonal = found["seasonal_naive"]
    assert seasonal.detail == "a season of 6 steps, guessed from the train split"
    np.testing.assert_array_equal(seasonal.predictions[70:], values[65:85])
    given = simple.of(data, table, Forecast(0, 1, 9))[1]
    assert given.detail == "a season of 9 steps"


def test_a_label_is_carried_on_within_a_sequence():
    labels = np.array([2, 0, -1, 1, 2, 2])
    values = np.zeros((6, 1), np.float32)
    assert simple._last_label(
        Sequences(values, np.array([0, 4, 6]), labels)
    ).tolist() == [
        *(0, 2, 0, 0),
        *(0, 2),
    ]


def test_what_is_written_is_read_back(tmp_path):
    baselines = [
        stored.Baseline("drift", "", np.float32([1, np.nan])),
        stored.Baseline("linear", "on 3 steps", np.float32([2, 3])),
    ]
    stored.write(tmp_path / "a.npz", [baselines, baselines[:1]])
    stored.write(tmp_path / "b.npz", [baselines, baselines[:1]])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    for one, other in zip(stored.read(tmp_path / "a.npz"), baselines, strict=True):
        assert one[:2] == other[:2]
        np.testing.assert_array_equal(one.predictions, other.predictions)
    (second,) = stored.read(tmp_path / "a.npz", 1)
    assert second.name == baselines[0].name
    stored.write(tmp_path / "c.npz", [[]])
    assert stored.read(tmp_path / "c.npz") == []
