"""What trials have in common: the split, the scored steps, and the baselines."""

import numpy as np
import project_params
import pytest
import search_problems

from statelab.baselines.naive import Forecast
from statelab.data.sequences import SPLITS, Sequences
from statelab.errors import UserError
from statelab.lookback import evaluation_set, problem
from statelab.lookback.problem import SearchData
from statelab.samples.windows import make_windows


def test_every_window_is_scored_at_the_same_steps_of_validation():
    search = {"high": 5, "validation_size": 12}
    data = search_problems.build(search={**search, "scored_steps": 1000})
    chosen = np.flatnonzero(data.windows.split == SPLITS["validation"])
    assert len(chosen) == 12
    # of each sequence the steps 4 to 11, each with the target of 3 steps before
    expected = (chosen[:, None] * 12 + np.arange(4, 12)).ravel()
    assert data.scored_steps.tolist() == expected.tolist()
    assert len(np.unique(data.problem.parts)) == 12  # one for each sequence
    few = search_problems.build(search=search).scored_steps
    assert len(few) == 50 and set(few) < set(expected) and (np.diff(few) > 0).all()


def test_a_validation_split_of_params_yaml_is_kept():
    own = search_problems.build(window={"validation_size": 4}).windows.split
    assert np.bincount(own).tolist() == [28, 4, 8]
    assert np.bincount(search_problems.build().windows.split).tolist() == [24, 8, 8]


def test_the_longest_window_is_what_half_of_the_sequences_have():
    assert search_problems.build().longest_window == 12
    assert search_problems.build(length=200).longest_window == 128
    longer = search_problems.build(length=200, search={"high": 150})
    assert longer.longest_window == 150


def test_a_given_split_must_leave_a_sequence_to_choose_on():
    params = project_params.params(window={"split": "given"})
    search = project_params.search_params({}).search
    data = Sequences(np.zeros((9, 1)), np.array([0, 2, 5, 9]), np.arange(9) % 2)
    codes = np.int8([2, 1, 0])
    table = evaluation_set.split(data, params, search, codes)
    assert table.split.tolist() == [2, 1, 0]
    # where the file has none, one of two that train is drawn; never the only one
    drawn = evaluation_set.split(data, params, search, np.int8([2, 0, 0]))
    assert sorted(drawn.split.tolist()) == [0, 1, 2] and drawn.split[0] == 2
    with pytest.raises(UserError) as caught:
        evaluation_set.split(data, params, search, np.int8([2, 2, 0]))
    assert str(caught.value) == (
        "`window.split` must leave a sequence to choose windows on, which is one to "
        "validate on. Received: given"
    )


@pytest.mark.parametrize(
    ("search", "words"),
    [
        (
            {"high": 13},
            "`search.high` must not be longer than every sequence; .* 12 st",
        ),
        ({"low": 13}, "`search.low` must not be above 12"),
    ],
)
def test_a_window_that_no_sequence_has_is_refused(search, words):
    with pytest.raises(UserError, match=words):
        search_problems.build(search=search)


def test_a_window_that_leaves_nothing_to_score_is_refused():
    data = Sequences(np.zeros((8, 1)), np.array([0, 3, 8]), np.array([1, 1, 1, 1] * 2))
    data.targets[7] = -1
    table = make_windows(data.offsets, np.array([0, 1], np.int8), layout="full")
    with pytest.raises(
        UserError, match="must leave a step of validation .* Received: 5"
    ):
        evaluation_set.choose_steps(data, table, 5, 9, np.random.default_rng(0))


def test_targets_of_sequences_are_those_of_their_steps():
    data = Sequences(np.zeros((5, 1)), np.array([0, 2, 5]), np.array([1, 0]))
    per_step = evaluation_set.with_targets_per_step(data)
    assert per_step.targets.tolist() == [1, 1, 0, 0, 0]
    assert evaluation_set.with_targets_per_step(per_step) is per_step


def of_values():
    """Train on 0, 2, 4, validate on 10, 20, 30, 40; the target is the next value."""
    values = np.float32([0, 2, 4, 10, 20, 30, 40])[:, None]
    targets = np.float32([2, 4, np.nan, 20, 30, 40, np.nan])
    data = Sequences(values, np.array([0, 3, 7]), targets)
    table = make_windows(data.offsets, np.array([0, 1], np.int8), layout="full")
    return SearchData(None, data, table, 2, np.array([4, 5]))


def test_the_baselines_of_values_are_those_at_the_scored_steps():
    """Targets are 30 and 40; the mean of train is 3, and the values there 20 and 30."""
    forecast = Forecast(feature=0, horizon=1, season=2)
    baselines = problem.baselines(of_values(), forecast)
    assert baselines["constant"] == pytest.approx(np.sqrt((27**2 + 37**2) / 2))
    assert baselines["persistence"] == pytest.approx(10)
    # a season of 2 before what is forecast is a step before that of the prediction
    assert baselines["seasonal_naive"] == pytest.approx(20)
    assert list(problem.baselines(of_values(), None)) == ["constant"]


def test_the_ceilings_at_the_scored_steps():
    """First steps 1, 0, 1, 0 are the label; only windows of 3 hold them at the last."""
    data = search_problems.build(
        task="first_step", length=3, search={"scored_steps": 1000}
    )
    assert problem.ceilings(data, [1, 2, 3]) == {1: 0.5, 2: 0.5, 3: 1.0}
    assert problem.baselines(data, None) == {"constant": 0.5}
    # of 8 random windows of 12 bits none is like another
    assert problem.ceilings(search_problems.build(), [12]) == {12: None}
    assert problem.ceilings(of_values(), [2]) == {2: None}


def test_windows_to_train_on_are_counted():
    settings = {"window_length": 5, "stride": 2}
    assert (
        problem.samples(search_problems.build(), settings) == 24 * 4
    )  # at 0, 2, 4 and 6
