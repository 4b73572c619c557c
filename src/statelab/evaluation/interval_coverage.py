"""How many targets of test the prediction intervals of a mode hold."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from statelab.data.sequences import SPLITS, Sequences, head_of, targets_at
from statelab.evaluation.evaluation import IntervalCoverage
from statelab.evaluation.scoring import with_target
from statelab.formatting import number
from statelab.io.predictions import Predictions
from statelab.samples import prediction_intervals
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    rewindow,
    sequences_in_split,
)


class Wanted(NamedTuple):
    """Which intervals are wanted."""

    coverage: float  # share of the targets that shall be in their interval
    horizon: int  # steps after which the target of a prediction is known; 0: never
    of_logarithms: bool  # as in `prediction_intervals.calibrate`


class TestIntervals(NamedTuple):
    """The intervals of the test split."""

    __test__ = False  # of no use to pytest

    numbers: np.ndarray  # int64 [predictions]; which predictions they are of
    offsets: np.ndarray  # int64 [sequences + 1]; of each sequence of test
    step: np.ndarray  # int64 [predictions]; the flat step of each
    target: np.ndarray  # [predictions]; NaN for none
    errors: np.ndarray  # as `prediction_intervals.errors` returns them
    radius: np.ndarray  # [networks, predictions]
    known: int  # errors on validation that the first radius is of


def on_test(
    sequences: Sequences, windows: Windows, predicted: Predictions, wanted: Wanted
) -> TestIntervals | None:
    """Calibrate intervals on validation, and let them follow what is known of test.

    Args:
        sequences: the steps and their targets.
        windows: as they are in use.
        predicted: what a variant predicts.
        wanted: which intervals.

    Returns:
        None for classes, and where validation has too few errors for the coverage.
    """
    if head_of(sequences.targets)[0] != "regression":
        return None
    table = rewindow(windows, **predicted.layout)
    validated, target = with_target(sequences, table, "validation")
    calibration = prediction_intervals.calibrate(
        predicted.predictions[:, validated], target, of_logarithms=wanted.of_logarithms
    )
    if prediction_intervals.highest_coverage(calibration) < wanted.coverage:
        return None
    tested = sequences_in_split(table, SPLITS["test"])
    numbers = predictions_of(table, tested)
    offsets = np.append(0, np.cumsum(np.diff(table.answers)[tested]))
    at = locate_predictions(table, numbers)
    target = targets_at(sequences, at.sequence, at.step)
    errors = prediction_intervals.errors(
        predicted.predictions[:, numbers], target, of_logarithms=wanted.of_logarithms
    )
    radius = prediction_intervals.radius_of(calibration, wanted.coverage)
    if wanted.horizon:
        radii = prediction_intervals.following(
            radius,
            errors,
            offsets,
            horizon=wanted.horizon,
            coverage=wanted.coverage,
        )
    else:
        radii = np.repeat(radius[:, None], len(numbers), axis=1)
    return TestIntervals(
        numbers, offsets, at.step, target, errors, radii, len(validated)
    )


def measure(
    sequences: Sequences, splits: Iterable[tuple[Windows, Predictions]], wanted: Wanted
) -> IntervalCoverage | None:
    """Count the targets of test that are in their intervals.

    Args:
        sequences, wanted: as in `on_test`.
        splits: windows as they are in use, and what the chosen variant predicts.

    Returns:
        None where `on_test` does.
    """
    held, radii, known = [], [], []
    for windows, predicted in splits:
        of_test = on_test(sequences, windows, predicted, wanted)
        if of_test is None:
            return None
        scored = ~np.isnan(of_test.target)
        inside = (of_test.errors <= of_test.radius)[:, scored]
        held.append(inside.mean())
        radii.append(of_test.radius[:, scored].mean())
        known.append(of_test.known)
    return IntervalCoverage(
        wanted=wanted.coverage,
        held=float(np.mean(held)),
        radius=float(np.mean(radii)),
        of_logarithms=wanted.of_logarithms,
        errors=min(known),
    )


def in_words(mode: str, measured: IntervalCoverage) -> str:
    """Say in a line what intervals hold.

    Example:
        >>> in_words("stateful", IntervalCoverage(0.8, 0.784, 21.3, False, 416))
        'stateful: 80 % prediction intervals, ± 21.30 on average, hold 78.4 % of test'
        >>> in_words("stateful", IntervalCoverage(0.95, 0.784, 0.25, True, 416))
        'stateful: 95 % prediction intervals, a factor of 1.2840 both ways on average, \
hold 78.4 % of test'
    """
    size = f"± {number(measured.radius)}"
    if measured.of_logarithms:
        size = f"a factor of {number(float(np.exp(measured.radius)))} both ways"
    return (
        f"{mode}: {100 * measured.wanted:.3g} % prediction intervals, {size} on "
        f"average, hold {100 * measured.held:.1f} % of test"
    )
