import math

import numpy as np
import pytest

from statelab.data.sequences import Sequences
from statelab.evaluation import interval_coverage
from statelab.evaluation.interval_coverage import Wanted
from statelab.io.predictions import Predictions
from statelab.samples.windows import make_windows

OFFSETS = np.array([0, 2, 6, 10, 12])  # train, validation, test, test
SPLIT = np.int8([0, 1, 2, 2])
TARGET = np.float32([9, 9, 10, 20, 30, 40, 1, 2, np.nan, 4, 5, 6])
# of validation 1, 2, 3, 4; of test 1.5, 3.5, none, 2.5 and 9, 0
ERRORS = np.float32([0, 0, 1, -2, 3, -4, 1.5, -3.5, 7, 2.5, 9, 0])
WINDOWS = make_windows(OFFSETS, SPLIT, layout="per_timestep", segment_length=2)


def predicted(errors=ERRORS) -> Predictions:
    target = np.nan_to_num(TARGET)
    return Predictions(
        variant="in use",
        split=0,
        layout={},
        gradient_window=2,
        chosen=True,
        batch_size=1,
        epochs=1,
        learning_rate=0.1,
        updates=1,
        labelled_steps=1,
        late_gain=0.0,
        predictions=np.stack([target + errors, target + errors / 2]),
        visible_from=np.zeros(12, np.int64),
    )


def measured(coverage, target=TARGET, errors=ERRORS, horizon=0, of_logarithms=False):
    sequences = Sequences(np.zeros((12, 1), np.float32), OFFSETS, target)
    splits = [(WINDOWS, predicted(errors))]
    return interval_coverage.measure(
        sequences, splits, Wanted(coverage, horizon, of_logarithms)
    )


def test_targets_of_test_are_counted_within_the_radius_of_validation():
    held = measured(0.6)  # of the second network all errors are half as large
    assert (held.radius, held.errors) == ((3 + 1.5) / 2, 4)
    # within 3: 1.5, 2.5 and 0 of five; the one without a target does not count
    assert held.held == pytest.approx(0.6)
    assert measured(0.8).held == pytest.approx(0.8)


def test_radii_follow_where_targets_become_known():
    still, following = measured(0.4), measured(0.4, horizon=1)
    assert still.radius == 1.5  # of both networks the mean
    # inside, outside, without a target; and in the next sequence outside
    first = np.exp(0.2 * np.array([0, -0.6, -0.2, 0, 0.4]))
    assert following.radius == pytest.approx(1.5 * first.mean(), rel=1e-4)


def test_classes_and_few_errors_have_no_intervals():
    assert measured(0.9) is None
    assert measured(0.5, target=np.arange(12) % 2) is None


def test_several_splits_are_one_mean():
    sequences = Sequences(np.zeros((12, 1), np.float32), OFFSETS, TARGET)
    wide = ERRORS * np.where(np.arange(12) < 6, 4, 1)  # validation is worse than test
    splits = [(WINDOWS, predicted()), (WINDOWS, predicted(np.float32(wide)))]
    both = interval_coverage.measure(sequences, splits, Wanted(0.6, 0, False))
    assert both.held == pytest.approx((0.6 + 1) / 2)
    assert both.radius == pytest.approx((2.25 + 9) / 2)


def test_intervals_of_logarithms_are_factors():
    target = np.float32([1] * 12)
    factors = np.float32(np.exp([0, 0, 0.1, -0.2, 0.3, -0.4, 0.2, -0.5, 9, 0, 1, -1]))
    own = predicted()._replace(predictions=np.stack([factors, factors]))
    held = interval_coverage.measure(
        Sequences(np.zeros((12, 1), np.float32), OFFSETS, target),
        [(WINDOWS, own)],
        Wanted(0.6, 0, True),
    )
    assert held.radius == pytest.approx(0.3)
    assert held.held == pytest.approx(2 / 6)
    assert f"a factor of {math.exp(0.3):.4f} both" in interval_coverage.in_words(
        "stateful", held
    )
