import numpy as np
import pandas as pd
import pytest
import scipy.stats
from evaluations import mode_scores
from hypothesis import given
from hypothesis import strategies as st

from statelab.data.sequences import Sequences
from statelab.data.tasks import first_step
from statelab.evaluation import ceilings as ceilings_
from statelab.evaluation import scoring
from statelab.evaluation.baselines import Forecast
from statelab.evaluation.ceilings import find_ceiling, majority_vote, visible_classes
from statelab.evaluation.statistics import Interval, interval
from statelab.samples.plans import make_plan as lay_out
from statelab.samples.plans import visible_from
from statelab.samples.splitting import assign_splits
from statelab.samples.windows import Windows, make_windows, per_prediction


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


@given(
    values=st.lists(st.integers(0, 1), min_size=8, max_size=8),
    stretches=st.lists(
        st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=12
    ),
)
def test_visible_classes_are_equal_where_the_stretches_are(values, stretches):
    start = np.array([first for first, _ in stretches])
    stop = np.minimum(start + [length for _, length in stretches], 8)
    classes = visible_classes(np.array(values)[:, None], start, stop)
    seen = [tuple(values[a:b]) for a, b in zip(start, stop, strict=True)]
    for one, class_of_one in zip(seen, classes, strict=True):
        for two, class_of_two in zip(seen, classes, strict=True):
            assert (one == two) == (class_of_one == class_of_two)


def test_visible_classes_tell_every_feature_apart():
    values = np.array([[1, 0], [0, 1], [1, 0]])
    classes = visible_classes(values, np.arange(3), np.arange(3) + 1)
    assert classes[0] == classes[2] != classes[1]


def test_majority_vote_counts_the_most_frequent_target_of_each_class():
    # class 5: targets 1 1 0, vote right 2 times; class 2: 0 0, right 2 times; 4 of 5
    classes, target = np.array([5, 2, 5, 5, 2]), np.array([1, 0, 1, 0, 0])
    assert majority_vote(classes, target) == 0.8


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
    planned = lay_out(table, np.arange(1200), batch_size=10, stateful=stateful)
    visible = per_prediction(table, visible_from(planned, table))
    ceiling = scoring.bounds(task, table, visible).ceiling
    assert ceiling["accuracy"] == pytest.approx(accuracy)
    assert ceiling["final_accuracy"] == pytest.approx(final_accuracy)
    assert ceiling["train_accuracy"] == pytest.approx(accuracy)


def three_sequences() -> tuple[Sequences, Windows]:
    """Of two steps each: label 0 in train, then labels 1 and 0 in test."""
    values = np.float32([[0], [1], [1], [0], [0], [1]])
    task = Sequences(values, np.array([0, 2, 4, 6]), np.array([0, 1, 0]))
    table = make_windows(
        task.offsets,
        np.int8([0, 2, 2]),
        layout="per_timestep",
        window_length=1,
        stride=1,
        segment_length=1,
    )
    return task, table


def test_ceiling_is_none_where_state_is_never_reset():
    task, table = three_sequences()
    bounds = scoring.bounds(task, table, np.array([0, 0, -1, -1, -1, -1]))
    assert bounds.ceiling == {
        "accuracy": None,
        "final_accuracy": None,
        "train_accuracy": 1.0,
    }
    assert bounds.baselines["constant"]["accuracy"] == 0.5


