"""Panels: rows of many sequences, which are sorted, cut and filled."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from statelab.data.sequences import SPLITS, Sequences
from statelab.errors import UserError
from statelab.io import arrays

ROWS = 1 << 16  # held in memory with their values at once
MASK = ("missing", "steps since")  # what a mask says of a feature


class Panel(NamedTuple):
    """All rows of a source, in the order in which they were read."""

    values: np.ndarray  # float32 [rows, features]; NaN for none
    features: list[str]  # their names
    sequence: np.ndarray  # int32 [rows]; an index into `names`
    names: list[str]  # of the sequences
    time: np.ndarray | None  # [rows], of any unit; None where rows are in order
    target: np.ndarray  # [rows]; float64, NaN for none; or an index into `words`, or -1
    words: list[str]  # that are targets; none where targets are numbers
    target_name: str
    at: Callable[[int], str]  # says where a row is
    split: np.ndarray | None = None  # int8 [rows]; codes of sequences.SPLITS
    split_name: str = ""
    means: dict[int, np.ndarray] | None = None  # [features], in place of a row's values


class Arranged(NamedTuple):
    """The sequences of a panel."""

    sequences: Sequences  # the targets are as in `Panel`, for each step
    names: list[str]  # of the sequences; the parts of one have one name
    order: np.ndarray  # int64 [steps]; the row of the panel that each step was
    notes: list[str]  # for the user
    split: np.ndarray | None  # int8 [sequences]; codes of sequences.SPLITS
    features: list[str]  # of the panel, and those of masks
    masked: dict[str, float]  # features with masks: what stands before a first value


def arrange(
    panel: Panel,
    *,
    horizon: int,
    max_gap: float | None,
    missing: str,
    duplicates: str = "error",
    masked: dict[str, float] | None = None,
) -> Arranged:
    """Put the rows of a panel into sequences.

    Args:
        panel: the rows.
        horizon: steps ahead of which a step's target is; a sequence's last steps, which
            would have none, are left out.
        max_gap: the longest time from a step to the next, in the unit of `time`; after
            a longer one a new sequence begins.
        missing: `error`, or `fill` by the value before, where a feature has no value.
            `mask` fills too, and by the mean of the feature where none is before; it
            adds two features, whether a value is missing, and how many steps ago the
            last one was. A target is never filled.
        masked: features that get masks, and their means; None for those that have a
            value missing here.
        duplicates: of rows of one time in a sequence: `error`, or which of them is
            kept, the `first`, the `last`, or the `mean` of their numbers.

    Raises:
        UserError: the place of a row that breaks a rule.
    """
    notes: list[str] = []
    _require_one_split(panel)
    panel, order, offsets = _sequences(panel, max_gap, duplicates, notes)
    target_rows = order
    if horizon:
        order, target_rows, offsets = _shift_targets(horizon, order, offsets, notes)
    first = order[offsets[:-1]]
    features = list(panel.features)
    if missing == "mask":
        masked = _with_missing(panel, order) if masked is None else masked
        features += [f"{name} {kind}" for name in masked for kind in MASK]
    else:
        masked = {}
    values = _filled(panel, order, offsets, missing, masked)
    return Arranged(
        Sequences(values, offsets, panel.target[target_rows]),
        [panel.names[number] for number in panel.sequence[first]],
        order,
        notes,
        None if panel.split is None else panel.split[first],
        features,
        masked,
    )


def _require_one_split(panel: Panel) -> None:
    """Raise the place of a row whose split is not that of its sequence's first row."""
    if panel.split is None:
        return
    of_first = np.empty(len(panel.names), panel.split.dtype)
    of_first[panel.sequence[::-1]] = panel.split[::-1]  # the first row comes last
    expected = of_first[panel.sequence]
    if (wrong := panel.split != expected).any():
        row = int(wrong.argmax())
        code, own = list(SPLITS), int(expected[row])
        raise UserError(
            f"{panel.at(row)}, {panel.split_name}: must be {code[own]}, as in the "
            f"first row of sequence {panel.names[panel.sequence[row]]!r}. "
            f"Received: {code[int(panel.split[row])]!r}"
        )


def _sequences(
    panel: Panel, max_gap: float | None, duplicates: str, notes: list[str]
) -> tuple[Panel, np.ndarray, np.ndarray]:
    """Return the panel with one row for each time, its rows in order, and where
    sequences begin and end among them."""
    order, sequence, time = _in_order(panel, notes)
    begins = np.append(True, sequence[1:] != sequence[:-1])
    if time is not None:
        same = ~begins[1:] & (np.diff(time) == 0)
        if same.any():
            if duplicates == "error":
                _raise_same_time(panel, order, int(same.argmax()) + 1)
            notes.append(
                "rows with the time of another one of their sequence, of which "
                f"`generate.duplicates` ({duplicates}) makes one: {same.sum()}"
            )
            if duplicates == "mean":
                panel = _with_means(panel, order, same)
            kept = np.append(True, ~same)
            rows = np.append(~same, True) if duplicates == "last" else kept
            order, begins, time = order[rows], begins[kept], time[kept]
        gaps = _gaps(time)
        if max_gap is not None:
            too_long = ~begins[1:] & (gaps > max_gap)
            begins[1:] |= too_long
            if too_long.any():
                notes.append(
                    "gaps longer than `generate.max_gap`, after each of which a new "
                    f"sequence begins: {too_long.sum()}"
                )
    return panel, order, np.append(np.flatnonzero(begins), len(order))


