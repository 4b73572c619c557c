"""Panels: rows of many sequences, which are sorted, cut and filled."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from statelab.data.sequences import SPLITS, Sequences
from statelab.errors import UserError
from statelab.io import arrays

ROWS = 1 << 16  # held in memory with their values at once


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


class Arranged(NamedTuple):
    """The sequences of a panel."""

    sequences: Sequences  # the targets are as in `Panel`, for each step
    names: list[str]  # of the sequences; the parts of one have one name
    order: np.ndarray  # int64 [steps]; the row of the panel that each step was
    notes: list[str]  # for the user
    split: np.ndarray | None  # int8 [sequences]; codes of sequences.SPLITS


def arrange(
    panel: Panel, *, horizon: int, max_gap: float | None, missing: str
) -> Arranged:
    """Put the rows of a panel into sequences.

    Args:
        panel: the rows.
        horizon: steps ahead of which a step's target is; a sequence's last steps, which
            would have none, are left out.
        max_gap: the longest time from a step to the next, in the unit of `time`; after
            a longer one a new sequence begins.
        missing: `error`, or `fill` by the value before, where a feature has no value.
            A target is never filled.

    Raises:
        UserError: the place of a row that breaks a rule.
    """
    notes: list[str] = []
    _require_one_split(panel)
    order, offsets = _sequences(panel, max_gap, notes)
    target_rows = order
    if horizon:
        order, target_rows, offsets = _shift_targets(horizon, order, offsets, notes)
    first = order[offsets[:-1]]
    return Arranged(
        Sequences(
            _filled(panel, order, offsets, missing), offsets, panel.target[target_rows]
        ),
        [panel.names[number] for number in panel.sequence[first]],
        order,
        notes,
        None if panel.split is None else panel.split[first],
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
    panel: Panel, max_gap: float | None, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows in order, and where sequences begin and end among them."""
    order, sequence, time = _in_order(panel, notes)
    begins = np.append(True, sequence[1:] != sequence[:-1])
    if time is not None:
        gaps = _gaps(time)
        _require_distinct_times(panel, order, ~begins[1:] & (gaps == 0))
        if max_gap is not None:
            too_long = ~begins[1:] & (gaps > max_gap)
            begins[1:] |= too_long
            if too_long.any():
                notes.append(
                    "gaps longer than `generate.max_gap`, after each of which a new "
                    f"sequence begins: {too_long.sum()}"
                )
    return order, np.append(np.flatnonzero(begins), len(order))


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


def _require_distinct_times(panel: Panel, order: np.ndarray, same: np.ndarray) -> None:
    if same.any():
        after = int(same.argmax()) + 1
        row, other = int(order[after]), int(order[after - 1])
        raise UserError(
            f"{panel.at(row)}: a sequence must have one row for each time. Received: "
            f"sequence {panel.names[panel.sequence[row]]!r} has the time of "
            f"{panel.at(other)}"
        )


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


def _filled(
    panel: Panel, order: np.ndarray, offsets: np.ndarray, missing: str
) -> np.ndarray:
    """Return the values in an order of rows, none of them NaN."""
    begins = np.zeros(len(order), bool)
    begins[offsets[:-1]] = True

    def blocks() -> Iterator[np.ndarray]:
        before = np.full(panel.values.shape[1], np.nan, np.float32)
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            block = panel.values[rows]
            if missing == "fill":
                block = fill_forward(block, begins[first : first + ROWS], before)
            none = np.isnan(block)
            if none.any():
                row, feature = (int(number) for number in np.argwhere(none)[0])
                rule = (
                    "must have a value, or set `generate.missing` to fill"
                    if missing == "error"
                    else "must have a value where a sequence begins: none is before it"
                )
                raise UserError(
                    f"{panel.at(int(rows[row]))}, column `{panel.features[feature]}`: "
                    f"{rule}. Received: none"
                )
            yield block
            before = block[-1]
            arrays.release_pages(panel.values)

    return on_disk(blocks())


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
