"""Reads what batches hold out of the flat steps, and puts predictions back in order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from statelab.data.sequences import Sequences, present, targets_at
from statelab.io import arrays
from statelab.samples import plans
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling
from statelab.samples.windows import (
    Samples,
    Windows,
    first_predictions,
    locate_samples,
    predicted_steps,
    sample_lengths,
)


class Chunk(NamedTuple):
    """What some batches hold, for all networks alike or for each with a plan apart.

    Plans is 1, or the number of networks; predicted is the number of the last time
    steps of a sample that are predicted.
    """

    x: np.ndarray  # float32 [batches, plans, lanes, timesteps, features]
    length: np.ndarray  # int32 [batches, plans, lanes]; time steps of the sample
    target: np.ndarray  # float32 [batches, plans, lanes, predicted]
    reset: np.ndarray  # bool [batches, plans, lanes]; state is zero before the sample
    weight: np.ndarray  # float32 [batches, plans, lanes, predicted]; in the loss


@dataclass(frozen=True)
class ChunkReader:
    """Reads the batches of a pass, some at a time.

    Of the flat steps nothing else is read, and nothing of them is held on to: they may
    be memory-mapped, and larger than the memory.

    Args:
        sequences: the steps and their targets.
        windows: the samples that the plans are of.
        plans: one that all networks follow, or one for each of them.
        scaling: of features and targets; None leaves them as they are.
        burn_in: time steps at the beginning of a sequence that do not count in the
            loss.
        padded_to: time steps that samples are padded to with zeros; None for no more
            than those of the longest sample.
        class_weight: how much each class counts in the loss, float32 [classes]; None
            where all count alike.
    """

    sequences: Sequences
    windows: Windows
    plans: Sequence[Plan]
    scaling: Scaling | None = None
    burn_in: int = 0
    padded_to: int | None = None
    class_weight: np.ndarray | None = None

    @cached_property
    def batches(self) -> int:
        """Batches of the pass: those of the longest plan."""
        return max(plan.batches for plan in self.plans)

    @property
    def lanes(self) -> int:
        """Lanes of a batch."""
        return self.plans[0].lanes

    @cached_property
    def sample_lengths(self) -> tuple[int, int]:
        """Time steps of the shortest sample and of the longest one."""
        return sample_lengths(self.windows)

    @property
    def ragged(self) -> bool:
        """Whether samples differ in length."""
        return self.sample_lengths[0] < self.sample_lengths[1]

    @property
    def timesteps(self) -> int:
        """Time steps of the arrays that are read, padding included."""
        return self.padded_to or self.sample_lengths[1]

    @cached_property
    def predicted_steps(self) -> int:
        """Time steps at the end of a sample that are predicted."""
        return predicted_steps(self.windows)

    def of_network(self, number: int) -> "ChunkReader":
        """Return a reader of the plan that one network follows."""
        return replace(self, plans=[self.plans[number % len(self.plans)]])

    def read(self, start: int, stop: int) -> Chunk:
        """Copy out what some batches hold, scaled.

        Args:
            start, stop: the first batch, and the one after the last; behind the end of
                a plan there is padding.

        Returns:
            The batches. What stands in `x` behind the end of a sample is anything.
        """
        written = [plans.expand(plan, start, stop) for plan in self.plans]
        sample, reset, counts = (
            np.stack(field, axis=1) for field in zip(*written, strict=True)
        )
        located = locate_samples(self.windows, np.maximum(sample, 0))
        longest = self.sample_lengths[1]
        target, weight = targets_of_samples(
            self.sequences, self.windows, sample, located, longest, self.burn_in
        )
        weight *= counts[..., None]
        if self.class_weight is not None:
            weight *= self.class_weight[target.astype(int)]
        x = stretches(self.sequences.values, located.first, longest)
        if self.scaling is not None:
            x = (x - self.scaling.mean) / self.scaling.scale
            target = (target - self.scaling.target_mean) / self.scaling.target_scale
        if self.timesteps > longest:
            x = np.pad(x, [(0, 0)] * 3 + [(0, self.timesteps - longest), (0, 0)])
        arrays.release_pages(self.sequences.values)
        arrays.release_pages(self.sequences.targets)
        return Chunk(x, located.length.astype(np.int32), target, reset, weight)

    def no_predictions(self, networks: int, outputs: int) -> np.ndarray:
        """Return room for the predictions of all samples of the table, NaN so far.

        Args:
            networks: how many predict.
            outputs: numbers of a prediction.

        Returns:
            float32 [networks, predictions], or [networks, predictions, outputs].
        """
        classes = () if outputs == 1 else (outputs,)
        shape = (networks, self.windows.answers[-1], *classes)
        return np.full(shape, np.nan, np.float32)

    def scatter(self, outputs: np.ndarray, start: int, predictions: np.ndarray) -> None:
        """Write what networks give for some batches to where their samples stand.

        Args:
            outputs: [batches, networks, lanes, predicted], of several classes [...,
                classes]; what stands behind the end of a sample is left out.
            start: the first of these batches, of the one plan.
            predictions: [networks, predictions], of several classes [..., classes]; is
                written to.
        """
        (plan,) = self.plans
        sample = plans.expand(plan, start, start + len(outputs)).sample
        filled = np.maximum(sample, 0)
        nth = np.arange(self.predicted_steps)
        number = first_predictions(self.windows, filled)[..., None] + nth
        length = locate_samples(self.windows, filled).length[..., None]
        used = (nth < length) & (sample >= 0)[..., None]
        by_place = np.moveaxis(outputs, 1, 3)  # [batches, lanes, predicted, networks]
        predictions[:, number[used]] = by_place[used].swapaxes(0, 1)


def targets_of_samples(
    sequences: Sequences,
    windows: Windows,
    sample: np.ndarray,
    located: Samples,
    timesteps: int,
    burn_in: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets of samples, and which of them count in the loss.

    What does not are padding, steps that a shorter sample lacks, steps without a
    target, and those of a burn-in.

    Args:
        sequences: the targets.
        windows: where the samples are.
        sample: numbers of samples, -1 for padding, of any shape.
        located: where they are; of padding, anything.
        timesteps: time steps of the longest sample.
        burn_in: time steps at the beginning of a sequence that do not count.

    Returns:
        Targets, 0 where there is none, and weights of 1 or 0; each float32 [...,
        predicted], for the last `windows.predicted_steps` steps of the longest sample.
    """
    located = Samples(*(field[..., None] for field in located))
    # the same of every sequence, so that no chunk looks through the whole table
    nth = np.arange(int(windows.length[0] - windows.answered[0]), timesteps)
    step = located.first + np.minimum(nth, located.length - 1)
    sequence = np.broadcast_to(located.sequence, step.shape)
    target = targets_at(sequences, sequence, step)
    known = present(target)
    counts = known & (nth < located.length) & (sample >= 0)[..., None]
    if burn_in:
        counts &= step >= windows.first[located.sequence] + burn_in
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
