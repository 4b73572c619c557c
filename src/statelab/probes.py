"""Probes: what arrays, and the answers to altered arrays, show of a stateful set-up.

Batches, lanes, sequences and steps are counted from 0.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from statelab.findings import Finding

BITS = 6  # of a sequence's number, by which some are altered and some are not
ROUNDING = 1e-4  # of answers at other batch sizes, in units of the largest
NO_ROUNDING = 5e-6  # in other lanes of a batch as large
EXACT = 2e-5  # a mean and a spread as near to 0 and 1 as this have been made so
OFF = 1e-3  # and as far as this they have not
SUCCESSIONS = 200  # of rows in a lane, that are looked at for overlap
CERTAIN = 12  # decimal digits by which it is no chance that steps are equal
DISTINCT = 20  # values of a feature, fewer than which are taken for symbols
FEW = 40  # steps, of which it cannot be told whether they recur
REPEATED = 0.05  # share of steps whose values recur, above which a match says little

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

    The tail of each window is the head of the lane's next one, always by as many steps.
    Data that recur as often elsewhere, or with that period, show nothing.

    Args:
        x: rows in the order in which they are fed, [n, timesteps, features].
        lanes: rows of a batch.
        same: whether row i is of the sequence of row i - `lanes`, [n - lanes].

    Returns:
        A failed `contiguity`, or None.
    """
    before, after = x[:-lanes][same][:SUCCESSIONS], x[lanes:][same][:SUCCESSIONS]
    if len(before) < 3:
        return None
    _, count = np.unique(_keys(x.reshape(-1, x.shape[2])), return_counts=True)
    rarity = -np.log10(np.sum((count / count.sum()) ** 2))  # of two equal steps
    elsewhere = np.roll(after, len(after) // 2, axis=0)
    for steps in range(x.shape[1] - 1, 0, -1):
        tail, head = before[:, -steps:], after[:, :steps]
        overlaps = _equal(tail, head)
        recurs = _equal(before[:, steps:], before[:, :-steps]).mean()
        by_chance = _equal(tail, elsewhere[:, :steps]).mean()
        varied = _equal(tail, tail[:, :1]).mean() < 0.5 or steps == 1
        certain = overlaps.sum() * steps * rarity > CERTAIN
        told = overlaps.mean() >= 0.8 and by_chance <= 0.2 and recurs <= 0.6
        if told and varied and certain:
            row = int(np.flatnonzero(same)[overlaps.argmax()]) + lanes
            return Finding(
                "contiguity",
                False,
                f"batch {row // lanes}, lane {row % lanes}, steps 0 to {steps - 1}: "
                "the lane has read them already, at the end of the batch before: "
                f"windows overlap by {steps} of {x.shape[1]} steps",
                "with carried state cut sequences into pieces that follow each other, "
                "or carry none",
            )
    return None


def _equal(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which rows are equal throughout, [n]."""
    return (some == others).reshape(len(some), -1).all(axis=1)


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
    if x.shape[1] < 3 or len(x) <= max(lanes, 3):
        return None
    spread = x.std(axis=(0, 1))
    x = x[..., spread > 0] / spread[spread > 0]
    if x.shape[2] == 0:
        return None
    within = np.median(_distance(x[:, 1:], x[:, :-1]).max(axis=1))
    in_lane = _distance(x[lanes:, 0], x[:-lanes, -1])
    if same is not None:
        in_lane = in_lane[same]
    if len(in_lane) < 3 or within == 0 or within > 0.5:  # too few, or too rough
        return None
    along = np.median(in_lane)
    if along <= within:
        return Finding("contiguity", True, "values go on smoothly along each lane", "")
    after_another = np.median(_distance(x[1:, 0], x[:-1, -1]))
    if along < 3 * within or (same is None and after_another > within):
        return None
    where, repair = (
        (
            "row to row values go on smoothly, and along its lane they jump: rows "
            f"follow one another in time, but are fed {lanes} at once",
            "lay each sequence along one lane: x.reshape(lanes, batches, timesteps, "
            "features).swapaxes(0, 1).reshape(x.shape)",
        )
        if after_another <= within
        else (
            "rows that are said to be of one sequence do not go on where the ones "
            f"before end: they jump by {along:.2g} of the spread, and inside rows by "
            f"at most {within:.2g}",
            "keep the rows of a sequence in their order in time",
        )
    )
    first = 1 if same is None else 1 + int(same.argmax()) // lanes
    return Finding("contiguity", False, f"batch {first}, lane 0: {where}", repair)


def _distance(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.abs(some - others).max(axis=-1)


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


def overlap(x: np.ndarray, x_val: np.ndarray) -> Finding:
    """Look for time steps of training among those of validation, by their values.

    Steps count where their values are distinctive: within training, wherever such a
    step occurs, the same one goes before it and the same one comes after it; it occurs
    once in a row; and no other row is equal to its own. Constant stretches, padding,
    symbols and whatever recurs are not.

    Args:
        x: rows to train on, [n, timesteps, features].
        x_val: rows to validate on, [m, timesteps, features].
    """
    single = x.shape[1] == 1
    if single:  # a step tells little: rows are taken one after another
        x, x_val = x.swapaxes(0, 1), x_val.swapaxes(0, 1)
    steps = np.concatenate([each.reshape(-1, x.shape[2]) for each in (x, x_val)])
    _, number = np.unique(_keys(steps), return_inverse=True)
    train = number[: x.shape[0] * x.shape[1]].reshape(x.shape[:2])
    validation = number[train.size :].reshape(x_val.shape[:2])
    distinctive = _distinctive(train, int(number.max()) + 1)
    constant = np.zeros(train.shape, bool)
    constant[:, 1:] = train[:, 1:] == train[:, :-1]
    constant[:, :-1] |= constant[:, 1:]
    varied = train[~constant]
    recurring = 1.0 if not varied.size else 1 - distinctive[varied].mean()
    if recurring > REPEATED:
        return Finding(
            "overlap",
            None,
            f"{recurring:.0%} of the steps of `x` have values that recur in it: equal "
            "values need not be the same steps",
            "",
        )
    if np.count_nonzero(distinctive[np.unique(train)]) < FEW:
        where = f"`x` has fewer than {FEW} steps, too few to tell what recurs"
        return Finding("overlap", None, where, "")
    needed = min(3, x.shape[1], x_val.shape[1])
    shared = _runs(train, validation, distinctive, needed)
    rows = np.asarray(shared.any(axis=1))
    certain = needed == 3 or (
        rows.sum() >= min(3, len(rows)) and rows.mean() > 5 * recurring
    )
    if not rows.any() or not certain:
        return Finding(
            "overlap",
            True,
            f"no stretch of {needed} steps of `x_val` stands in `x`",
            "",
        )
    row, step = _first(shared)
    match = tuple(np.argwhere(train == validation[row, step])[0].tolist())
    here, there = (
        f"row {at[1]}" if single else f"row {at[0]}, step {at[1]}"
        for at in ((row, step), match)
    )
    share = (
        f"a stretch of {needed} rows"
        if single
        else f"{int(rows.sum()):,} of {len(rows):,} rows share steps with training"
    )
    return Finding(
        "overlap",
        False,
        f"`x_val`, {here} is `x`, {there}; {share}",
        "split sequences, or time, first, and cut each part into windows afterwards",
    )


def _keys(steps: np.ndarray) -> np.ndarray:
    """Return a number for each step, [steps], equal where all its values are.

    Two others are equal once in 2^64; whole steps would take minutes to sort.
    """
    key = np.zeros(len(steps), np.uint64)
    for values in np.asarray(steps, float).T + 0.0:  # -0 is 0
        key = (key ^ values.copy().view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(32)
    return key


def _distinctive(rows: np.ndarray, numbers: int) -> np.ndarray:
    """Tell which numbers of steps stand for one step of time, [numbers]."""
    _, which, count = np.unique(_keys(rows), return_inverse=True, return_counts=True)
    once = np.ones(numbers, bool)
    once[rows[count[which] > 1]] = False
    ordered = np.sort(rows, axis=1)
    once[ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]]] = False
    before, after = _pairs(rows, numbers)
    for side in (before, after):
        once[np.flatnonzero(np.bincount(side, minlength=numbers) > 1)] = False
    return once & ~_on_a_cycle(before, after, once)


def _pairs(rows: np.ndarray, numbers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which numbers go before and after each other, each pair once.

    Where rows are found to follow one another, their ends count as well.
    """
    before, after = rows[:, :-1].ravel(), rows[:, 1:].ravel()
    follower = np.full(numbers, -1)
    follower[before] = after
    last, first = rows[:-1, -1], rows[1:, 0]
    known = follower[last] >= 0
    if known.sum() >= 3 and (follower[last] == first)[known].mean() > 0.9:
        before, after = np.append(before, last), np.append(after, first)
    return np.divmod(np.unique(before * numbers + after), numbers)


def _on_a_cycle(before: np.ndarray, after: np.ndarray, once: np.ndarray) -> np.ndarray:
    """Tell which numbers come back to themselves, as those of a period do, [numbers].

    Args:
        before, after: pairs; each of `once` has one before it and one after it at most.
        once: the numbers that count, [numbers].
    """
    from scipy.sparse import coo_array  # takes a second to import
    from scipy.sparse.csgraph import connected_components

    linked = once[before] & once[after]
    links = coo_array(
        (np.ones(linked.sum()), (before[linked], after[linked])), (len(once),) * 2
    )
    parts, part = connected_components(links, directed=False)
    nodes, edges = np.bincount(part), np.bincount(part[before[linked]], minlength=parts)
    return (edges >= nodes)[part]


def _runs(
    train: np.ndarray, validation: np.ndarray, distinctive: np.ndarray, length: int
) -> np.ndarray:
    """Tell where in validation a stretch begins that stands in training, as a mask."""
    stops = [rows.shape[1] - length + 1 for rows in (train, validation)]
    code = np.zeros((len(train), stops[0]), int)
    asked = np.zeros((len(validation), stops[1]), int)
    counts = np.ones(asked.shape, bool)
    for step in range(length):  # numbered anew, as a code must not overflow
        now = validation[:, step : step + stops[1]]
        code = code * len(distinctive) + train[:, step : step + stops[0]]
        asked = asked * len(distinctive) + now
        counts &= distinctive[now]
        _, both = np.unique(np.append(code, asked), return_inverse=True)
        code = both[: code.size].reshape(code.shape)
        asked = both[code.size :].reshape(asked.shape)
    return np.isin(asked, code) & counts


def scaling(x: np.ndarray, x_val: np.ndarray, parts: list[np.ndarray]) -> Finding:
    """Look for statistics that have been made 0 and 1 with validation's help.

    Args:
        x: rows to train on, [n, timesteps, features].
        x_val: rows to validate on, [m, timesteps, features].
        parts: where `x` is of several sequences, or rows, that may be scaled each by
            itself: the steps of each, [steps, features].
    """
    train, validation = (each.reshape(-1, x.shape[2]) for each in (x, x_val))
    train, validation = train.astype(float), validation.astype(float)
    continuous = [
        feature
        for feature in range(x.shape[2])
        if len(np.unique(train[:, feature])) > DISTINCT
        and np.any(train[:, feature] % 1)
    ]
    repair = "fit the scaler on the steps of training, and apply it to validation's"
    if not continuous:
        return Finding("scaling", None, "no feature is continuous", "")
    train, validation = train[:, continuous], validation[:, continuous]
    both = np.concatenate([train, validation])
    nearly = _standardised(both, 0.5)
    once = [(_unique(both), _unique(train))] if nearly else []
    for steps, alone in ((both, train), *once):
        if _standardised(steps) and not _standardised(alone, OFF):
            return Finding(
                "scaling",
                False,
                "`x` and `x_val` together have mean 0 and deviation 1; `x` alone has "
                f"mean {_worst(alone.mean(axis=0), 0):.4f} and deviation "
                f"{_worst(alone.std(axis=0), 1):.4f}, feature by feature at the most",
                repair,
            )
    for low in (0.0, -1.0):
        if _spans(both, low) and not _spans(train, low, OFF):
            return Finding(
                "scaling",
                False,
                f"`x` and `x_val` together reach from {low:g} to 1; `x` alone from "
                f"{_worst(train.min(axis=0), low):.4f} to "
                f"{_worst(train.max(axis=0), 1):.4f}",
                repair,
            )
    fitted = any(_standardised(alone) for alone in (train, *(each[1] for each in once)))
    each = [part.astype(float)[:, continuous] for part in parts]
    own = len(each) > 1 and all(map(_standardised, each))
    if fitted and _standardised(validation) and not own:
        return Finding(
            "scaling",
            False,
            "`x_val` has mean 0 and deviation 1 by itself, as `x` has: it has been "
            "scaled by its own steps",
            repair,
        )
    if fitted or _spans(train, 0.0) or _spans(train, -1.0):
        return Finding("scaling", True, "`x` alone is scaled exactly", "")
    return Finding(
        "scaling", None, "neither `x` nor both together are exactly scaled", ""
    )


def _unique(steps: np.ndarray) -> np.ndarray:
    """Return each step once: windows that overlap hold it several times."""
    _, first = np.unique(_keys(steps), return_index=True)
    return steps[first]


def _standardised(steps: np.ndarray, within: float = EXACT) -> bool:
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    unbiased = deviation * np.sqrt(len(steps) / max(len(steps) - 1, 1))
    one = np.minimum(np.abs(deviation - 1), np.abs(unbiased - 1))
    return bool(np.all((np.abs(mean) <= within) & (one <= within)))


def _spans(steps: np.ndarray, low: float, within: float = 1e-6) -> bool:
    below, above = steps.min(axis=0) - low, steps.max(axis=0) - 1
    return bool(np.all((np.abs(below) <= within) & (np.abs(above) <= within)))


def _worst(values: np.ndarray, expected: float) -> float:
    return float(values[np.abs(values - expected).argmax()])


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
