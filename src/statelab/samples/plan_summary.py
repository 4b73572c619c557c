"""What settings mean, before anything is trained: a plan in numbers, and drawn."""

import string
from typing import NamedTuple

import numpy as np

from statelab.config.settings import AnyTrainSettings
from statelab.config.values import Reset
from statelab.data.sequences import SPLITS, Sequences
from statelab.formatting import in_steps
from statelab.samples import chunks, plans
from statelab.samples.plans import Plan
from statelab.samples.windows import (
    Windows,
    locate_samples,
    predicted_steps,
    sample_lengths,
    sequences_in_split,
)


class PlanSummary(NamedTuple):
    """One pass over the train split."""

    sequences: int
    samples: int
    burn_in: int  # samples that stretches read for their state alone
    predictions: int
    timesteps: tuple[int, int]  # of the shortest sample, and of the longest
    lanes: int
    batches: int
    updates: int  # batches in which something counts
    labelled_steps: int  # predictions that count in the loss
    padding: float  # the share of the time steps of all batches that are of no sample


def summarize(
    sequences: Sequences, windows: Windows, plan: Plan, burn_in: int = 0
) -> PlanSummary:
    """Count samples, updates and padding of one pass over a plan.

    Args:
        sequences: for the targets: a prediction without one does not count.
        windows: the table that the plan is of.
        plan: a pass over some samples.
        burn_in: as in `chunks.targets_of_samples`.
    """
    timesteps = sample_lengths(windows)[1]
    samples, burn_ins, steps, counted, updates = 0, 0, 0, 0, 0
    size = max(plans.MAX_CELLS // (plan.lanes * predicted_steps(windows)), 1)
    for start in range(0, plan.batches, size):
        stop = min(start + size, plan.batches)
        sample, _, counts = plans.expand(plan, start, stop)
        at = locate_samples(windows, np.maximum(sample, 0))
        _, weight = chunks.targets_of_samples(
            sequences, windows, sample, at, timesteps, burn_in
        )
        weight *= counts[..., None]
        samples += int(counts.sum())
        burn_ins += int((sample >= 0).sum() - counts.sum())
        steps += int(at.length[sample >= 0].sum())
        counted += int(weight.sum())
        updates += int(weight.any(axis=(1, 2)).sum())
    train = sequences_in_split(windows, SPLITS["train"])
    predictions = int(np.diff(windows.answers)[train].sum())
    return PlanSummary(
        sequences=len(train),
        samples=samples,
        burn_in=burn_ins,
        predictions=predictions,
        timesteps=sample_lengths(windows),
        lanes=plan.lanes,
        batches=plan.batches,
        updates=updates,
        labelled_steps=counted,
        padding=1 - steps / (plan.batches * plan.lanes * timesteps),
    )


def in_words(summary: PlanSummary, training: AnyTrainSettings) -> dict[str, str]:
    """Describe a plan in words.

    Args:
        summary: by `summarize`.
        training: the settings of the training.

    Returns:
        A text for each quantity. Three lengths that are often confused are among them:
        the update interval, the gradient window and the reset interval.
    """
    shortest, longest = summary.timesteps
    sample = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    gradient_window = training.gradient_window or longest
    burn_in = f", and {summary.burn_in:,} read as burn-in" if summary.burn_in else ""
    return {
        "sequences": f"{summary.sequences:,}",
        "samples": f"{summary.samples:,}{burn_in}",
        "steps of a sample": sample,
        "lanes": f"{summary.lanes:,}",
        "batches": f"{summary.batches:,}",
        "updates": f"{summary.updates:,}",
        "padding": f"{summary.padding:.1%}",
        "predictions": f"{summary.predictions:,}",
        "predictions that count in the loss": (
            f"{summary.labelled_steps / summary.predictions:.1%}"
        ),
        "the gradient reaches back": f"{in_steps(gradient_window)} at most",
        "state is zero at each": _reset(training.reset),
    }


def _reset(reset: Reset) -> str:
    if reset.every is not None:
        return f"sequence, and every {in_steps(reset.every)}"
    return "epoch" if reset == "never" else reset


class Places(NamedTuple):
    """The samples in the first lanes of the first batches of a plan."""

    sequence: np.ndarray  # int64 [batches, lanes]; -1 for padding
    reset: np.ndarray  # bool [batches, lanes]; state is zero before the sample
    length: np.ndarray  # int64 [batches, lanes]; steps of the sample; 0 for padding
    counts: np.ndarray  # bool [batches, lanes]; False for burn-in and padding


def places(windows: Windows, plan: Plan, *, lanes: int, batches: int) -> Places:
    """Return the samples in the first lanes of the first batches.

    Args:
        windows: the table that the plan is of.
        plan: a pass over some samples.
        lanes, batches: how many at most.

    Returns:
        Their samples; sequences are numbered as they appear, in all lanes.
    """
    sample, reset, counts = plans.expand(plan, 0, min(batches, plan.batches))
    at = locate_samples(windows, np.maximum(sample, 0))
    used = sample >= 0
    first_seen = list(dict.fromkeys(at.sequence[used]))
    number = {index: nth for nth, index in enumerate(first_seen)}
    sequence = np.full(sample.shape, -1)
    sequence[used] = [number[index] for index in at.sequence[used]]
    fields = sequence, reset & used, np.where(used, at.length, 0), counts
    return Places(*(field[:, :lanes] for field in fields))


def drawing(windows: Windows, plan: Plan, *, lanes: int, batches: int) -> list[str]:
    """Draw the first lanes of the first batches, a line for each lane.

    Args:
        windows, plan, lanes, batches: as in `places`.

    Returns:
        Lines of a character for each batch: a letter for each sequence, a capital where
        state is zero before the sample, `.` for burn-in and `-` for padding.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 3, 5]), np.zeros(2, np.int8),
        ...     layout="per_timestep")
        >>> plan = plans.make_plan(table, np.arange(2), stateful=True, batch_size=2)
        >>> drawing(table, plan, lanes=2, batches=80)
        ['Aaa', 'Bb-']

        A single sequence of 8 samples, in stretches:

        >>> table = make_windows(np.array([0, 8]), np.zeros(1, np.int8),
        ...     layout="per_timestep")
        >>> plan = plans.make_plan(table, np.arange(1), stateful=True, batch_size=3,
        ...     stretch_burn_in=1)
        >>> drawing(table, plan, lanes=3, batches=80)
        ['Aa--', '.aaa', '.aaa']
    """
    drawn = places(windows, plan, lanes=lanes, batches=batches)
    lines = []
    lanes_drawn = zip(drawn.sequence.T, drawn.reset.T, drawn.counts.T, strict=True)
    for sequence, reset, counts in lanes_drawn:
        letters = [string.ascii_lowercase[nth % 26] for nth in sequence]
        cased = np.where(reset, np.char.upper(letters), letters)
        blank = np.where(sequence < 0, "-", ".")
        lines.append("".join(np.where(counts, cased, blank)))
    return lines
