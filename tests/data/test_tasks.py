import numpy as np
import pytest
from project_params import generate

from statelab.config.tasks import TASKS
from statelab.data import tasks
from statelab.data.tasks import (
    adding,
    copy_memory,
    first_step,
    lagged_copy,
    multiplication,
    noise,
    noisy_first,
    parity,
    temporal_order_6a,
    temporal_order_6b,
)


def rng():
    return np.random.default_rng(5)


def test_every_task_has_a_row_of_the_rules_and_a_function_that_draws_it():
    assert list(tasks.TASK_FUNCTIONS) == list(TASKS)


def test_first_step_is_the_input_of_the_post():
    task = first_step(sequences=1200, length=20, rng=np.random.default_rng(0))
    values = task.values.reshape(1200, 20)
    assert values.dtype == np.float32
    assert values[:, 0].sum() == 600
    assert not values[:, 1:].any()
    assert (task.targets == values[:, 0]).all()
    assert task.offsets[[0, 1, -1]].tolist() == [0, 20, 24000]


def test_first_step_is_drawn_anew_for_another_seed():
    one, two = (
        first_step(sequences=40, length=2, rng=np.random.default_rng(seed)).targets
        for seed in (0, 1)
    )
    assert (one != two).any()


@pytest.mark.parametrize("name", TASKS)
def test_every_task_in_the_table_can_be_made(name):
    task = tasks.make(generate(task=name, sequences=6, length=22, lag=3), seed=5)
    assert task.values.dtype == np.float32 and task.values.ndim == 2
    assert len(task.offsets) == 7 and task.offsets[-1] == len(task.values)
    assert len(task.targets) in (6, len(task.values))
    lengths = np.diff(task.offsets)
    assert (lengths.min(), lengths.max() > 22) == (22, TASKS[name].ragged)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_sequences_as_short_as_the_table_says(name):
    shortest = TASKS[name].shortest
    task = tasks.make(generate(task=name, sequences=6, length=shortest, lag=1), seed=5)
    assert np.diff(task.offsets).min() == shortest


def test_noisy_first_tells_the_class_by_its_first_step_alone():
    task = noisy_first(sequences=1000, length=30, rng=rng())
    values = task.values.reshape(1000, 30)
    assert (values[:, 0] == 2 * task.targets - 1).all()
    assert values[:, 1:].var() == pytest.approx(0.2, rel=0.03)
    later = [values[task.targets == label, 1:].mean() for label in (0, 1)]
    assert later == pytest.approx([0, 0], abs=0.02)


@pytest.mark.parametrize(
    ("task", "combine", "blind"),
    [(adding, np.sum, 1 / 6), (multiplication, np.prod, 7 / 144)],
)
def test_adding_and_multiplication_are_of_the_marked_numbers(task, combine, blind):
    sequences = task(sequences=4000, length=7, rng=rng())
    numbers, marks = sequences.values.reshape(4000, 7, 2).transpose(2, 0, 1)
    assert (marks[:, :3].sum(axis=1) == 1).all()  # one in each half
    assert (marks[:, 3:].sum(axis=1) == 1).all()
    marked = numbers[marks == 1].reshape(4000, 2)
    np.testing.assert_allclose(sequences.targets, combine(marked, axis=1), rtol=1e-6)
    assert sequences.targets.var() == pytest.approx(blind, rel=0.05)


@pytest.mark.parametrize(
    ("task", "places"),
    [
        (temporal_order_6a, [(10, 20), (50, 60)]),
        (temporal_order_6b, [(10, 20), (33, 43), (66, 76)]),
    ],
)
def test_temporal_order_is_told_by_x_and_y_alone(task, places):
    sequences = task(sequences=300, length=100, rng=rng())
    symbols = sequences.values.argmax(axis=1)
    assert (sequences.values.sum(axis=1) == 1).all()
    lengths = np.diff(sequences.offsets)
    assert (lengths.min(), lengths.max()) == (100, 110)
    for start, stop, label in zip(
        sequences.offsets[:-1], sequences.offsets[1:], sequences.targets, strict=True
    ):
        one = symbols[start:stop]
        assert (one[0], one[-1]) == (0, 1)  # E and B
        where = np.flatnonzero(one >= 6)
        for step, (low, high) in zip(where, places, strict=True):
            assert low <= step <= high
        digits = "".join(str(symbol - 6) for symbol in one[where])
        assert label == int(digits, 2)
    assert set(sequences.targets) == set(range(2 ** len(places)))


def test_copy_memory_asks_for_ten_symbols_after_the_delimiter():
    sequences = copy_memory(sequences=400, length=31, rng=rng())
    shown = sequences.values.reshape(400, 31, 10).argmax(axis=2)
    targets = sequences.targets.reshape(400, 31)
    assert (sequences.values.sum(axis=1) == 1).all()
    assert (targets[:, 21:] == shown[:, :10]).all() and not targets[:, :21].any()
    assert not shown[:, 10:20].any() and not shown[:, 21:].any()
    assert (shown[:, 20] == 9).all()
    assert set(np.unique(shown[:, :10])) == set(range(1, 9))
    # blind, the symbols are guessed: the cross-entropy of the literature
    blind = -np.log(np.where(np.arange(31) < 21, 1, 1 / 8)).mean()
    assert blind == pytest.approx(10 * np.log(8) / 31)


def test_lagged_copy_looks_back_within_its_own_sequence():
    task = lagged_copy(sequences=3, length=8, lag=5, rng=rng())
    bits, labels = task.values.reshape(3, 8), task.targets.reshape(3, 8)
    assert (labels[:, :5] == -1).all()
    assert (labels[:, 5:] == bits[:, :3]).all()


def test_parity_begins_anew_with_each_sequence():
    task = parity(sequences=3, length=8, rng=rng())
    for bits, labels in zip(
        task.values.reshape(3, 8), task.targets.reshape(3, 8), strict=True
    ):
        assert labels.tolist() == [int(bits[: t + 1].sum()) % 2 for t in range(8)]


def test_noise_says_nothing_of_its_labels():
    task = noise(sequences=2000, length=5, rng=rng())
    means = [
        task.values.reshape(2000, 5)[task.targets == label].mean() for label in (0, 1)
    ]
    assert means == pytest.approx([0, 0], abs=0.03)
    assert task.targets.sum() == 1000
