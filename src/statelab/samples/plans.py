"""Plans: what each lane of each batch reads, and where state is reset.

A *lane* is a position in the batch that carries its own state. A plan is a pass over
some samples. It has a line for each sequence, from which `expand` writes some batches
out; only the order of shuffled samples is listed.
"""

import heapq
import itertools
from typing import NamedTuple

import numpy as np

from statelab.config.settings import AnyTrainSettings
from statelab.config.values import Reset
from statelab.data.sequences import SPLITS
from statelab.errors import UserError
from statelab.samples import stretches
from statelab.samples.windows import (
    Windows,
    locate_samples,
    sample_lengths,
    sequences_in_split,
)

MAX_CELLS = 1 << 18  # places of a plan that are looked at together
AT_EACH_SAMPLE, AT_EACH_SEQUENCE = Reset("sample"), Reset("sequence")


class Plan(NamedTuple):
    """One pass over some samples, as runs of samples that follow each other.

    A run is the samples of a sequence, or of a stretch of one, or padding. The runs
    stand end to end in a line of places, which is folded into batches of lanes: batch
    by batch, or lane by lane.
    """

    first_sample: np.ndarray  # int64 [runs]; -1 for a run of padding
    begin: np.ndarray  # int64 [runs + 1]; the place where a run begins
    interval: np.ndarray | None  # int64 [runs]; samples between resets; None for never
    burn_in: np.ndarray  # int64 [runs]; samples at its beginning that do not count
    order: np.ndarray | None  # int [samples]; the place that comes i-th when shuffled
    batches: int
    lanes: int
    lane_by_lane: bool


class Batches(NamedTuple):
    """Some batches of a plan, written out."""

    sample: np.ndarray  # int64 [batches, lanes]; -1 for padding
    reset: np.ndarray  # bool [batches, lanes]; state is zero before this sample
    counts: np.ndarray  # bool [batches, lanes]; in the loss; False for a burn-in


