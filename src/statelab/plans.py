"""Plans: what each lane of each batch reads, where state is reset, what counts.

A *lane* is a position in the batch that carries its own state. A plan is a pass over
some samples, told by rule, with a line for each sequence; only where single samples are
shuffled is their order listed. `expand` writes some batches of it out.
"""

import heapq
from typing import NamedTuple

import numpy as np

from statelab.layouts import Windows, locate

MAX_CELLS = 1 << 18  # places of a plan that are looked at together


class Plan(NamedTuple):
    """One pass over some samples, as runs of samples that follow each other.

    The runs stand end to end in a line of places, which is folded into batches of
    lanes: batch by batch, or lane by lane. `expand` says what stands where.
    """

    first_sample: np.ndarray  # int64 [runs]; -1 for a run of padding
    begin: np.ndarray  # int64 [runs + 1]; the place where a run begins
    order: np.ndarray | None  # int [samples]; the place that comes i-th when shuffled
    batches: int
    lanes: int
    lane_by_lane: bool
    reset: str  # a key of RESETS
    label: str  # a key of LABELS
    burn_in: int  # samples


class Batches(NamedTuple):
    """Some batches of a plan, written out."""

    sample: np.ndarray  # int64 [batches, lanes]; -1 for padding
    reset: np.ndarray  # bool [batches, lanes]; state is zero before this sample
    weight: np.ndarray  # float32 [batches, lanes]; in the loss; 0 for padding


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
    first_sample = windows.samples[sequence]
    count = windows.samples[sequence + 1] - first_sample
    if rng is not None and not stateful:
        total = count.sum()
        dtype = np.int32 if total < 2**31 else np.int64
        order = rng.permutation(np.arange(total, dtype=dtype))
    lane_by_lane = stateful and batching == "aligned"
    lay_out = _aligned if lane_by_lane else _contiguous
    runs, places, batches = lay_out(first_sample, count, batch_size)
    return Plan(
        first_sample=runs,
        begin=np.append(0, np.cumsum(places)),
        order=order,
        batches=batches,
        lanes=batch_size,
        lane_by_lane=lane_by_lane,
        reset=reset if stateful else "sample",
        label=label,
        burn_in=burn_in,
    )


def _contiguous(
    first_sample: np.ndarray, count: np.ndarray, lanes: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the runs of a plan, the places that each takes, and the batches."""
    total = count.sum()
    batches = -(-total // lanes)
    padding = batches * lanes - total
    return np.append(first_sample, -1), np.append(count, padding), int(batches)


def _aligned(
    first_sample: np.ndarray, count: np.ndarray, lanes: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the runs of a plan, the places that each takes, and the batches."""
    free = [(0, lane) for lane in range(lanes)]  # (batches filled, lane)
    runs = [[] for _ in free]
    for run in zip(first_sample.tolist(), count.tolist(), strict=True):
        filled, lane = heapq.heappop(free)
        runs[lane].append(run)
        heapq.heappush(free, (filled + run[1], lane))
    batches = max(free)[0]
    for filled, lane in free:
        runs[lane].append((-1, batches - filled))
    sample, places = np.array([run for lane in runs for run in lane], np.int64).T
    return sample, places, batches


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

    Returns:
        Batches `start` to `stop`.

    Example:
        >>> from statelab.layouts import windows
        >>> table = windows(np.array([0, 3, 5]), np.zeros(2, np.int8),
        ...     layout="per_timestep", window_length=1, stride=1, segment_length=1)
        >>> one = plan(table, np.arange(2), batch_size=2, stateful=True)
        >>> expand(one, 1, 4)
        Batches(sample=array([[ 1,  4],
               [ 2, -1],
               [-1, -1]]), reset=array([[False, False],
               [False,  True],
               [ True, False]]), weight=array([[1., 1.],
               [1., 0.],
               [0., 0.]], dtype=float32))
    """
    batch = np.arange(start - 1, stop)[:, None]  # and the one before
    lane = np.arange(plan.lanes)
    place = (
        lane * plan.batches + batch if plan.lane_by_lane else batch * plan.lanes + lane
    )
    inside = (batch >= 0) & (batch < plan.batches)
    if plan.order is not None:
        inside = inside & (place < len(plan.order))
        place = plan.order[np.where(inside, place, 0)] if inside.any() else place
    place = np.where(inside, place, 0)
    run = np.searchsorted(plan.begin[:-1], place, side="right") - 1
    inside = inside & (plan.first_sample[run] >= 0)
    before, after = place - plan.begin[run], plan.begin[run + 1] - 1 - place
    counts = inside & (before >= plan.burn_in) & LABELS[plan.label](before, after)
    sample = np.where(inside, plan.first_sample[run] + before, -1)
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
        windows: what the plan is of.

    Returns:
        A flat step for each planned sample, int64 [samples]; the model has seen every
        step from there to the sample's end. -1 for samples that are not in the plan,
        and where that is no single stretch: after a reset that never came, or in a
        lane whose samples do not continue each other.
    """
    as_before = -2
    visible = np.full(windows.samples[-1], -1)
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
        used = now.sample[1:] >= 0
        visible[now.sample[1:][used]] = origins[1:][used]
        origin = origins[-1]
    return visible
