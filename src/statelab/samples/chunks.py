"""What a chunk of batches reads, copied out of the flat steps just before it trains."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from statelab.data.sequences import Sequences, present, targets_at
from statelab.io import arrays
from statelab.samples.plans import Batches
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Samples, Windows, locate_samples


class Chunk(NamedTuple):
    """What some batches read, of one population, or of several with plans apart."""

    x: np.ndarray  # float32 [batches, populations, lanes, timesteps, features]
    length: np.ndarray  # int32 [batches, populations, lanes]; steps
    target: np.ndarray  # float32 [batches, populations, lanes, answered]
    reset: np.ndarray  # bool [batches, populations, lanes]
    weight: np.ndarray  # float32 [batches, populations, lanes, answered]; in the loss


def gather(
    sequences: Sequences,
    windows: Windows,
    written: Sequence[Batches],
    timesteps: int,
    burn_in: int = 0,
    scaling: Scaling | None = None,
) -> Chunk:
    """Copy out what some batches read, scaled.

    Of the flat steps nothing else is read, and nothing of them is held on to: they may
    be mapped, and larger than the memory.

    Args:
        sequences: the steps and their targets.
        windows: where the samples are.
        written: the batches of each population, [batches, lanes].
        timesteps: steps of the longest sample; what follows a shorter one is anything.
        burn_in: as in `wanted`.
        scaling: of features and targets; None leaves them as they are.
    """
    sample, reset = (np.stack(fields, axis=1) for fields in zip(*written, strict=True))
    at = locate_samples(windows, np.maximum(sample, 0))
    target, weight = wanted(sequences, windows, sample, at, timesteps, burn_in)
    x = stretches(sequences.values, at.first, timesteps)
    if scaling is not None:
        x = (x - scaling.mean) / scaling.scale
        target = (target - scaling.target_mean) / scaling.target_scale
    chunk = Chunk(
        x=x,
        length=at.length.astype(np.int32),
        target=target,
        reset=reset,
        weight=weight,
    )
    arrays.release_pages(sequences.values)
    arrays.release_pages(sequences.targets)
    return chunk


def wanted(
    sequences: Sequences,
    windows: Windows,
    sample: np.ndarray,
    at: Samples,
    timesteps: int,
    burn_in: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets that samples are asked for, and which count in the loss.

    What does not are padding, steps that a shorter sample lacks, steps without a
    target, and those of a burn-in.

    Args:
        sequences: the targets.
        windows: where the samples are.
        sample: numbers of samples, -1 for padding, of any shape.
        at: where they are; of padding, anything.
        timesteps: steps of the longest sample.
        burn_in: steps at the beginning of a sequence that do not count.

    Returns:
        Targets, 0 where there is none, and weights of 1 or 0; each float32 [...,
        answered], for the last `windows.predicted_steps` steps of the longest sample.
    """
    at = Samples(*(field[..., None] for field in at))
    # the same of every sequence, so that no chunk looks through the whole table
    nth = np.arange(int(windows.length[0] - windows.answered[0]), timesteps)
    step = at.first + np.minimum(nth, at.length - 1)
    target = targets_at(sequences, np.broadcast_to(at.sequence, step.shape), step)
    known = present(target)
    counts = known & (nth < at.length) & (sample >= 0)[..., None]
    if burn_in:
        counts &= step >= windows.first[at.sequence] + burn_in
    return np.where(known, target, 0).astype(np.float32), counts.astype(np.float32)


def stretches(values: np.ndarray, first: np.ndarray, timesteps: int) -> np.ndarray:
    """Copy out as many steps from each first one on.

    Blocks of memory, one for each stretch, are copied many times as fast as steps are.

    Args:
        values: [steps, features], row by row in memory.
        first: flat steps, of any shape.
        timesteps: how many; what would be behind the end is anything.

    Returns:
        [..., timesteps, features].

    Example:
        >>> stretches(np.arange(5.0)[:, None], np.array([0, 3]), 2)[..., 0]
        array([[0., 1.],
               [3., 4.]])
    """
    steps, features = values.shape
    latest = steps - timesteps
    blocks = sliding_window_view(values.reshape(-1), timesteps * features)
    x = blocks[np.minimum(first, latest) * features]
    x = x.reshape(*first.shape, timesteps, features)
    short = first > latest  # the last of the data, cut short by their end
    if short.any():
        step = first[short][:, None] + np.arange(timesteps)
        x[short] = values[np.minimum(step, steps - 1)]
    return x
