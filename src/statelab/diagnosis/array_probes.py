"""Probes: what lanes, and predictions of altered inputs, show of a stateful set-up.

Batches, lanes, sequences and steps are counted from 0.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from statelab.diagnosis import continuity
from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound

BITS = 6  # of a sequence's number, by which some are altered and some are not
BATCH_SIZE_TOLERANCE = 1e-4  # of the largest prediction, at other batch sizes
LANE_TOLERANCE = 5e-6  # likewise, in other lanes of a batch as large

Predict = Callable[[np.ndarray], np.ndarray]  # inputs [n, …] to predictions [m, …]


class Lanes(NamedTuple):
    """What each lane of each batch reads, each field [batches, lanes]."""

    sequence: np.ndarray  # int64; -1 for padding
    first: np.ndarray  # int64; a step of the sequence
    stop: np.ndarray  # int64; the step after the last
    reset: np.ndarray  # bool; state is zero before it is read


def contiguity(lanes: Lanes) -> Finding:
    """Look for lanes that do not go on where they were in the batch before.

    A lane may begin a sequence at any time, and whatever is read after a reset.

    Args:
        lanes: what is read.

    Example:
        >>> sequence, first = np.zeros((2, 2), int), np.array([[0, 3], [6, 9]])
        >>> contiguity(Lanes(sequence, first, first + 3, first < 0)).where
        'batch 0, lane 1: reads sequence 0 from step 3, after nothing of it; \
3 of 4 samples are out of place'
    """
    sequence, first, stop, reset = lanes
    sequence_before = _shifted(sequence, -1)
    stop_before = _shifted(stop, 0)
    goes_on = (sequence_before == sequence) & (stop_before == first)
    wrong = (sequence >= 0) & (first > 0) & ~reset & ~goes_on
    samples = int((sequence >= 0).sum())
    if not wrong.any():
        return sound("contiguity", f"{samples:,} samples go on in lanes")
    batch, lane = index = _first_index(wrong)
    after = (
        f"where it had come to step {stop_before[index]}"
        if sequence_before[index] == sequence[index]
        else "after nothing of it"
        if sequence_before[index] < 0
        else f"after sequence {sequence_before[index]}"
    )
    return fails(
        "contiguity",
        f"batch {batch}, lane {lane}: reads sequence {sequence[index]} from step "
        f"{first[index]}, {after}; {int(wrong.sum()):,} of {samples:,} samples are out "
        "of place",
        "keep each sequence in one lane: row b x lanes + i must go on where row "
        "(b - 1) x lanes + i ends",
    )


def carried_over(lanes: Lanes) -> Finding | None:
    """Look for a lane that begins a sequence with what another one has left.

    Args:
        lanes: what is read.

    Returns:
        A failed `boundary`, or None.
    """
    sequence, before = lanes.sequence, _shifted(lanes.sequence, -1)
    begins = (sequence >= 0) & (lanes.first == 0)
    wrong = begins & (before >= 0) & (before != sequence) & ~lanes.reset
    if not wrong.any():
        return None
    batch, lane = index = _first_index(wrong)
    return fails(
        "boundary",
        f"batch {batch}, lane {lane}, step 0: sequence {sequence[index]} begins with "
        f"the state that sequence {before[index]} has left; so do "
        f"{int(wrong.sum()):,} sequences",
        "reset state where a lane goes on to another sequence",
    )


def _shifted(field: np.ndarray, first: int) -> np.ndarray:
    """Return what each lane had in the batch before, and `first` in the first."""
    return np.concatenate([np.full_like(field[:1], first), field[:-1]])


def _first_index(wrong: np.ndarray) -> tuple[int, int]:
    batch, lane = np.argwhere(wrong)[0].tolist()
    return batch, lane


def overlapping_windows(x: np.ndarray, lanes: int, same: np.ndarray) -> Finding | None:
    """Look for lanes that read steps again: windows that overlap, with state carried.

    Args:
        x: rows in the order in which they are fed, [n, timesteps, features].
        lanes: rows of a batch.
        same: whether row i is of the sequence of row i - `lanes`, [n - lanes].

    Returns:
        A failed `contiguity`, or None.
    """
    overlap = continuity.overlap(x[:-lanes][same], x[lanes:][same])
    if overlap is None:
        return None
    steps, first = overlap
    row = int(np.flatnonzero(same)[first]) + lanes
    return fails(
        "contiguity",
        f"batch {row // lanes}, lane {row % lanes}, steps 0 to {steps - 1}: "
        "the lane has read them already, at the end of the batch before: "
        f"windows overlap by {steps} of {x.shape[1]} steps",
        "with carried state cut sequences into segments that follow each other, "
        "or carry none",
    )


def jumps(x: np.ndarray, lanes: int, same: np.ndarray | None) -> Finding | None:
    """Look for lanes that jump from row to row, in data that are smooth within rows.

    Args:
        x: rows in the order in which they are fed, [n, timesteps, features].
        lanes: rows of a batch.
        same: whether row i is said to be of the sequence of row i - `lanes`, [n -
            lanes]; None where nothing is said. Then it shows only where rows go on
            smoothly one after another, and not in their lanes.

    Returns:
        `contiguity`, failed or passed; None where values show nothing.
    """
    chosen = slice(None) if same is None else same
    change = continuity.smoothness([x], x[:-lanes][chosen], x[lanes:][chosen])
    if change is None:
        return None
    inside, along, flat = change
    if along <= 2 * inside:
        return sound("contiguity", "values go on smoothly along each lane")
    if along < 3 * inside or (same is None and flat > 2 * inside):
        return None
    where, repair = (
        (
            "row to row values go on smoothly, and along its lane they jump: rows "
            f"follow one another in time, but are fed {lanes} at once",
            "keep each sequence in one lane: x.reshape(lanes, batches, timesteps, "
            "features).swapaxes(0, 1).reshape(x.shape)",
        )
        if flat <= 2 * inside
        else (
            "rows that are said to be of one sequence do not go on where the ones "
            f"before end: they jump by {along:.2g} of the spread, and inside rows by "
            f"{inside:.2g}",
            "keep the rows of a sequence in their order in time",
        )
    )
    first = 1 if same is None else 1 + int(same.argmax()) // lanes
    return fails("contiguity", f"batch {first}, lane 0: {where}", repair)


def altered(x: np.ndarray) -> np.ndarray | None:
    """Return other inputs from the same range; None for symbols that are all alike.

    Example:
        >>> altered(np.array([[[0], [0]], [[3], [1]]])).tolist()
        [[[3], [3]], [[0], [2]]]
    """
    axes = tuple(range(x.ndim - 1)) if x.ndim == 3 else None
    low, high = x.min(axis=axes), x.max(axis=axes)
    if np.all(low == high):
        return x + 1 if x.dtype.kind == "f" else None
    return (low + (high - x)).astype(x.dtype)


def boundary(
    predict: Predict,
    x: np.ndarray,
    other: np.ndarray,
    sequence: np.ndarray,
    place: Callable[[int], str],
    predicted: np.ndarray | None = None,
) -> Finding:
    """Change the inputs of some sequences: predictions of the others must not change.

    Args:
        predict: of inputs; predictions are compared to the last bit.
        x: inputs, [n, …].
        other: other inputs, of the same shape.
        sequence: the sequence of each input, [n].
        place: says where a prediction is.
        predicted: the sequence of each prediction, [m]; None where there is one for
            each input.
    """
    predicted = sequence if predicted is None else predicted
    names, number = np.unique(sequence, return_inverse=True)
    if len(names) == 1:
        return sound("boundary", "there is one sequence")
    predicted_number = np.searchsorted(names, predicted)
    before = predict(x)
    for bit in range(min(BITS, int(len(names) - 1).bit_length())):
        changed: list[list[int]] = []  # the first prediction, and its step if it has
        for value in (1, 0):
            chosen = (np.arange(len(names)) >> bit) & 1 == value
            altered_rows = chosen[number].reshape(-1, *[1] * (x.ndim - 1))
            differs = _differ(predict(np.where(altered_rows, other, x)), before)
            differs[chosen[predicted_number]] = False
            changed += np.argwhere(differs)[:1].tolist()
        if changed:
            nth, *step = min(changed)
            return fails(
                "boundary",
                f"{place(nth)}{f', step {step[0]}' if step else ''}: the prediction "
                f"of sequence {predicted[nth]} changes when only other sequences do",
                "reset state where a lane goes on to another sequence",
            )
    where = f"the predictions of {len(names):,} sequences depend on no other sequence"
    return sound("boundary", where)


def _differ(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Tell which predictions differ in any bit, [m], or by step [m, timesteps]."""
    differ = (after != before) & ~(np.isnan(after) & np.isnan(before))
    return np.asarray(differ.any(axis=-1) if after.ndim > 1 else differ)


