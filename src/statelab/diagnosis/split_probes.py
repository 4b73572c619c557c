"""Probes: what the rows of training and of validation have in common.

Rows and steps are counted from 0.
"""

import numpy as np

from statelab.diagnosis import step_hashes
from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound

EXACT = 2e-5  # a mean and a spread as near to 0 and 1 as this have been made so
INEXACT = 1e-3  # and as far as this they have not
MIN_VALUES = 20  # of a feature; one of fewer is taken for symbols
MIN_STEPS = 40  # fewer do not show whether they recur
MAX_RECURRING = (
    0.05  # share of steps whose values recur, above which a match says little
)


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
    if single:  # a step shows little: rows are taken one after another
        x, x_val = x.swapaxes(0, 1), x_val.swapaxes(0, 1)
    steps = np.concatenate([rows.reshape(-1, x.shape[2]) for rows in (x, x_val)])
    _, number = np.unique(step_hashes.steps(steps[None])[0], return_inverse=True)
    train = number[: x.shape[0] * x.shape[1]].reshape(x.shape[:2])
    validation = number[train.size :].reshape(x_val.shape[:2])
    distinctive = _distinctive(train, int(number.max()) + 1)
    constant = np.zeros(train.shape, bool)
    constant[:, 1:] = train[:, 1:] == train[:, :-1]
    constant[:, :-1] |= constant[:, 1:]
    varied = train[~constant]
    recurring = 1.0 if not varied.size else 1 - distinctive[varied].mean()
    if recurring > MAX_RECURRING:
        return cannot_tell(
            "overlap",
            f"{recurring:.0%} of the steps of `x` have values that recur in it: equal "
            "values need not be the same steps",
        )
    if np.count_nonzero(distinctive[np.unique(train)]) < MIN_STEPS:
        where = f"`x` has fewer than {MIN_STEPS} steps, too few to tell what recurs"
        return cannot_tell("overlap", where)
    needed = min(3, x.shape[1], x_val.shape[1])
    shared = np.isin(
        step_hashes.stretches(validation, needed), step_hashes.stretches(train, needed)
    )
    for step in range(needed):
        shared &= distinctive[validation][:, step : step + shared.shape[1]]
    rows = np.asarray(shared.any(axis=1))
    certain = needed == 3 or (
        rows.sum() >= min(3, len(rows)) and rows.mean() > 5 * recurring
    )
    if not rows.any() or not certain:
        return sound(
            "overlap", f"no stretch of {needed} steps of `x_val` stands in `x`"
        )
    row, step = np.argwhere(shared)[0].tolist()
    match = tuple(np.argwhere(train == validation[row, step])[0].tolist())
    in_validation, in_training = (
        f"row {index[1]}" if single else f"row {index[0]}, step {index[1]}"
        for index in ((row, step), match)
    )
    share = (
        f"a stretch of {needed} rows"
        if single
        else f"{int(rows.sum()):,} of {len(rows):,} rows share steps with training"
    )
    return fails(
        "overlap",
        f"`x_val`, {in_validation} is `x`, {in_training}; {share}",
        "split sequences, or time, first, and cut each part into windows afterwards",
    )


def _distinctive(rows: np.ndarray, numbers: int) -> np.ndarray:
    """Tell which numbers of steps stand for one step of time, [numbers]."""
    _, which, count = np.unique(
        step_hashes.stretches(rows, rows.shape[1])[:, 0],
        return_inverse=True,
        return_counts=True,
    )
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


def scaling(x: np.ndarray, x_val: np.ndarray, parts: list[np.ndarray]) -> Finding:
    """Look for statistics that have been made 0 and 1 with validation's help.

    Args:
        x: rows to train on, [n, timesteps, features].
        x_val: rows to validate on, [m, timesteps, features].
        parts: where `x` is of several sequences, or rows, that may be scaled each by
            itself: the steps of each, [steps, features].
    """
    train, validation = (
        rows.reshape(-1, x.shape[2]).astype(float) for rows in (x, x_val)
    )
    continuous = [
        feature
        for feature in range(x.shape[2])
        if len(np.unique(train[:, feature])) > MIN_VALUES
        and np.any(train[:, feature] % 1)
    ]
    repair = "fit the scaler on the steps of training, and apply it to validation's"
    if not continuous:
        return cannot_tell("scaling", "no feature is continuous")
    train, validation = train[:, continuous], validation[:, continuous]
    both = np.concatenate([train, validation])
    nearly = standardised(both, 0.5)
    once = [(_unique(both), _unique(train))] if nearly else []
    for steps, alone in ((both, train), *once):
        if standardised(steps) and not standardised(alone, INEXACT):
            return fails(
                "scaling",
                "`x` and `x_val` together have mean 0 and deviation 1; `x` alone has "
                f"mean {_worst(alone.mean(axis=0), 0):.4f} and deviation "
                f"{_worst(alone.std(axis=0), 1):.4f}, feature by feature at the most",
                repair,
            )
    for low in (0.0, -1.0):
        if spans(both, low) and not (saturates(both) or spans(train, low, INEXACT)):
            return fails(
                "scaling",
                f"`x` and `x_val` together reach from {low:g} to 1; `x` alone from "
                f"{_worst(train.min(axis=0), low):.4f} to "
                f"{_worst(train.max(axis=0), 1):.4f}",
                repair,
            )
    alone = [train, *(unique_train for _, unique_train in once)]
    fitted = any(map(standardised, alone))
    features = [part.astype(float)[:, continuous] for part in parts]
    own = len(features) > 1 and all(map(standardised, features))
    if fitted and standardised(validation) and not own:
        return fails(
            "scaling",
            "`x_val` has mean 0 and deviation 1 by itself, as `x` has: it has been "
            "scaled by its own steps",
            repair,
        )
    if fitted or spans(train, 0.0) or spans(train, -1.0):
        return sound("scaling", "`x` alone is scaled exactly")
    return cannot_tell("scaling", "neither `x` nor both together are exactly scaled")


def _unique(steps: np.ndarray) -> np.ndarray:
    """Return each step once: windows that overlap hold it several times."""
    _, first = np.unique(step_hashes.steps(steps[None])[0], return_index=True)
    return steps[first]


def standardised(steps: np.ndarray, within: float = EXACT) -> bool:
    """Tell whether features of steps, [steps, features], have mean 0 and spread 1."""
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    unbiased = deviation * np.sqrt(len(steps) / max(len(steps) - 1, 1))
    one = np.minimum(np.abs(deviation - 1), np.abs(unbiased - 1))
    return bool(np.all((np.abs(mean) <= within) & (one <= within)))


def spans(steps: np.ndarray, low: float, within: float = 1e-6) -> bool:
    """Tell whether each feature of steps, [steps, features], reaches from low to 1."""
    below, above = steps.min(axis=0) - low, steps.max(axis=0) - 1
    return bool(np.all((np.abs(below) <= within) & (np.abs(above) <= within)))


def saturates(steps: np.ndarray) -> bool:
    """Tell whether some feature stays at an end: then nature bounds it, as a share.

    Of what has been scaled from end to end, a step or so is there.
    """
    ends = steps == steps.min(axis=0), steps == steps.max(axis=0)
    most = max(int(end.sum(axis=0).max()) for end in ends)
    return most > max(2, len(steps) // 100)


def _worst(values: np.ndarray, expected: float) -> float:
    return float(values[np.abs(values - expected).argmax()])
