"""Which samples each lane of each batch reads, where state is reset, what counts.

A *sample* is one entry of a batch: a stretch of steps of one sequence. A *lane* is a
position in the batch that carries its own state. Nothing is copied: windows and plans
are indices into the flat steps.
"""

import heapq
from typing import NamedTuple

import numpy as np

from statelab.sequences import Sequences, step_targets


class Windows(NamedTuple):
    """One line per sample in reading order, and the split of each sequence."""

    sequence: np.ndarray  # int64 [samples]
    first: np.ndarray  # int64 [samples]; a flat step
    length: np.ndarray  # int64 [samples]; steps, at most `timesteps`
    split: np.ndarray  # int8 [sequences]; a code of sequences.SPLITS


class Plan(NamedTuple):
    """What one pass over some samples does, batch by batch and lane by lane."""

    sample: np.ndarray  # int32 [batches, lanes]; a line of the windows
    reset: np.ndarray  # bool [batches, lanes]; state is zero before this sample
    weight: np.ndarray  # float32 [batches, lanes]; 0 on padding


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
        The table of samples.

    Example:
        >>> table = windows(np.array([0, 5]), np.zeros(1, np.int8), layout="subsampled",
        ...                 window_length=2, stride=1, segment_length=1)
        >>> table.first
        array([0, 1, 2, 3])
    """
    count, step, size = LAYOUTS[layout](
        np.diff(offsets),
        window_length=window_length,
        stride=stride,
        segment_length=segment_length,
    )
    sequence = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(sequence)) - np.repeat(np.cumsum(count) - count, count)
    first = offsets[sequence] + nth * step[sequence]
    length = np.minimum(size[sequence], offsets[sequence + 1] - first)
    return Windows(sequence, first, length, split)


def of_split(windows: Windows, code: int) -> np.ndarray:
    """Return the samples of one split, as lines of `windows`, int64 [samples]."""
    return np.flatnonzero(windows.split[windows.sequence] == code)


def last_of_sequence(windows: Windows) -> np.ndarray:
    """Tell for every sample whether it is the last of its sequence, bool [samples]."""
    sequence = windows.sequence
    return np.append(sequence[1:] != sequence[:-1], True)[: len(sequence)]


def sample_targets(sequences: Sequences, windows: Windows) -> np.ndarray:
    """Return the target of each sample, which is that of its last step, [samples]."""
    return step_targets(sequences)[windows.first + windows.length - 1]


# --- plan: samples -> batches of lanes ------------------------------------------------


def plan(
    windows: Windows,
    samples: np.ndarray,
    *,
    batch_size: int,
    stateful: bool,
    reset: str = "sequence",
    batching: str = "aligned",
    rng: np.random.Generator | None = None,
) -> Plan:
    """Lay samples out in batches.

    Six samples, three of sequence A and three of B, in batches of 2:

    | | batch 0 | batch 1 | batch 2 |
    | --- | --- | --- | --- |
    | stateful, `aligned`: lane 0 | A0, reset | A1 | A2 |
    | lane 1 | B0, reset | B1 | B2 |
    | stateful, `contiguous`: lane 0 | A0, reset | A2 | B1, reset |
    | lane 1 | A1, reset | B0, reset | B2 |

    Args:
        windows: the table of samples.
        samples: the lines of it to visit, in reading order.
        batch_size: lanes of a batch.
        stateful: carry state from a batch to the next; otherwise every sample is reset.
        reset: `sequence` resets a lane where its sample belongs to another sequence
            than the one before; `never` carries state on through the whole pass.
        batching: `aligned` keeps a sequence in one lane; `contiguous` puts samples one
            after another into the lanes of a batch, as people get it from Keras.
        rng: shuffles the samples of a stateless plan, or the sequences of a stateful
            one, the samples of which stay together; None keeps their order.

    Returns:
        The plan. Lanes that have run out of samples are padding of weight 0.
    """
    if not stateful:
        order = samples if rng is None else rng.permutation(samples)
        grid = _contiguous(windows.sequence, order, batch_size)
        resets = np.ones(grid.shape, bool)
    else:
        if rng is not None:
            runs = _runs(windows.sequence, samples)
            samples = np.concatenate([runs[k] for k in rng.permutation(len(runs))])
        grid = BATCHINGS[batching](windows.sequence, samples, batch_size)
        resets = RESETS[reset](windows.sequence, grid)
    return Plan(
        sample=np.maximum(grid, 0).astype(np.int32),
        reset=resets,
        weight=(grid >= 0).astype(np.float32),
    )


def of_one_length(plans: list[Plan]) -> list[Plan]:
    """Fill plans up with padding, so that all have as many batches as the longest."""
    longest = max(len(each.sample) for each in plans)
    return [
        Plan(*(np.pad(field, ((0, longest - len(field)), (0, 0))) for field in each))
        for each in plans
    ]


def _runs(sequence: np.ndarray, samples: np.ndarray) -> list[np.ndarray]:
    """Return the samples of each sequence in turn."""
    starts = np.flatnonzero(np.diff(sequence[samples], prepend=-1))
    return np.split(samples, starts[1:])


def _contiguous(_: np.ndarray, samples: np.ndarray, lanes: int) -> np.ndarray:
    batches = -(-len(samples) // lanes)
    grid = np.full(batches * lanes, -1)
    grid[: len(samples)] = samples
    return grid.reshape(batches, lanes)


def _aligned(sequence: np.ndarray, samples: np.ndarray, lanes: int) -> np.ndarray:
    free = [(0, lane) for lane in range(lanes)]  # (batches filled, lane)
    placed = []
    for run in _runs(sequence, samples):
        batch, lane = heapq.heappop(free)
        placed.append((batch, lane, run))
        heapq.heappush(free, (batch + len(run), lane))
    grid = np.full((max(free)[0], lanes), -1)
    for batch, lane, run in placed:
        grid[batch : batch + len(run), lane] = run
    return grid


BATCHINGS = {"aligned": _aligned, "contiguous": _contiguous}


def _reset_at_sequence(sequence: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.diff(np.where(grid < 0, -1, sequence[grid]), axis=0, prepend=-2) != 0


def _reset_never(_: np.ndarray, grid: np.ndarray) -> np.ndarray:
    resets = np.zeros(grid.shape, bool)
    resets[0] = True
    return resets


RESETS = {"sequence": _reset_at_sequence, "never": _reset_never}


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
    sample = plan.sample
    before, after = sample[:-1], sample[1:]
    continues = np.zeros(sample.shape, bool)
    continues[1:] = (
        (after == before + 1)
        & (windows.sequence[after] == windows.sequence[before])
        & (windows.first[after] <= windows.first[before] + windows.length[before])
    )
    batch = np.arange(len(sample))[:, None]
    last_reset = np.maximum.accumulate(np.where(plan.reset, batch, -1))
    broken = np.where(plan.reset | continues, -1, batch)
    sound = np.maximum.accumulate(broken) < last_reset
    start = windows.first[np.take_along_axis(sample, last_reset, axis=0)]
    visible = np.full(len(windows.first), -1)
    used = plan.weight > 0
    visible[sample[used]] = np.where(sound, start, -1)[used]
    return visible