def _in_order(
    panel: Panel, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the rows by sequence and time, and sequences and times in that order."""
    sequence, time = panel.sequence, panel.time
    order = np.arange(len(sequence))
    if (sequence[1:] < sequence[:-1]).any():
        order = np.argsort(sequence, kind="stable")
        sequence, time = sequence[order], None if time is None else time[order]
    if time is None:
        return order, sequence, None
    if ((sequence[1:] == sequence[:-1]) & (time[1:] < time[:-1])).any():
        by_time = np.lexsort((time, sequence))
        notes.append(
            "rows that were not in order of time within their sequence, and have been "
            f"sorted: {(by_time != np.arange(len(by_time))).sum()}"
        )
        order, sequence, time = order[by_time], sequence[by_time], time[by_time]
    return order, sequence, time


def _gaps(time: np.ndarray) -> np.ndarray:
    """Return the time from each row to the next, where times do not decrease.

    Example:
        >>> _gaps(np.array([-(2**63), 2**63 - 1]))
        array([18446744073709551615], dtype=uint64)
    """
    gaps = np.diff(time)
    return gaps if gaps.dtype.kind == "f" else gaps.view(np.uint64)


def _raise_same_time(panel: Panel, order: np.ndarray, place: int) -> None:
    row, other = int(order[place]), int(order[place - 1])
    raise UserError(
        f"{panel.at(row)}: a sequence must have one row for each time, or set "
        "`generate.duplicates` to first, last or mean. Received: "
        f"sequence {panel.names[panel.sequence[row]]!r} has the time of "
        f"{panel.at(other)}"
    )


def _with_means(panel: Panel, order: np.ndarray, same: np.ndarray) -> Panel:
    """Give the first row of each time the mean of all that have it.

    Args:
        order: of the rows.
        same: whether a row has the time of the one before it, [rows - 1].
    """
    group = np.cumsum(np.append(True, ~same)) - 1
    several = np.append(same, False) | np.append(False, same)  # whose time is shared
    rows, group = order[several], group[several]
    firsts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    target = panel.target.copy()
    target[rows[firsts]] = _means(panel.target[rows, None], firsts)[:, 0]
    return panel._replace(
        target=target,
        means=dict(
            zip(rows[firsts].tolist(), _means(panel.values[rows], firsts), strict=True)
        ),
    )


def _means(values: np.ndarray, firsts: np.ndarray) -> np.ndarray:
    """Return the means of stretches of rows, but for NaN; NaN where all are.

    Example:
        >>> _means(np.array([[1.0], [3], [np.nan], [7]]), np.array([0, 2]))
        array([[2.],
               [7.]])
    """
    known = ~np.isnan(values)
    counts = np.add.reduceat(known.astype(float), firsts)
    sums = np.add.reduceat(np.where(known, values, 0.0), firsts)
    with np.errstate(invalid="ignore"):
        return sums / np.where(counts > 0, counts, np.nan)


def _shift_targets(
    horizon: int, order: np.ndarray, offsets: np.ndarray, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair each row with the row `horizon` time steps later, which has its target.

    Returns:
        The rows that have such a row in their sequence, those rows, and new offsets.

    Example:
        >>> _shift_targets(2, np.array([5, 6, 7, 8, 9]), np.array([0, 3, 5]), [])
        (array([5]), array([7]), array([0, 1]))
    """
    lengths = np.diff(offsets)
    left = np.maximum(lengths - horizon, 0)
    if not left.any():
        raise UserError(
            "`generate.horizon` must be shorter than some sequence: the longest has "
            f"{lengths.max()} steps. Received: {horizon}"
        )
    if not left.all():
        notes.append(
            f"sequences of no more steps than `generate.horizon` ({horizon}), which "
            f"are left out: {(left == 0).sum()}"
        )
    has_target = np.ones(len(order), bool)
    for back in range(1, min(horizon, int(lengths.max())) + 1):
        has_target[np.maximum(offsets[1:] - back, offsets[:-1])] = False
    later = np.flatnonzero(has_target)
    later += horizon
    return order[has_target], order[later], np.append(0, np.cumsum(left[left > 0]))


def _with_missing(panel: Panel, order: np.ndarray) -> dict[str, float]:
    """Return the features that have no value in some row, and the means of all."""
    counts = np.zeros(len(panel.features))
    sums = np.zeros(len(panel.features))
    for block in _blocks(panel, order):
        counts += (~np.isnan(block)).sum(axis=0)
        sums += np.nansum(block, axis=0, dtype=float)
    means = sums / np.maximum(counts, 1)
    return {
        name: float(means[number])
        for number, name in enumerate(panel.features)
        if counts[number] < len(order)
    }


def _blocks(panel: Panel, order: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the values of rows in their order, NaN for none."""
    means = panel.means or {}
    replaced = np.fromiter(means, int)
    for first in range(0, len(order), ROWS):
        rows = order[first : first + ROWS]
        block = np.array(panel.values[rows])
        for place in np.flatnonzero(np.isin(rows, replaced)):
            block[place] = means[int(rows[place])]
        yield block
        arrays.release_pages(panel.values)


def _filled(
    panel: Panel,
    order: np.ndarray,
    offsets: np.ndarray,
    missing: str,
    masked: dict[str, float],
) -> np.ndarray:
    """Return the values in an order of rows, none of them NaN, and masks after them."""
    begins = np.zeros(len(order), bool)
    begins[offsets[:-1]] = True
    places = [panel.features.index(name) for name in masked]
    means = np.array(list(masked.values()), np.float32)

    def blocks() -> Iterator[np.ndarray]:
        before = np.full(panel.values.shape[1], np.nan, np.float32)
        since = np.zeros(len(masked))
        for number, block in enumerate(_blocks(panel, order)):
            first = number * ROWS
            at_begin = begins[first : first + len(block)]
            absent = np.isnan(block[:, places])
            if missing != "error":
                block = fill_forward(block, at_begin, before)
            before = block[-1]
            block = np.array(block)
            block[:, places] = np.where(
                np.isnan(block[:, places]), means, block[:, places]
            )
            _require_values(panel, order[first : first + len(block)], block, missing)
            steps = steps_since(absent, at_begin, since)
            since = steps[-1]
            masks = np.stack([absent, steps], axis=2).reshape(len(block), -1)
            yield np.concatenate([block, masks.astype(np.float32)], axis=1)

    return on_disk(blocks())


def _require_values(
    panel: Panel, rows: np.ndarray, block: np.ndarray, missing: str
) -> None:
    none = np.isnan(block)
    if not none.any():
        return
    row, feature = (int(number) for number in np.argwhere(none)[0])
    rule = {
        "error": "must have a value, or set `generate.missing` to fill or mask",
        "fill": "must have a value where a sequence begins, as none is before it, or "
        "set `generate.missing` to mask",
        "mask": "must have a value where a sequence begins, as it had one in each row "
        "that was trained on, and has no mask",
    }[missing]
    raise UserError(
        f"{panel.at(int(rows[row]))}, column `{panel.features[feature]}`: {rule}. "
        "Received: none"
    )


def steps_since(
    absent: np.ndarray, begins: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Count the steps since a feature last had a value, or since before its sequence.

    Args:
        absent: whether a value is missing, [rows, features].
        begins: whether a sequence begins with a row, [rows].
        before: the counts of the row before these, [features].

    Example:
        >>> absent = np.array([[True], [False], [True], [True], [True], [False]])
        >>> begins = np.array([False, False, False, True, False, False])
        >>> steps_since(absent, begins, np.array([4.0])).ravel()
        array([5., 0., 1., 1., 2., 0.])
    """
    number = np.arange(1, len(absent) + 1)[:, None]
    known = np.where(begins[:, None], number - 1, -np.inf)
    known = np.where(absent, known, number)
    known = np.concatenate([-before[None], known])
    return number - np.maximum.accumulate(known, axis=0)[1:]


def fill_forward(
    block: np.ndarray, begins: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Fill NaN by the value before it in the same sequence, where there is one.

    Args:
        block: the values, [rows, features].
        begins: whether a sequence begins with a row, [rows].
        before: the values of the row before the block, [features].

    Example:
        >>> block = np.array([[np.nan], [2], [np.nan], [np.nan], [5], [np.nan]])
        >>> begins = np.array([False, False, False, True, False, False])
        >>> fill_forward(block, begins, np.array([7.0])).ravel()
        array([ 7.,  2.,  2., nan,  5.,  5.])
    """
    rows = np.concatenate([before[None], block])
    number = np.arange(len(rows))
    begin = np.maximum.accumulate(np.where(np.append(False, begins), number, 0))
    latest = np.where(np.isnan(rows), begin[:, None], number[:, None])
    return np.take_along_axis(rows, np.maximum.accumulate(latest), axis=0)[1:]


def on_disk(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Write blocks of rows end to end to a temporary file, and map it.

    Args:
        blocks: float32 [rows, features], at least one of them.

    Returns:
        The rows of all blocks, memory-mapped.
    """
    rows, shape = 0, ()
    with tempfile.TemporaryFile() as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block).data)
            rows, shape = rows + len(block), block.shape[1:]
        file.flush()
        return np.memmap(file, np.float32, "r", shape=(rows, *shape))
