"""What `auto` comes to, for tasks and for files."""

import copy
import itertools

import pytest
from project_params import PARAMS

from statelab.config import defaults, schema
from statelab.config.defaults import NO_LIMIT


def filled(source="csv", **changes):
    """params.yaml with some keys changed, by section and name, and filled."""
    read = copy.deepcopy(PARAMS)
    read["generate"]["source"] = source
    for key, value in changes.items():
        section, name = key.split("__")
        read[section][name] = value
    return schema.check(read)


def test_tasks_have_the_values_of_the_post():
    task = filled("task")
    assert (task.window.segment_length, task.window.validation_size) == (1, 0)
    for training in (task.train_stateless, task.train_stateful):
        assert (training.epochs, training.updates) == (15, None)
        assert (training.learning_rate, training.learning_rates) == (0.001, None)
        assert (training.schedule, training.patience) == ("cosine", None)
    assert task.train_stateful.lanes == 1
    assert task.train_stateless.batch_size == "auto"


def test_files_have_a_budget_and_a_choice_of_rates_and_stop_by_validation():
    file = filled()
    assert (file.window.segment_length, file.window.validation_size) == (24, 0.15)
    for training in (file.train_stateless, file.train_stateful):
        assert (training.epochs, training.updates) == (300, 1500)
        assert (training.learning_rate, training.learning_rates) == (0.01, [0.003])
        assert (training.schedule, training.patience) == ("constant", 0.2)
    assert file.train_stateful.lanes == 32
    assert file.train_stateless.lookbacks == "auto"


@pytest.mark.parametrize("source", ["task", "csv"])
def test_a_limit_that_is_given_is_the_only_one(source):
    given = filled(source, train_stateful__epochs=7, train_stateless__updates=90)
    assert (given.train_stateful.epochs, given.train_stateful.updates) == (7, None)
    assert (given.train_stateless.epochs, given.train_stateless.updates) == (
        NO_LIMIT,
        90,
    )
    both = filled(source, train_stateful__epochs=7, train_stateful__updates=90)
    assert (both.train_stateful.epochs, both.train_stateful.updates) == (7, 90)


def test_without_a_validation_split_nothing_is_chosen_on_it():
    file = filled(window__validation_size=0)
    for training in (file.train_stateless, file.train_stateful):
        assert (training.learning_rates, training.patience) == (None, None)
    assert file.train_stateless.lookbacks is None


def test_what_is_written_stays_and_nothing_else_is_auto():
    read = {**PARAMS, "seed": 5}
    after = defaults.filled(read)
    left = {
        (section, key)
        for section, keys in after.items()
        if isinstance(keys, dict)
        for key, value in keys.items()
        if value == "auto"
    }
    assert left == {
        ("generate", "target_type"),
        *itertools.product(["window"], ["split", "scaling"]),
        *itertools.product(["train_stateless"], ["batch_size", "lookbacks"]),
        ("evaluate", "splits"),
    }
    assert after["seed"] == 5 and after["model"] == PARAMS["model"]


@pytest.mark.parametrize("read", [None, [], {"generate": 3}, {"generate": {}}])
def test_what_is_not_sound_is_left_for_the_check(read):
    assert defaults.filled(read) == read