def _differ_beyond(
    after: np.ndarray, before: np.ndarray, tolerance: float
) -> np.ndarray:
    """Tell which predictions differ by more than rounding, [m]."""
    size = max(float(np.nanmax(np.abs(before), initial=0)), 1e-30)
    near = np.isclose(after, before, rtol=0, atol=tolerance * size, equal_nan=True)
    return np.asarray(~near.reshape(len(near), -1).all(axis=1))


def order(
    before: np.ndarray, after: np.ndarray, place: Callable[[int], str], change: str
) -> Finding:
    """Compare the predictions of sequences with those in another order.

    Args:
        before: predictions, [m, …].
        after: predictions of the same, in another order, [m, …].
        place: says where a prediction is.
        change: says which order.
    """
    differs = _differ_beyond(after, before, LANE_TOLERANCE)
    if not differs.any():
        return sound("order", f"the same predictions with {change}")
    return fails(
        "order",
        f"{place(int(differs.argmax()))}: another prediction with {change}; "
        f"{int(differs.sum()):,} of {len(differs):,} differ",
        "reset state before each sequence, so that none depends on what was "
        "predicted before it",
    )


def batch_size(
    predictions: Mapping[int, np.ndarray], place: Callable[[int], str]
) -> Finding:
    """Compare the predictions at several batch sizes to those at the first one.

    Args:
        predictions: [m, …] by batch size.
        place: says where a prediction is.
    """
    (size, before), *others = predictions.items()
    repair = "let no prediction depend on what else is in its batch"
    for other, after in others:
        if after.shape != before.shape:
            return fails(
                "batch_size",
                f"{len(before)} predictions at batch size {size}, {len(after)} at "
                f"{other}",
                repair,
            )
        differs = _differ_beyond(after, before, BATCH_SIZE_TOLERANCE)
        if differs.any():
            return fails(
                "batch_size",
                f"{place(int(differs.argmax()))}: another prediction at batch size "
                f"{other} than at {size}",
                repair,
            )
    sizes = ", ".join(map(str, predictions))
    where = f"the same predictions at batch sizes {sizes}"
    return sound("batch_size", where)


def ceiling(scores: Mapping[str, tuple[float, float | None]]) -> Finding:
    """Compare accuracies with the best that any model could reach from what it sees.

    Args:
        scores: accuracy and ceiling by name; None where it is not known.

    Example:
        >>> ceiling({"accuracy": (0.75, 0.5)}).where
        'accuracy 0.7500 is above its ceiling 0.5000'
    """
    known = {
        name: (score, best)
        for name, (score, best) in scores.items()
        if best is not None
    }
    for name, (score, best) in known.items():
        if score > best + 1e-9:
            return fails(
                "ceiling",
                f"{name} {score:.4f} is above its ceiling {best:.4f}",
                "look for what else predictions depend on: state of other sequences, "
                "or targets among inputs",
            )
    if not known:
        return cannot_tell("ceiling", "no ceiling: inputs are continuous")
    shares = (
        f"{name} {score:.4f} of {best:.4f}" for name, (score, best) in known.items()
    )
    return sound("ceiling", "; ".join(shares))
