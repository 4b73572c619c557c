import numpy as np
import pytest

from statelab.baselines.stored import Baseline
from statelab.data.sequences import Sequences
from statelab.errors import UserError
from statelab.evaluation import comparison
from statelab.io.predictions import Predictions
from statelab.networks.scores import RMSE
from statelab.samples.windows import make_windows

# a sequence to train on, one to validate on and one to test on, of 4, 4 and 5 steps
OFFSETS = np.array([0, 4, 8, 13])
SPLIT = np.array([0, 1, 2], np.int8)
PER_STEP = make_windows(OFFSETS, SPLIT, layout="per_timestep", segment_length=1)
WINDOW = {"layout": "subsampled", "window_length": 3, "stride": 1}


def predicted(variant, answers, layout=None, gradient_window=1):
    answers = np.float32(answers)
    first = np.zeros(answers.shape[1], int)
    return Predictions(
        variant=variant,
        split=0,
        layout=layout or {},
        gradient_window=gradient_window,
        chosen=variant == "in use",
        batch_size=1,
        epochs=5,
        learning_rate=0.01,
        updates=60,
        labelled_steps=120,
        late_gain=0.0,
        predictions=answers,
        visible_from=first,
    )


def of_classes(targets):
    values = np.arange(13, dtype=np.float32)[:, None] % 3
    return Sequences(values, OFFSETS, np.array(targets))


def test_variants_are_scored_on_the_steps_that_all_predict():
    # windows of 3 predict the steps 2, 3 | 6, 7 | 10, 11 and 12
    data = of_classes([0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1])
    carried = np.zeros((2, 13))
    carried[0, 10:] = [1, 0, 1]  # all right
    carried[1, 10:] = [1, 1, 0]  # one of three
    carried[0, 6] = carried[1, 7] = 1
    windows = [[0, 0, 1, 0, 1, 1, 1], [0, 0, 0, 1, 0, 0, 0]]
    result = comparison.compare(
        data,
        PER_STEP,
        {
            "stateless": [predicted("in use", np.ones((2, 13)))]
            + [predicted("lookback 3", windows, WINDOW)],
            "stateful": [predicted("in use", carried)],
        },
    )
    assert (result.score.name, result.steps, result.longest_sequence) == (
        "accuracy",
        3,
        5,
    )
    assert result.baseline == pytest.approx(2 / 3)
    always, lookback, stateful = result.candidates
    assert always.test.tolist() == pytest.approx([2 / 3, 2 / 3])
    assert lookback.test.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert stateful.test.tolist() == pytest.approx([1, 1 / 3])
    assert stateful.validation.tolist() == pytest.approx([1, 0])
    assert lookback.validation.tolist() == pytest.approx([1, 0])
    assert (always.timesteps, lookback.timesteps) == (1, 3)


def test_values_are_held_against_the_mean_of_train():
    targets = np.array([1.0, 2, 3, 6, 0, 0, 0, 0, 3, 3, 3, 3, 5])
    result = comparison.compare(
        of_classes(targets),
        PER_STEP,
        {mode: [predicted("in use", targets[None] + 2)] for mode in ("stateless",)},
    )
    assert result.score is RMSE
    assert result.baseline == pytest.approx(np.sqrt(4 / 5))  # of 3, four are right
    assert result.candidates[0].test.tolist() == [2.0]
    assert result.candidates[0].ceiling is None


def test_the_gap_is_from_a_target_to_the_one_before():
    targets = [-1, 1, -1, 0, 0, 1, -1, -1, -1, -1, -1, -1, 1]
    result = comparison.compare(
        of_classes(targets),
        PER_STEP,
        {"stateful": [predicted("in use", np.ones((1, 13)))]},
    )
    assert (
        result.target_gap == 2
    )  # train has targets at 1 and 3: what follows is of no use
    assert result.steps == 1


def test_there_must_be_a_step_that_all_predict():
    longer = {"layout": "subsampled", "window_length": 4, "stride": 4}
    data = of_classes([1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, -1])
    ends = {"layout": "subsampled", "window_length": 1, "stride": 2}
    # steps 11 of windows of 4, and 8, 10 and 12 of single steps, of which 12 has none
    with pytest.raises(UserError, match=r"a step of test that every variant predicts"):
        comparison.compare(
            data,
            PER_STEP,
            {
                "stateless": [predicted("a", np.ones((1, 3)), longer)],
                "stateful": [predicted("b", np.ones((1, 7)), ends)],
            },
        )


def test_several_splits_are_pooled_in_order_of_time():
    # the first tests on steps 8 to 12, the second on 4 to 7
    earlier = make_windows(OFFSETS, np.array([0, 2, 1], np.int8), layout="per_timestep")
    data = of_classes([0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1])
    right = np.array([[0.0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1]])
    wrong_at_5, wrong_at_10 = right.copy(), right.copy()
    wrong_at_5[0, 5], wrong_at_10[0, 10] = 0, 0
    both = [
        comparison.compare(
            data,
            table,
            {
                "stateless": [predicted("in use", wrong_at_5)],
                "stateful": [predicted("in use", wrong_at_10)],
            },
            [Baseline("last_label", "", np.ones(13, np.float32))],
        )
        for table in (PER_STEP, earlier)
    ]
    result = comparison.pooled(both)
    assert result.step.tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12]
    assert result.sequence.tolist() == [1] * 4 + [2] * 5
    stateless, stateful = result.candidates
    assert stateless.errors.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert stateful.errors.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert stateless.test.tolist() == pytest.approx([(1 + 3 / 4) / 2])
    assert stateful.test.tolist() == pytest.approx([(4 / 5 + 1) / 2])
    assert result.by_split.tolist() == pytest.approx([-1 / 5, 1 / 4])
    assert result.test_share == pytest.approx((5 / 4 + 4 / 4) / 2)
    (always,) = result.simple
    assert always.test == pytest.approx((4 / 5 + 2 / 4) / 2)
    assert always.errors.tolist() == [1, 0, 0, 1, 0, 0, 0, 1, 0]
    assert comparison.pooled(both[:1]) is both[0]
