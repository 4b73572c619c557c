"""Which samples each lane of each batch reads, where state is reset, what counts.

A *sample* is one entry of a batch: a stretch of steps of one sequence. A *lane* is a
position in the batch that carries its own state. Samples are numbered in reading order.
Nothing is copied and nothing is listed: windows and plans say by rule which samples
there are and where they go, a line for each sequence, however many steps it has.
"""

import heapq
from typing import NamedTuple

import numpy as np

from statelab import sequences
from statelab.sequences import Sequences

MAX_CELLS = 1 << 20  # places of a plan that are looked at together


class Windows(NamedTuple):
    """How each sequence is cut into samples, and its split; one line per sequence."""

    offsets: np.ndarray  # int64 [sequences + 1]
    # sequence s has the samples offsets[s] to offsets[s + 1]
    first: np.ndarray  # int64 [sequences]; the flat step where its first sample begins
    stop: np.ndarray  # int64 [sequences]; the flat step after its last
    stride: np.ndarray  # int64 [sequences]; steps from a sample's first to the next's
    length: np.ndarray  # int64 [sequences]; steps of a sample, but `stop` cuts it short
    split: np.ndarray  # int8 [sequences]; a code of sequences.SPLITS


class Samples(NamedTuple):
    """Some samples of a table of windows, each field of one shape."""

    sequence: np.ndarray  # int64
    first: np.ndarray  # int64; a flat step
    length: np.ndarray  # int64; steps


class Plan(NamedTuple):
    """One pass over some samples, as runs of samples that follow each other.

    The runs stand end to end in a line of places, which is folded into batches of
    lanes: batch by batch, or lane by lane. `expand` says what stands where.
    """

    sample: np.ndarray  # int64 [runs]; the first one of a run; -1 for padding
    begin: np.ndarray  # int64 [runs + 1]; the place where a run begins
    order: np.ndarray | None  # int [samples]; if shuffled, the place of each in turn
    batches: int
    lanes: int
    lane_by_lane: bool
    reset: str  # a key of RESETS
    label: str  # a key of LABELS
    burn_in: int  # samples


class Batches(NamedTuple):
    """Some batches of a plan, written out."""

    sample: np.ndarray  # int64 [batches, lanes]
    reset: np.ndarray  # bool [batches, lanes]; state is zero before this sample
    weight: np.ndarray  # float32 [batches, lanes]; 0 where it does not count


# --- windows: sequences -> samples ---------------------------------------------------
#
# A layout says, for sequences of given lengths, how many samples each has, how far
# apart their first steps are, and how many steps a sample has.

Cut = tuple[np.ndarray, np.ndarray, np.ndarray]


def _full(lengths: np.ndarray, **_: int) -> Cut:
    return np.ones_like(lengths), lengths, lengths


