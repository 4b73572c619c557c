import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelab import scores

PROBABILITY = np.float32([[0.9, 0.2, 0.7, 0.6], [0.4, 0.1, 0.3, 0.8]])
TARGET = np.array([1, 0, 0, 1])


def test_accuracy_of_two_seeds():
    assert scores.accuracy(PROBABILITY, TARGET).tolist() == [0.75, 0.75]


def test_accuracy_calls_one_half_class_0_as_keras_does():
    assert scores.accuracy(np.array([[0.5, 0.5]]), np.array([0, 1])).tolist() == [0.5]


def test_binary_crossentropy_by_hand():
    # −(ln .9 + ln .8 + ln .3 + ln .6)/4 and −(ln .4 + ln .9 + ln .7 + ln .8)/4
    expected = [
        -np.log(0.9 * 0.8 * 0.3 * 0.6) / 4,
        -np.log(0.4 * 0.9 * 0.7 * 0.8) / 4,
    ]
    assert scores.binary_crossentropy(PROBABILITY, TARGET) == pytest.approx(expected)


def test_binary_crossentropy_of_certainty_is_finite():
    loss = scores.binary_crossentropy(np.float32([[0, 1]]), np.array([1, 1]))
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