def test_ceiling_is_none_where_inputs_are_continuous(monkeypatch):
    monkeypatch.setattr(ceilings_, "STEPS_AT_ONCE", 7)
    values = np.random.default_rng(0).normal(size=80)
    task = Sequences(
        np.float32(values)[:, None], np.array([0, 40, 80]), np.array([0, 1])
    )
    table = make_windows(
        task.offsets,
        np.int8([2, 2]),
        layout="full",
        window_length=1,
        stride=1,
        segment_length=1,
    )
    seen = {
        "visible_from": np.repeat([0, 40], 40),
        "answers": np.array([39, 79]),
        "target": task.targets,
    }
    assert find_ceiling(task, table, **seen) is None
    symbols = np.float32(np.arange(80) // 30)  # the last of three comes late
    assert find_ceiling(task._replace(values=symbols[:, None]), table, **seen) == 1
    monkeypatch.setattr(ceilings_, "MAX_SYMBOLS", 2)
    assert find_ceiling(task._replace(values=symbols[:, None]), table, **seen) is None


def test_seed_scores_tell_final_train_and_running_accuracy_apart():
    # two seeds; train is answered 0 0 and 1 0, for 0; test 0 1 0 0 and 1 0 1 1,
    # for 1 1 0 0
    task, table = three_sequences()
    probability = np.float32(
        [[0.1, 0.2, 0.3, 0.9, 0.2, 0.1], [0.8, 0.2, 0.7, 0.4, 0.6, 0.9]]
    )
    history = pd.DataFrame(
        {"seed": [4, 5, 4, 5], "epoch": [1, 1, 2, 2], "accuracy": [0, 0, 0.6, 0.7]}
    )
    scored = scoring.seed_scores(probability, task, table, history)
    assert scored["seed"].tolist() == [4, 5]
    assert scored["accuracy"].tolist() == [0.75, 0.25]
    assert scored["final_accuracy"].tolist() == [1.0, 0.0]
    assert scored["train_accuracy"].tolist() == [1.0, 0.5]
    assert scored["running_accuracy"].tolist() == [0.6, 0.7]


def test_above_ceiling_names_a_score_that_one_seed_has_too_high():
    table = pd.DataFrame({"seed": [0, 1], "accuracy": [0.5, 0.56], "auc": [1, 1]})
    table["final_accuracy"] = [0.5, 0.5]
    ceilings = {"accuracy": 0.55, "final_accuracy": 0.5}
    assert scoring.above_ceiling(table, ceilings) == ["accuracy"]
    assert scoring.above_ceiling(table, {"accuracy": 0.56}) == []
    assert scoring.above_ceiling(table, {"accuracy": None}) == []


def test_in_words_warns_of_a_score_above_its_ceiling():
    table = pd.DataFrame({"seed": [0], "accuracy": [0.9], "final_accuracy": [0.5]})
    bounds = scoring.Bounds(
        {"accuracy": 0.5, "final_accuracy": None},
        {"constant": {"accuracy": 0.4, "final_accuracy": 0.25}},
    )
    scored = scoring.summary(table, bounds)
    lines = scoring.in_words("stateless", table, scored).splitlines()
    assert lines == [
        "stateless: accuracy 0.9000, ceiling 0.5000; "
        "final_accuracy 0.5000, baseline 0.2500; n = 1",
        "stateless: accuracy is ABOVE its ceiling for some seed: something leaks",
    ]


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
    found = scoring.bounds(task, table, never, Forecast(1, 2, None)).baselines
    # at 2, 3, 4 and 8 from 4, 2, 6 and 51 to 6, 9, 3 and 58
    assert found["persistence"]["rmse"] == pytest.approx(np.sqrt((4 + 49 + 9 + 49) / 4))
    assert "seasonal_naive" not in found
    found = scoring.bounds(task, table, never, Forecast(1, 2, 5)).baselines
    # three steps before 3 and 4 are 0 and 1; 2 and 8 have none in their sequences
    expected = np.sqrt(
        ((6 - 4) ** 2 + (9 - 0) ** 2 + (3 - 1) ** 2 + (58 - 51) ** 2) / 4
    )
    assert found["seasonal_naive"]["rmse"] == pytest.approx(expected)
    final = np.sqrt(((3 - 1) ** 2 + (58 - 51) ** 2) / 2)
    assert found["seasonal_naive"]["final_rmse"] == pytest.approx(final)
    assert scoring.bounds(task, table, never).baselines.keys() == {"constant"}


def test_learning_curves_are_the_mean_and_the_range_of_the_seeds_still_training():
    history = pd.DataFrame(
        {
            "seed": [0, 1, 2, 0, 2],  # seed 1 has stopped after one epoch
            "epoch": [1, 1, 1, 2, 2],
            "accuracy": [0.1, 0.1, 0.1, 0.1, 0.1],
            "test_accuracy": [0.25, 0.5, 0.75, 0.5, 0.75],
        }
    )
    scored = {
        mode: mode_scores(ceiling={"accuracy": best}, constant={"accuracy": 0.25})
        for mode, best in (("stateless", None), ("stateful", 0.875))
    }
    table = scoring.learning_curves(dict.fromkeys(scored, history), scored)
    expected = pd.DataFrame(
        {
            "mode": ["stateless", "stateless", "stateful", "stateful"],
            "score": "accuracy",
            "epoch": [1, 2, 1, 2],
            "mean": [0.5, 0.625, 0.5, 0.625],
            "lowest": [0.25, 0.5, 0.25, 0.5],
            "highest": 0.75,
            "ceiling": [np.nan, np.nan, 0.875, 0.875],
            "baseline": 0.25,
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_learning_curves_of_values_are_of_mae_which_has_no_ceiling_and_no_baseline():
    history = pd.DataFrame(
        {"seed": [0, 1], "epoch": 1, "mae": 9.0, "test_mae": [1.0, 4.0]}
    )
    scored = {"stateful": mode_scores(ceiling={"rmse": None}, constant={"rmse": 2.0})}
    (row,) = scoring.learning_curves({"stateful": history}, scored).to_dict("records")
    assert (row["score"], row["mean"], row["lowest"], row["highest"]) == (
        *("mae", 2.5, 1.0, 4.0),
    )
    assert np.isnan(row["ceiling"]) and np.isnan(row["baseline"])
