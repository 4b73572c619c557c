import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelab.networks import scores

PROBABILITY = np.float32([[0.9, 0.2, 0.7, 0.6], [0.4, 0.1, 0.3, 0.8]])
TARGET = np.array([1, 0, 0, 1])


def test_accuracy_of_two_seeds():
    assert scores.accuracy(PROBABILITY, TARGET).tolist() == [0.75, 0.75]


def test_accuracy_calls_one_half_class_0_as_keras_does():
    assert scores.accuracy(np.array([[0.5, 0.5]]), np.array([0, 1])).tolist() == [0.5]


def test_crossentropy_by_hand():
    # −(ln .9 + ln .8 + ln .3 + ln .6)/4 and −(ln .4 + ln .9 + ln .7 + ln .8)/4
    expected = [
        -np.log(0.9 * 0.8 * 0.3 * 0.6) / 4,
        -np.log(0.4 * 0.9 * 0.7 * 0.8) / 4,
    ]
    assert scores.crossentropy(PROBABILITY, TARGET) == pytest.approx(expected)


def test_crossentropy_of_certainty_is_finite():
    loss = scores.crossentropy(np.float32([[0, 1]]), np.array([1, 1]))
    assert loss == pytest.approx([-np.log(1e-7) / 2], rel=1e-6)


def test_balanced_accuracy_weighs_classes_alike():
    # three of class 0, two of them right; one of class 1, wrong: (2/3 + 0)/2
    result = scores.balanced_accuracy(
        np.array([[0.1, 0.2, 0.8, 0.3]]), np.array([0, 0, 0, 1])
    )
    assert result == pytest.approx([1 / 3])


@given(
    answers=st.lists(
        st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.9]), st.booleans()),
        min_size=2,
        max_size=12,
    ).filter(lambda answers: len({label for _, label in answers}) == 2)
)
def test_auc_counts_the_pairs_in_the_right_order(answers):
    positive = [p for p, label in answers if label]
    negative = [p for p, label in answers if not label]
    won = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    probability, target = map(np.array, zip(*answers, strict=True))
    assert scores.auc(probability[None], target) == pytest.approx([np.mean(won)])


CLASSES = np.array([[[0.2, 0.7, 0.1], [0.5, 0.1, 0.4], [0.3, 0.4, 0.3]]])


def test_scores_of_three_classes_by_hand():
    target = np.array([1, 2, 2])  # answered 1, 0 and 1
    assert scores.accuracy(CLASSES, target) == pytest.approx([1 / 3])
    assert scores.balanced_accuracy(CLASSES, target) == pytest.approx([1 / 2])
    expected = -np.log(0.7 * 0.4 * 0.3) / 3
    assert scores.crossentropy(CLASSES, target) == pytest.approx([expected])
    # class 1: 0.7 against 0.1 and 0.4; class 2: 0.4 and 0.3 against 0.1
    assert scores.auc(CLASSES, target) == pytest.approx([1.0])
    # class 0 against the rest: 0.2 against 0.5 and 0.3, no pair in order; class 1:
    # 0.1 against 0.7 and 0.4, none; class 2: 0.3 against 0.1 and 0.4, one of two
    assert scores.auc(CLASSES, np.array([0, 1, 2])) == pytest.approx([1 / 6])


def test_scores_of_values_by_hand():
    value, target = np.array([[1.0, 3.0], [2.0, -1.0]]), np.array([0.0, 5.0])
    assert scores.squared_error(value, target).tolist() == [2.5, 20]
    assert scores.rmse(value, target) == pytest.approx([2.5**0.5, 20**0.5])
    assert scores.mae(value, target).tolist() == [1.5, 4]


def test_auc_of_one_class_is_not_defined():
    assert np.isnan(scores.auc(PROBABILITY, np.ones(4, int))).tolist() == [True, True]
