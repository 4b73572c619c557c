import numpy as np
import pytest

from statelab.data.sequences import SPLITS
from statelab.studies import lagged_average
from statelab.studies.lagged_average import Setup


def test_y_averages_now_and_some_steps_ago():
    x, y = lagged_average.series(lag=3, steps=7, seed=5)
    for step in range(7):
        assert y[step] == (x[step] + x[step - 3]) / 2  # the first look round to the end


def test_one_series_trains_and_its_next_steps_validate():
    x, y = np.arange(10.0), np.arange(10.0) ** 2
    data, windows = lagged_average.prepare(x, y)
    assert data.offsets.tolist() == [0, 6, 8]
    assert data.values[:, 0].tolist() == list(range(8))
    assert data.targets.tolist() == [step**2 for step in range(8)]
    assert windows.split.tolist() == [SPLITS["train"], SPLITS["validation"]]
    assert windows.samples.tolist() == [0, 6, 8]


def test_copies_begin_a_step_after_each_other_and_end_together():
    x = np.arange(10.0)
    data, windows = lagged_average.prepare(x, -x, copies=True, lanes=3)
    parts = np.split(data.values[:, 0], data.offsets[1:-1])
    assert [part.tolist() for part in parts] == [
        [0, 1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5],
        [2, 3, 4, 5],
        [6, 7],
    ]
    assert data.targets[6:11].tolist() == [-1, -2, -3, -4, -5]
    assert windows.split.tolist() == [0, 0, 0, 1]


def test_a_line_on_the_tutorials_series_has_its_stateless_loss():
    """So the split of the tutorial is in order of time: 0.0203 on steps 6,000 to 8,000,
    and not on the others."""
    x, y = lagged_average.series(1, 10_000, lagged_average.TUTORIALS_SEED)
    line = np.polyfit(x[:6000], y[:6000], 1)
    losses = [
        np.mean((np.polyval(line, x[a:b]) - y[a:b]) ** 2)
        for a, b in ((0, 6000), (6000, 8000), (8000, 10_000))
    ]
    assert [f"{loss:.4f}" for loss in losses] == ["0.0209", "0.0203", "0.0208"]


@pytest.mark.parametrize("copies", [False, True])
def test_each_run_has_a_series_and_a_network_of_its_own(copies):
    setup = Setup(lag=2, epochs=2, copies=copies)
    losses = lagged_average.scores(setup, runs=2, steps=120)
    for run in range(2):
        known = setup._replace(data_seed=run)
        alone = lagged_average.scores(known, runs=2, steps=120)[run]
        assert losses[run] == pytest.approx(alone, rel=1e-5)
    assert losses[0] != losses[1]


def test_the_best_of_all_epochs_counts():
    short, long = (
        lagged_average.scores(Setup(1, epochs, "stateless", 7), runs=2, steps=120)
        for epochs in (1, 4)
    )
    assert (long < short).all()
