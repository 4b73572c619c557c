import numpy as np
import pytest

from statelab.data.sequences import Sequences
from statelab.evaluation import choice
from statelab.io.predictions import Predictions
from statelab.samples.windows import make_windows

# a sequence of 4 steps to train on, one of 5 to validate on and one of 3 to test on
OFFSETS, SPLIT = np.array([0, 4, 9, 12]), np.int8([0, 1, 2])
TARGETS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1])
DATA = Sequences(np.zeros((12, 1), np.float32), OFFSETS, TARGETS)
WINDOWS = make_windows(OFFSETS, SPLIT, layout="per_timestep")
TWO = {"layout": "subsampled", "window_length": 2, "stride": 1}


def predicted(wrong, variant="in use", layout=None, values=TARGETS):
    """Right but for some steps, which two networks get wrong."""
    answers = np.tile(np.float32(values), (2, 1))
    answers[:, wrong] = 1 - answers[:, wrong]
    if layout is not None:  # windows of two predict no first step
        answers = answers[:, [1, 2, 3, 5, 6, 7, 8, 10, 11]]
    none = np.zeros(answers.shape[1], int)
    trained = (1, False, 1, 5, 0.01, 60, 60, 0.0)
    return Predictions(variant, 0, layout or {}, *trained, answers, none)


def test_the_best_on_validation_is_chosen_whatever_it_does_on_test():
    lucky = predicted([5, 6], "lookback 3")  # all of test is right
    best = predicted([7, 0, 1, 2, 9, 10, 11], "lookback 4")
    assert choice.choose(DATA, WINDOWS, [predicted([5, 6, 7]), lucky, best]) == 2


def test_only_steps_that_all_predict_count_and_the_earlier_of_two_ties():
    # without step 4, which windows do not predict, both have one of four wrong
    in_use, windows = predicted([4, 6]), predicted([5], "lookback 2", TWO)
    assert choice.choose(DATA, WINDOWS, [in_use, windows]) == 0
    assert choice.choose(DATA, WINDOWS, [windows, in_use]) == 0
    worse = predicted([4, 6, 7])
    assert choice.choose(DATA, WINDOWS, [worse, windows]) == 1


def test_the_same_again_is_there_to_show_noise():
    again = predicted([], "again")
    assert choice.choose(DATA, WINDOWS, [predicted([5]), again]) == 0


def test_without_a_validation_split_it_is_chosen_on_train():
    windows = make_windows(OFFSETS, np.int8([0, 2, 2]), layout="per_timestep")
    on_train, on_test = predicted([0, 1]), predicted([2, 5, 6, 7, 8, 9])
    assert choice.choose(DATA, windows, [on_train, on_test]) == 1


@pytest.mark.parametrize("values", [TARGETS * 2.5])
def test_of_values_the_smaller_error_is_better(values):
    data = DATA._replace(targets=values)
    near = predicted([], "lookback 3", values=values + 0.1)
    far = predicted([], values=values - 0.2)
    assert choice.choose(data, WINDOWS, [far, near]) == 1
