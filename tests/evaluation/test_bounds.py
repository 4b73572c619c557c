import numpy as np
import pandas as pd
import pytest
from small_windows import three_sequences

from statelab.baselines.naive import Forecast
from statelab.data.sequences import Sequences
from statelab.data.tasks import first_step
from statelab.evaluation import bounds, scoring
from statelab.samples.plans import make_plan, visible_from
from statelab.samples.splitting import assign_splits
from statelab.samples.windows import make_windows, per_prediction


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Last steps of two sequences are scored as well."""
    monkeypatch.setattr(scoring, "FINAL", 2)


@pytest.mark.parametrize(
    ("layout", "stateful", "accuracy", "final_accuracy"),
    [
        # of the 11 windows of a sequence 1 sees its first step: 1/11 + 10/11 · 1/2
        ("subsampled", False, 6 / 11, 0.5),
        ("subsampled", True, 1.0, 1.0),
        # of the 20 steps of a sequence 1 is the first: 1/20 + 19/20 · 1/2
        ("per_timestep", False, 0.525, 0.5),
        ("per_timestep", True, 1.0, 1.0),
        ("full", False, 1.0, 1.0),
        ("full", True, 1.0, 1.0),
    ],
)
def test_ceilings_of_the_post(layout, stateful, accuracy, final_accuracy):
    rng = np.random.default_rng(0)
    task = first_step(sequences=1200, length=20, rng=rng)
    codes = assign_splits(task.targets, test_size=200, validation_size=0, rng=rng)
    table = make_windows(
        task.offsets, codes, layout=layout, window_length=10, stride=1, segment_length=1
    )
    planned = make_plan(table, np.arange(1200), batch_size=10, stateful=stateful)
    visible = per_prediction(table, visible_from(planned, table))
    ceiling = bounds.of_scores(task, table, visible).ceiling
    assert ceiling["accuracy"] == pytest.approx(accuracy)
    assert ceiling["final_accuracy"] == pytest.approx(final_accuracy)
    assert ceiling["train_accuracy"] == pytest.approx(accuracy)


def test_ceiling_is_none_where_state_is_never_reset():
    task, table = three_sequences()
    limits = bounds.of_scores(task, table, np.array([0, 0, -1, -1, -1, -1]))
    assert limits.ceiling == {
        "accuracy": None,
        "final_accuracy": None,
        "train_accuracy": 1.0,
    }
    assert limits.baselines["constant"]["accuracy"] == 0.5


def test_above_ceiling_names_a_score_that_one_seed_has_too_high():
    table = pd.DataFrame({"seed": [0, 1], "accuracy": [0.5, 0.56], "auc": [1, 1]})
    table["final_accuracy"] = [0.5, 0.5]
    ceilings = {"accuracy": 0.55, "final_accuracy": 0.5}
    assert bounds.above_ceiling(table, ceilings) == ["accuracy"]
    assert bounds.above_ceiling(table, {"accuracy": 0.56}) == []
    assert bounds.above_ceiling(table, {"accuracy": None}) == []


def test_bounds_of_a_forecast_are_those_of_the_step_and_of_the_season_before():
    # 7 steps, then 4: the target of a step is the second feature 2 steps later
    level = np.float32([0, 1, 4, 2, 6, 9, 3, 50, 51, 53, 58])
    values = np.stack([np.full(11, 99, np.float32), level], axis=1)
    none = np.nan
    targets = np.float32([4, 2, 6, 9, 3, none, none, 53, 58, none, none])
    task = Sequences(values, np.array([0, 7, 11]), targets)
    # in time: steps 0 1 train, 2 to 6 test; 7 trains, 8 to 10 test
    table = make_windows(
        np.array([0, 2, 7, 8, 11]), np.int8([0, 2, 0, 2]), layout="per_timestep"
    )
    never = np.full(11, -1)
    limits = bounds.of_scores(task, table, never, Forecast(1, 2, None)).baselines
    # at 2, 3, 4 and 8 from 4, 2, 6 and 51 to 6, 9, 3 and 58
    assert limits["persistence"]["rmse"] == pytest.approx(
        np.sqrt((4 + 49 + 9 + 49) / 4)
    )
    assert "seasonal_naive" not in limits
    limits = bounds.of_scores(task, table, never, Forecast(1, 2, 5)).baselines
    # three steps before 3 and 4 are 0 and 1; 2 and 8 have none in their sequences
    expected = np.sqrt(
        ((6 - 4) ** 2 + (9 - 0) ** 2 + (3 - 1) ** 2 + (58 - 51) ** 2) / 4
    )
    assert limits["seasonal_naive"]["rmse"] == pytest.approx(expected)
    final = np.sqrt(((3 - 1) ** 2 + (58 - 51) ** 2) / 2)
    assert limits["seasonal_naive"]["final_rmse"] == pytest.approx(final)
    assert bounds.of_scores(task, table, never).baselines.keys() == {"constant"}