def make_plan(
    windows: Windows,
    sequence: np.ndarray,
    *,
    batch_size: int,
    stateful: bool,
    reset: Reset = AT_EACH_SEQUENCE,
    batching: str = "aligned",
    rng: np.random.Generator | None = None,
    stretch_burn_in: int | None = None,
) -> Plan:
    """Arrange the samples of some sequences in batches.

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
            than the one before; `every_20`, say, does so every 20 steps of a sequence
            as well; `never` carries state on through the whole pass.
        batching: `aligned` keeps a sequence in one lane; `contiguous` puts samples one
            after another into the lanes of a batch, as people get it from Keras.
        rng: shuffles the samples of a stateless plan, or the sequences of a stateful
            one, the samples of which stay together; None keeps their order.
        stretch_burn_in: steps that a stretch reads before those that count. Where state
            is carried in `aligned` lanes and there are fewer sequences than lanes, long
            ones are cut into stretches, each read by a lane of its own, as
            `stretches.cut` says. None leaves sequences whole.

    Returns:
        The plan. Lanes that have run out of samples are padding. There are no more
        `aligned` lanes than there are sequences, or stretches.
    """
    order = None
    if rng is not None and stateful:
        sequence = rng.permutation(sequence)
    first = windows.samples[sequence]
    count = windows.samples[sequence + 1] - first
    lane_by_lane = stateful and batching == "aligned"
    burn_in = np.zeros_like(count)
    if lane_by_lane and reset != "never" and stretch_burn_in is not None:
        before = -(-stretch_burn_in // windows.stride[sequence])
        nth, begin, count, burn_in = stretches.cut(count, before, batch_size)
        sequence, first = sequence[nth], first[nth] + begin
    if lane_by_lane:
        batch_size = min(batch_size, int(np.count_nonzero(count)) or batch_size)
    if rng is not None and not stateful:
        total = count.sum()
        dtype = np.int32 if total < 2**31 else np.int64
        order = rng.permutation(np.arange(total, dtype=dtype))
    interval = samples_between_resets(
        reset if stateful else AT_EACH_SAMPLE, windows.stride[sequence]
    )
    arrange = _aligned if lane_by_lane else _contiguous
    batch_size = min(batch_size, int(count.sum()) or batch_size)
    run, places, batches = arrange(count, batch_size)
    return Plan(
        first_sample=_of_runs(first, run, -1),
        begin=np.append(0, np.cumsum(places)),
        interval=None if interval is None else _of_runs(interval, run, 1),
        burn_in=_of_runs(burn_in, run, 0),
        order=order,
        batches=batches,
        lanes=batch_size,
        lane_by_lane=lane_by_lane,
    )


def training_plan(
    windows: Windows,
    settings: AnyTrainSettings,
    rng: np.random.Generator | None = None,
) -> Plan:
    """Return the plan of a pass over the train split.

    Where there are fewer sequences than lanes, long ones are cut into stretches, whose
    burn-in is as long as the gradient window.

    Args:
        windows: the table of windows.
        settings: of the training.
        rng: shuffles the pass; None keeps the reading order.
    """
    return make_plan(
        windows,
        sequences_in_split(windows, SPLITS["train"]),
        batch_size=settings.lanes,
        stateful=settings.stateful,
        reset=settings.reset,
        batching=settings.batching,
        rng=rng,
        stretch_burn_in=settings.gradient_window or sample_lengths(windows)[1],
    )


def samples_between_resets(reset: Reset, stride: np.ndarray) -> np.ndarray | None:
    """Return how many samples of each sequence there are from a reset to the next.

    Args:
        reset: where state is set to zero.
        stride: time steps from a sample to the next, [sequences].

    Returns:
        Samples, [sequences]; None where state is never reset.

    Raises:
        UserError: a reset would be within a sample.
    """
    if reset == "never":
        return None
    if reset == "sample":
        return np.ones_like(stride)
    if reset.every is None:
        return np.full_like(stride, np.iinfo(stride.dtype).max)
    if (reset.every % stride).any():
        raise UserError(
            f"`train_stateful.reset` must be a multiple of the {stride.max()} steps "
            f"from a sample to the next. Received: {reset}"
        )
    return reset.every // stride


def _of_runs(values: np.ndarray, run: np.ndarray, padding: int) -> np.ndarray:
    return np.append(values, padding)[run]  # run -1 is the last


def _contiguous(count: np.ndarray, lanes: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the runs, -1 for padding, the places that each takes, and the batches."""
    total = count.sum()
    batches = -(-total // lanes)
    padding = batches * lanes - total
    run = np.append(np.arange(len(count)), -1)
    return run, np.append(count, padding), int(batches)


def _aligned(count: np.ndarray, lanes: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the runs, -1 for padding, the places that each takes, and the batches."""
    free = [(0, lane) for lane in range(lanes)]  # (batches filled, lane)
    runs = [[] for _ in free]
    for run, places in enumerate(count.tolist()):
        filled, lane = heapq.heappop(free)
        runs[lane].append((run, places))
        heapq.heappush(free, (filled + places, lane))
    batches = max(free)[0]
    for filled, lane in free:
        runs[lane].append((-1, batches - filled))
    run, places = np.array(list(itertools.chain(*runs)), np.int64).T
    return run, places, batches


def expand(plan: Plan, start: int, stop: int) -> Batches:
    """Write some batches of a plan out.

    Args:
        plan: a plan.
        start, stop: the first batch, and the one after the last; behind the end of the
            plan there is padding.

    Returns:
        Batches `start` to `stop`.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 3, 5]), np.zeros(2, np.int8),
        ...     layout="per_timestep", window_length=1, stride=1, segment_length=1)
        >>> one = make_plan(table, np.arange(2), batch_size=2, stateful=True)
        >>> expand(one, 1, 4)
        Batches(sample=array([[ 1,  4],
               [ 2, -1],
               [-1, -1]]), reset=array([[False, False],
               [False,  True],
               [ True, False]]), counts=array([[ True,  True],
               [ True, False],
               [False, False]]))
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
    nth = place - plan.begin[run]
    counts = inside & (nth >= plan.burn_in[run])
    sample = np.where(inside, plan.first_sample[run] + nth, -1)
    if plan.order is not None:  # which may come to the same sample twice in a row
        reset = np.ones_like(sample[1:], bool)
    elif plan.interval is None:
        reset = np.broadcast_to(batch[1:] == 0, sample[1:].shape)
    else:  # where a lane comes to another run, or to another stretch of its run
        run, stretch = np.where(inside, run, -1), nth // plan.interval[run]
        reset = (run[1:] != run[:-1]) | (stretch[1:] != stretch[:-1])
    return Batches(sample[1:], reset, counts[1:])


def stateless(plan: Plan) -> bool:
    """Tell whether every sample of a plan begins with a state of zeros."""
    return plan.interval is not None and bool((plan.interval == 1).all())


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
        at = locate_samples(windows, now.sample)
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
