"""Prediction intervals, as wide as errors on validation were, and then as they are.

The interval of a coverage c is the prediction ± a radius. It begins with the
⌈(n + 1) · c⌉-th smallest of the n absolute errors on validation (split conformal): if
errors on new data are distributed as these, and in no order, so wide an interval holds
at least a share c of the targets, whatever the network and its noise are.

In time errors have an order, and may grow. Where targets become known later, as those
of a forecast do, the radius follows: after a target outside its interval it grows by a
factor, after one inside it shrinks by a smaller one, so that both balance where a share
c is inside. Over a long time the share comes to c, even if the errors grow and shrink;
from one step to the next nothing is promised.

Reference:
    Lei, G'Sell, Rinaldo, Tibshirani and Wasserman, Distribution-Free Predictive
    Inference for Regression, Journal of the American Statistical Association 113, 2018.
    Gibbs and Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS
    2021; Angelopoulos, Candès and Tibshirani, Conformal PID Control for Time Series
    Prediction, NeurIPS 2023: the radius follows there by steps of a fixed size, here of
    its logarithm.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.io import arrays

FOLDER = "intervals"  # within that of the model
LEVELS = 1000  # coverages are thousandths
PACE = 0.2  # of the logarithm of a radius, by the root of the horizon


class Calibration(NamedTuple):
    """How far from predictions targets were on validation, by coverage."""

    # float32 [networks, 999]; by coverage, 0.001 to 0.999: the radius of an interval;
    # infinite where there are too few errors for it
    radius: np.ndarray
    errors: np.ndarray  # int64 [1]; how many there are of each network
    of_logarithms: np.ndarray  # bool [1]; whether they are errors of logarithms


def calibrate(
    predictions: np.ndarray, target: np.ndarray, *, of_logarithms: bool = False
) -> Calibration:
    """Return the quantiles of the absolute errors of each network.

    Args:
        predictions: values of the validation split, [networks, predictions].
        target: theirs, [predictions].
        of_logarithms: whether errors grow with values, as those of a network do that
            models the logarithm.

    Example:
        >>> predictions, target = np.array([[1.0, 5, 2, 9]]), np.array([3.0, 4, 2, 4])
        >>> calibration = calibrate(predictions, target)
        >>> calibration.radius[0, [199, 399, 599, 799]]  # of 0.2, 0.4, 0.6, 0.8
        array([0., 1., 2., 5.], dtype=float32)
        >>> calibration.radius[0, 800]  # 5 · 0.801 is more than 4 errors
        np.float32(inf)
    """
    ordered = np.sort(errors(predictions, target, of_logarithms=of_logarithms), axis=1)
    n = ordered.shape[1]
    # whole numbers: 0.7 · 10 in floating point is above 7
    rank = -(-(n + 1) * np.arange(1, LEVELS) // LEVELS)
    infinite = np.full((len(ordered), 1), np.inf)
    radius = np.concatenate([ordered, infinite], axis=1)[:, np.minimum(rank, n + 1) - 1]
    return Calibration(
        radius.astype(np.float32), np.array([n]), np.array([of_logarithms])
    )


def errors(
    predictions: np.ndarray, target: np.ndarray, *, of_logarithms: bool
) -> np.ndarray:
    """Return the absolute errors of predictions, or of their logarithms.

    Args:
        predictions: values, [networks, predictions].
        target: theirs, [predictions]; NaN for none.

    Returns:
        [networks, predictions].
    """
    if of_logarithms:
        predictions, target = np.log(predictions), np.log(target)
    return np.abs(predictions - target)


def radius_of(calibration: Calibration, coverage: float) -> np.ndarray:
    """Return the radius of an interval of some coverage, float32 [networks].

    Args:
        calibration: of the networks.
        coverage: share of the targets that shall be in their interval, from 0.001 to
            0.999; thousandths are rounded up.
    """
    return calibration.radius[:, int(np.ceil(round(coverage * LEVELS, 6))) - 1]


def following(
    radius: np.ndarray,
    errors: np.ndarray,
    offsets: np.ndarray,
    *,
    horizon: int,
    coverage: float,
) -> np.ndarray:
    """Return the radius at each prediction, as it follows the errors known by then.

    Args:
        radius: where each sequence begins, above 0, [networks].
        errors: of predictions, as `errors` returns them, [networks, predictions]; NaN
            where there is no target: there the radius stays.
        offsets: of the predictions of each sequence, in order of time, [sequences + 1].
        horizon: predictions after which the error of one is known, at least 1.
        coverage: share of the targets that shall be in their interval.

    Returns:
        float32 [networks, predictions].

    Example:
        >>> errors = np.array([[5.0, 0.0, 0.0, 0.0]])  # the first is outside
        >>> radii = following(np.array([2.0]), errors, np.array([0, 4]), horizon=1,
        ...                   coverage=0.8)
        >>> (np.log(radii / 2) / PACE).round(3)  # + 0.8, then twice - 0.2
        array([[0. , 0.8, 0.6, 0.4]], dtype=float32)
    """
    lengths = np.diff(offsets)
    begins = offsets[:-1][np.argsort(-lengths, kind="stable")]
    counts = np.sort(lengths)[::-1]
    pace = PACE / np.sqrt(horizon)
    with np.errstate(divide="ignore"):  # of a radius of 0, which stays one
        start = np.log(radius.astype(np.float32))[:, None]
        seen = np.log(errors.astype(np.float32))
    logarithms = np.repeat(start, errors.shape[1], axis=1)
    for step in range(horizon, int(counts.max(initial=0))):
        here = begins[: np.searchsorted(-counts, -step)] + step
        known = here - horizon
        outside = seen[:, known] > logarithms[:, known]
        change = pace * (outside - (1 - coverage))
        change[np.isnan(seen[:, known])] = 0
        logarithms[:, here] = logarithms[:, here - 1] + change
    return np.exp(logarithms)


def bounds(
    predictions: np.ndarray, radius: np.ndarray, *, of_logarithms: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper bound of each interval.

    Args:
        predictions: values, [networks, predictions].
        radius: of each, likewise, or [networks, 1].
        of_logarithms: whether it is one of logarithms.

    Example:
        >>> low, high = bounds(np.array([[10.0, 4.0]]), np.array([[np.log(2)]]),
        ...                    of_logarithms=True)
        >>> low.round(6).tolist(), high.round(6).tolist()
        ([[5.0, 2.0]], [[20.0, 8.0]])
    """
    if of_logarithms:
        return predictions * np.exp(-radius), predictions * np.exp(radius)
    return predictions - radius, predictions + radius


def highest_coverage(calibration: Calibration) -> float:
    """Return the highest coverage that there were errors enough for; 0 for none.

    Example:
        >>> highest_coverage(calibrate(np.zeros((1, 4)), np.ones(4)))
        0.8
    """
    n = int(calibration.errors[0])
    return LEVELS * n // (n + 1) / LEVELS


def write(folder: Path, calibration: Calibration) -> None:
    """Write a calibration beside the weights of its networks."""
    arrays.write(folder / FOLDER, calibration)


def read(folder: Path) -> Calibration | None:
    """Read back what `write` wrote beside weights; None where it wrote nothing."""
    held = folder / FOLDER
    return arrays.read(held, Calibration) if held.exists() else None