def _subsampled(
    lengths: np.ndarray, *, window_length: int, stride: int, **_: int
) -> Cut:
    count = np.maximum((lengths - window_length) // stride + 1, 0)
    return count, np.full_like(lengths, stride), np.full_like(lengths, window_length)


def _per_timestep(lengths: np.ndarray, *, segment_length: int, **_: int) -> Cut:
    segment = np.full_like(lengths, segment_length)
    return -(-lengths // segment_length), segment, segment


LAYOUTS = {"full": _full, "subsampled": _subsampled, "per_timestep": _per_timestep}


def windows(
    offsets: np.ndarray,
    split: np.ndarray,
    *,
    layout: str,
    window_length: int,
    stride: int,
    segment_length: int,
) -> Windows:
    """Cut sequences into samples, in reading order.

    With `offsets` [0, 5, 8], a sequence of 5 steps and one of 3:

    | layout | samples as (first, length) |
    | --- | --- |
    | `full` | (0, 5) (5, 3) |
    | `subsampled`, `window_length` 2 | (0, 2) (1, 2) (2, 2) (3, 2) (5, 2) (6, 2) |
    | `per_timestep`, `segment_length` 2 | (0, 2) (2, 2) (4, 1) (5, 2) (7, 1) |

    Args:
        offsets: where the sequences begin and end, [sequences + 1].
        split: the split of each sequence, [sequences]; handed through.
        layout: a key of `LAYOUTS`.
        window_length: steps of a sample, for `subsampled`.
        stride: steps from one sample's first to the next one's, for `subsampled`.
        segment_length: steps of a sample, for `per_timestep`.

    Returns:
        The table of windows.

    Example:
        >>> table = windows(np.array([0, 5]), np.zeros(1, np.int8), layout="subsampled",
        ...                 window_length=2, stride=1, segment_length=1)
        >>> locate(table, np.arange(4)).first
        array([0, 1, 2, 3])
    """
    count, step, length = LAYOUTS[layout](
        np.diff(offsets),
        window_length=window_length,
        stride=stride,
        segment_length=segment_length,
    )
    return Windows(
        offsets=np.append(0, np.cumsum(count)),
        first=offsets[:-1],
        stop=offsets[1:],
        stride=step,
        length=length,
        split=split,
    )


def locate(windows: Windows, sample: np.ndarray) -> Samples:
    """Return where some samples are.

    Args:
        windows: the table of windows.
        sample: numbers of samples, of any shape.

    Returns:
        The sequence, first step and length of each, in the same shape.

    Example:
        >>> table = windows(np.array([0, 5, 8]), np.zeros(2, np.int8), window_length=1,
        ...                 layout="per_timestep", stride=1, segment_length=2)
        >>> locate(table, np.array([2, 3]))
        Samples(sequence=array([0, 1]), first=array([4, 5]), length=array([1, 2]))
    """
    sequence = np.searchsorted(windows.offsets, sample, side="right") - 1
    nth = sample - windows.offsets[sequence]
    first = windows.first[sequence] + nth * windows.stride[sequence]
    length = np.minimum(windows.length[sequence], windows.stop[sequence] - first)
    return Samples(sequence, first, length)


def lengths(windows: Windows) -> tuple[int, int]:
    """Return the steps of the shortest sample and of the longest one."""
    some = np.diff(windows.offsets) > 0
    begins, ends = windows.offsets[:-1][some], windows.offsets[1:][some] - 1
    shortest = locate(windows, ends).length.min()  # only a last one is cut short
    return int(shortest), int(locate(windows, begins).length.max())


def of_split(windows: Windows, code: int) -> np.ndarray:
    """Return the sequences of one split that have samples, int64."""
    return np.flatnonzero((windows.split == code) & (np.diff(windows.offsets) > 0))


def samples_of(windows: Windows, sequence: np.ndarray) -> np.ndarray:
    """Return the samples of some sequences, one sequence after another, int64."""
    begin = windows.offsets[sequence]
    count = windows.offsets[sequence + 1] - begin
    return np.arange(count.sum()) + np.repeat(begin - (np.cumsum(count) - count), count)


def last_samples(windows: Windows, sequence: np.ndarray) -> np.ndarray:
    """Return the last sample of each of some sequences, int64 [sequences]."""
    return windows.offsets[sequence + 1] - 1


def sample_targets(data: Sequences, windows: Windows, sample: np.ndarray) -> np.ndarray:
    """Return the target of some samples, each that of its last step."""
    at = locate(windows, sample)
    return sequences.targets_at(data, at.sequence, at.first + at.length - 1)


# --- plan: samples -> batches of lanes ------------------------------------------------


def plan(
    windows: Windows,
    sequence: np.ndarray,
    *,
    batch_size: int,
    stateful: bool,
    reset: str = "sequence",
    batching: str = "aligned",
    label: str = "each_step",
    burn_in: int = 0,
    rng: np.random.Generator | None = None,
) -> Plan:
    """Lay the samples of some sequences out in batches.

    Six samples, three of sequence A and three of B, in batches of 2:

    | | batch 0 | batch 1 | batch 2 |
    | --- | --- | --- | --- |
    | stateful, `aligned`: lane 0 | A0, reset | A1 | A2 |
    | lane 1 | B0, reset | B1 | B2 |
    | stateful, `contiguous`: lane 0 | A0, reset | A2 | B1, reset |
    | lane 1 | A1, reset | B0, reset | B2 |

    Args:
        windows: the table of windows.
        sequence: the sequences to visit, in this order, [sequences].
        batch_size: lanes of a batch.
        stateful: carry state from a batch to the next; otherwise every sample is reset.
        reset: `sequence` resets a lane where its sample belongs to another sequence
            than the one before; `never` carries state on through the whole pass.
        batching: `aligned` keeps a sequence in one lane; `contiguous` puts samples one
            after another into the lanes of a batch, as people get it from Keras.
        label: which samples count: `each_step`, or the `end` of a sequence alone.
        burn_in: how many samples at the beginning of a sequence do not count.
        rng: shuffles the samples of a stateless plan, or the sequences of a stateful
            one, the samples of which stay together; None keeps their order.

    Returns:
        The plan. Lanes that have run out of samples are padding of weight 0.
    """
    order = None
    if rng is not None and stateful:
        sequence = rng.permutation(sequence)
    first = windows.offsets[sequence]
    count = windows.offsets[sequence + 1] - first
    if rng is not None and not stateful:
        total = count.sum()
        kind = np.int32 if total < 2**31 else np.int64
        order = rng.permutation(np.arange(total, dtype=kind))
    rule = BATCHINGS[batching if stateful else "contiguous"]
    sample, length, batches = rule(first, count, batch_size)
    return Plan(
        sample=sample,
        begin=np.append(0, np.cumsum(length)),
        order=order,
        batches=batches,
        lanes=batch_size,
        lane_by_lane=stateful and batching == "aligned",
        reset=reset if stateful else "sample",
        label=label,
        burn_in=burn_in,
    )


def _contiguous(
    first: np.ndarray, count: np.ndarray, lanes: int
) -> tuple[np.ndarray, np.ndarray, int]:
    total = count.sum()
    batches = -(-total // lanes)
    padding = batches * lanes - total
    return np.append(first, -1), np.append(count, padding), int(batches)


def _aligned(
    first: np.ndarray, count: np.ndarray, lanes: int
) -> tuple[np.ndarray, np.ndarray, int]:
    free = [(0, lane) for lane in range(lanes)]  # (batches filled, lane)
    runs = [[] for _ in free]
    for run in zip(first.tolist(), count.tolist(), strict=True):
        filled, lane = heapq.heappop(free)
        runs[lane].append(run)
        heapq.heappush(free, (filled + run[1], lane))
    batches = max(free)[0]
    for filled, lane in free:
        runs[lane].append((-1, batches - filled))
    sample, length = np.array([run for lane in runs for run in lane], np.int64).T
    return sample, length, batches


# Of runs, by their first samples and their counts, and a count of lanes: the runs of
# the plan, padding among them, and the number of batches.
BATCHINGS = {"aligned": _aligned, "contiguous": _contiguous}

# Where state is zero: from the batch, and the run of each lane now and a batch before.
RESETS = {
    "sample": lambda batch, run, before: np.ones(run.shape, bool),
    "sequence": lambda batch, run, before: run != before,
    "never": lambda batch, run, before: np.broadcast_to(batch == 0, run.shape),
}

# What counts: from how many samples of the same run stand before one, and after it.
LABELS = {
    "each_step": lambda before, after: True,
    "end": lambda before, after: after == 0,
}


def expand(plan: Plan, start: int, stop: int) -> Batches:
    """Write some batches of a plan out.

    Args:
        plan: a plan.
        start, stop: the first batch, and the one after the last; behind the end of the
            plan there is padding.
    """
    batch = np.arange(start - 1, stop)[:, None]  # and the one before
    lane = np.arange(plan.lanes)
    place = (
        lane * plan.batches + batch if plan.lane_by_lane else batch * plan.lanes + lane
    )
    inside = (batch >= 0) & (batch < plan.batches)
    place = np.where(inside, place, 0)
    if plan.order is not None:
        inside = inside & (place < len(plan.order))
        place = plan.order[np.where(inside, place, 0)]
    run = np.searchsorted(plan.begin, place, side="right") - 1
    first = plan.sample[run]
    before, after = place - plan.begin[run], plan.begin[run + 1] - 1 - place
    counts = inside & (first >= 0)
    sample = np.where(counts, first + before, 0)
    counts = counts & (before >= plan.burn_in) & LABELS[plan.label](before, after)
    run = np.where(inside, run, -1)
    return Batches(
        sample=sample[1:],
        reset=RESETS[plan.reset](batch[1:], run[1:], run[:-1]),
        weight=counts[1:].astype(np.float32),
    )


def visible_from(plan: Plan, windows: Windows) -> np.ndarray:
    """Return for each sample of a plan the first step that its output can depend on.

    Args:
        plan: a plan over some samples.
        windows: the table that the plan indexes.

    Returns:
        A flat step for each planned sample, int64 [samples]; the model has seen every
        step from there to the sample's end. -1 for samples that are not in the plan,
        and where that is no single stretch: after a reset that never came, or in a
        lane whose samples do not continue each other.
    """
    as_before = -2
    visible = np.full(windows.offsets[-1], -1)
    origin = np.full(plan.lanes, -1)  # of what each lane has seen
    size = max(MAX_CELLS // plan.lanes, 1)
    for start in range(0, plan.batches, size):
        stop = min(start + size, plan.batches)
        now = expand(plan, start - 1, stop)  # with the batch before
        at = locate(windows, now.sample)
        continues = (
            (np.diff(now.sample, axis=0) == 1)
            & (np.diff(at.sequence, axis=0) == 0)
            & (at.first[1:] <= at.first[:-1] + at.length[:-1])
        )
        new = np.where(continues, as_before, -1)
        new = np.where(now.reset[1:], at.first[1:], new)
        new = np.concatenate([origin[None], new])
        row = np.where(new != as_before, np.arange(len(new))[:, None], 0)
        origins = np.take_along_axis(new, np.maximum.accumulate(row), axis=0)
        used = now.weight[1:] > 0
        visible[now.sample[1:][used]] = origins[1:][used]
        origin = origins[-1]
    return visible
