"""Probes: what lanes, and the answers to altered inputs, show of a stateful set-up.

Batches, lanes, sequences and steps are counted from 0.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from statelab.diagnosis import continuity
from statelab.diagnosis.findings import Finding

BITS = 6  # of a sequence's number, by which some are altered and some are not
ROUNDING = 1e-4  # of answers at other batch sizes, in units of the largest
NO_ROUNDING = 5e-6  # in other lanes of a batch as large

Answer = Callable[[np.ndarray], np.ndarray]  # inputs, [n, …], to answers, [m, …]


class Lanes(NamedTuple):
    """What each lane of each batch reads, each field [batches, lanes]."""

    sequence: np.ndarray  # int64; -1 for padding
    first: np.ndarray  # int64; a step of the sequence
    stop: np.ndarray  # int64; the step after the last
    reset: np.ndarray  # bool; state is zero before it is read


def _before(field: np.ndarray, begin: int) -> np.ndarray:
    """Return what each lane had in the batch before, and `begin` in the first."""
    return np.concatenate([np.full_like(field[:1], begin), field[:-1]])


def _first(wrong: np.ndarray) -> tuple[int, int]:
    batch, lane = np.argwhere(wrong)[0].tolist()
    return batch, lane


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
    was, came_to = _before(sequence, -1), _before(stop, 0)
    goes_on = (was == sequence) & (came_to == first)
    wrong = (sequence >= 0) & (first > 0) & ~reset & ~goes_on
    samples = int((sequence >= 0).sum())
    if not wrong.any():
        return Finding("contiguity", True, f"{samples:,} samples go on in lanes", "")
    at = _first(wrong)
    after = (
        f"where it had come to step {came_to[at]}"
        if was[at] == sequence[at]
        else "after nothing of it"
        if was[at] < 0
        else f"after sequence {was[at]}"
    )
    return Finding(
        "contiguity",
        False,
        f"batch {at[0]}, lane {at[1]}: reads sequence {sequence[at]} from step "
        f"{first[at]}, {after}; {int(wrong.sum()):,} of {samples:,} samples are out "
        "of place",
        "lay each sequence along one lane: row b x lanes + i must go on where row "
        "(b - 1) x lanes + i ends",
    )


def carried_over(lanes: Lanes) -> Finding | None:
    """Look for a lane that begins a sequence with what another one has left.

    Args:
        lanes: what is read.

    Returns:
        A failed `boundary`, or None.
    """
    was = _before(lanes.sequence, -1)
    begins = (lanes.sequence >= 0) & (lanes.first == 0)
    wrong = begins & (was >= 0) & (was != lanes.sequence) & ~lanes.reset
    if not wrong.any():
        return None
    at = _first(wrong)
    return Finding(
        "boundary",
        False,
        f"batch {at[0]}, lane {at[1]}, step 0: sequence {lanes.sequence[at]} begins "
        f"with the state that sequence {was[at]} has left; so do {int(wrong.sum()):,} "
        "sequences",
        "reset state where a lane goes on to another sequence",
    )


def reread(x: np.ndarray, lanes: int, same: np.ndarray) -> Finding | None:
    """Look for lanes that read steps again: windows that overlap, with state carried.

    Args:
        x: rows in the order in which they are fed, [n, timesteps, features].
        lanes: rows of a batch.
        same: whether row i is of the sequence of row i - `lanes`, [n - lanes].

    Returns:
        A failed `contiguity`, or None.
    """
    found = continuity.overlap(x[:-lanes][same], x[lanes:][same])
    if found is None:
        return None
    steps, first = found
    row = int(np.flatnonzero(same)[first]) + lanes
    return Finding(
        "contiguity",
        False,
        f"batch {row // lanes}, lane {row % lanes}, steps 0 to {steps - 1}: "
        "the lane has read them already, at the end of the batch before: "
        f"windows overlap by {steps} of {x.shape[1]} steps",
        "with carried state cut sequences into pieces that follow each other, "
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
        `contiguity`, failed or passed; None where values tell nothing.
    """
    chosen = slice(None) if same is None else same
    found = continuity.smoothness([x], x[:-lanes][chosen], x[lanes:][chosen])
    if found is None:
        return None
    inside, along, flat = found
    if along <= 2 * inside:
        return Finding("contiguity", True, "values go on smoothly along each lane", "")
    if along < 3 * inside or (same is None and flat > 2 * inside):
        return None
    where, repair = (
        (
            "row to row values go on smoothly, and along its lane they jump: rows "
            f"follow one another in time, but are fed {lanes} at once",
            "lay each sequence along one lane: x.reshape(lanes, batches, timesteps, "
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
    return Finding("contiguity", False, f"batch {first}, lane 0: {where}", repair)


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
    answer: Answer,
    x: np.ndarray,
    other: np.ndarray,
    sequence: np.ndarray,
    place: Callable[[int], str],
    answered: np.ndarray | None = None,
) -> Finding:
    """Change the inputs of some sequences: the answers to the others must not move.

    Args:
        answer: to inputs; the answers are compared to the last bit.
        x: inputs, [n, …].
        other: other inputs, of the same shape.
        sequence: the sequence of each input, [n].
        place: says where an answer is.
        answered: the sequence of each answer, [m]; None where there is one for each
            input.
    """
    answered = sequence if answered is None else answered
    names, number = np.unique(sequence, return_inverse=True)
    if len(names) == 1:
        return Finding("boundary", True, "there is one sequence", "")
    number_answered = np.searchsorted(names, answered)
    was = answer(x)
    for bit in range(min(BITS, int(len(names) - 1).bit_length())):
        found = []
        for value in (1, 0):
            chosen = (np.arange(len(names)) >> bit) & 1 == value
            changed = chosen[number].reshape(-1, *[1] * (x.ndim - 1))
            moved = _differ(answer(np.where(changed, other, x)), was)
            moved[chosen[number_answered]] = False
            found += np.argwhere(moved)[:1].tolist()
        if found:
            nth, *step = min(found)
            return Finding(
                "boundary",
                False,
                f"{place(nth)}{f', step {step[0]}' if step else ''}: the answer to "
                f"sequence {answered[nth]} moves when only other sequences change",
                "reset state where a lane goes on to another sequence",
            )
    return Finding(
        "boundary", True, f"{len(names):,} sequences move none of each other", ""
    )


def _differ(now: np.ndarray, was: np.ndarray) -> np.ndarray:
    """Tell which answers differ in any bit, [m], or by step [m, timesteps]."""
    differ = (now != was) & ~(np.isnan(now) & np.isnan(was))
    return np.asarray(differ.any(axis=-1) if now.ndim > 1 else differ)


def _far(now: np.ndarray, was: np.ndarray, within: float) -> np.ndarray:
    """Tell which answers differ by more than rounding, [m]."""
    size = max(float(np.nanmax(np.abs(was), initial=0)), 1e-30)
    near = np.isclose(now, was, rtol=0, atol=within * size, equal_nan=True)
    return np.asarray(~near.reshape(len(near), -1).all(axis=1))


def order(
    was: np.ndarray, now: np.ndarray, place: Callable[[int], str], asked: str
) -> Finding:
    """Compare the answers to sequences with those in another order.

    Args:
        was: answers, [m, …].
        now: answers to the same, asked in another order, [m, …].
        place: says where an answer is.
        asked: says which order.
    """
    moved = _far(now, was, NO_ROUNDING)
    if not moved.any():
        return Finding("order", True, f"the same answers with {asked}", "")
    return Finding(
        "order",
        False,
        f"{place(int(moved.argmax()))}: another answer with {asked}; so have "
        f"{int(moved.sum()):,} of {len(moved):,}",
        "reset state before each sequence, so that none depends on what was asked "
        "before it",
    )


def batch_size(
    answers: Mapping[int, np.ndarray], place: Callable[[int], str]
) -> Finding:
    """Compare the answers that were given at several batch sizes, the first ones first.

    Args:
        answers: [m, …] by batch size.
        place: says where an answer is.
    """
    (size, was), *others = answers.items()
    repair = "let no answer depend on what else is in its batch"
    for other, now in others:
        if now.shape != was.shape:
            return Finding(
                "batch_size",
                False,
                f"{len(was)} answers at batch size {size}, {len(now)} at {other}",
                repair,
            )
        if (moved := _far(now, was, ROUNDING)).any():
            return Finding(
                "batch_size",
                False,
                f"{place(int(moved.argmax()))}: another answer at batch size {other} "
                f"than at {size}",
                repair,
            )
    sizes = ", ".join(map(str, answers))
    return Finding("batch_size", True, f"the same answers at batch sizes {sizes}", "")


def ceiling(scores: Mapping[str, tuple[float, float | None]]) -> Finding:
    """Compare accuracies with the best that any model could reach from what it sees.

    Args:
        scores: accuracy and ceiling by name; None where it cannot be told.

    Example:
        >>> ceiling({"accuracy": (0.75, 0.5)}).where
        'accuracy 0.7500 is above its ceiling 0.5000'
    """
    known = {name: each for name, each in scores.items() if each[1] is not None}
    for name, (score, best) in known.items():
        if best is not None and score > best + 1e-9:
            return Finding(
                "ceiling",
                False,
                f"{name} {score:.4f} is above its ceiling {best:.4f}",
                "look for what else answers depend on: state of other sequences, or "
                "targets among inputs",
            )
    if not known:
        return Finding("ceiling", None, "no ceiling: inputs are continuous", "")
    told = (
        f"{name} {score:.4f} of {best:.4f}" for name, (score, best) in known.items()
    )
    return Finding("ceiling", True, "; ".join(told), "")
