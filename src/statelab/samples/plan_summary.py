"""What settings mean, before anything is trained: a plan in figures, and drawn."""

import string
from typing import NamedTuple

import numpy as np

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


class Figures(NamedTuple):
    """One pass over the train split."""

    sequences: int
    samples: int
    answers: int
    timesteps: tuple[int, int]  # of the shortest sample, and of the longest
    lanes: int
    batches: int
    updates: int  # batches in which something counts
    padding: float  # the share of the steps of all batches that hold none of a sample
    counted: float  # the share of answers that count in the loss


def training_plan(
    windows: Windows,
    *,
    stateful: bool,
    batch_size: int,
    reset: str = "sequence",
    batching: str = "aligned",
    **_: object,
) -> Plan:
    """Return the plan of the train split in reading order, by settings of params.yaml.

    Args:
        windows: the table of windows.
        stateful, batch_size, reset, batching: as in `plans.make_plan`.
    """
    return plans.make_plan(
        windows,
        sequences_in_split(windows, SPLITS["train"]),
        batch_size=batch_size,
        stateful=stateful,
        reset=reset,
        batching=batching,
    )


def figures(
    sequences: Sequences, windows: Windows, plan: Plan, *, burn_in: int = 0, **_: object
) -> Figures:
    """Count what one pass over a plan does.

    Args:
        sequences: for the targets: an answer without one does not count.
        windows: what the plan is of.
        plan: a pass over some samples.
        burn_in: as in `chunks.wanted`.
    """
    timesteps = sample_lengths(windows)[1]
    samples, steps, counted, updates = 0, 0, 0, 0
    size = max(plans.MAX_CELLS // (plan.lanes * predicted_steps(windows)), 1)
    for start in range(0, plan.batches, size):
        now = plans.expand(plan, start, min(start + size, plan.batches))
        at = locate_samples(windows, np.maximum(now.sample, 0))
        wanted = chunks.wanted(sequences, windows, now.sample, at, timesteps, burn_in)
        counts = wanted[1]
        samples += int((now.sample >= 0).sum())
        steps += int(at.length[now.sample >= 0].sum())
        counted += int(counts.sum())
        updates += int(counts.any(axis=(1, 2)).sum())
    train = sequences_in_split(windows, SPLITS["train"])
    answers = int(np.diff(windows.answers)[train].sum())
    return Figures(
        sequences=int((plan.first_sample >= 0).sum()),
        samples=samples,
        answers=answers,
        timesteps=sample_lengths(windows),
        lanes=plan.lanes,
        batches=plan.batches,
        updates=updates,
        padding=1 - steps / (plan.batches * plan.lanes * timesteps),
        counted=counted / answers,
    )


def in_words(
    counted: Figures,
    *,
    stateful: bool,
    reset: str = "sequence",
    gradient_window: int | None = None,
    **_: object,
) -> dict[str, str]:
    """Say what figures mean, the three lengths that are always confused among them.

    Args:
        counted: by `figures`.
        stateful, reset, gradient_window: of the training.

    Returns:
        What is told, and how it is: of the update interval, the gradient window and the
        reset interval, too.
    """
    shortest, longest = counted.timesteps
    sample = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    reach = gradient_window or longest
    return {
        "sequences": f"{counted.sequences:,}",
        "samples": f"{counted.samples:,}",
        "steps of a sample": sample,
        "lanes": f"{counted.lanes:,}",
        "batches": f"{counted.batches:,}",
        "updates": f"{counted.updates:,}",
        "padding": f"{counted.padding:.1%}",
        "answers": f"{counted.answers:,}",
        "answers that count": f"{counted.counted:.1%}",
        "the gradient reaches back": f"{in_steps(reach)} at most",
        "state is zero at each": _reset(reset) if stateful else "sample",
    }


def _reset(reset: str) -> str:
    if reset.startswith("every_"):
        return f"sequence, and every {reset.removeprefix('every_')} steps"
    return {"sequence": "sequence", "never": "epoch"}[reset]


class Places(NamedTuple):
    """The first lanes of the first batches of a plan, and what stands in them."""

    sequence: np.ndarray  # int64 [batches, lanes]; -1 for padding
    reset: np.ndarray  # bool [batches, lanes]; state is zero before the sample
    length: np.ndarray  # int64 [batches, lanes]; steps of the sample; 0 for padding


def places(windows: Windows, plan: Plan, *, lanes: int, batches: int) -> Places:
    """Write the first lanes of the first batches out.

    Args:
        windows: what the plan is of.
        plan: a pass over some samples.
        lanes, batches: how many at most.

    Returns:
        Their samples; sequences are numbered as they appear, in all lanes.
    """
    now = plans.expand(plan, 0, min(batches, plan.batches))
    at = locate_samples(windows, np.maximum(now.sample, 0))
    used = now.sample >= 0
    order = {each: nth for nth, each in enumerate(dict.fromkeys(at.sequence[used]))}
    sequence = np.full(now.sample.shape, -1)
    sequence[used] = [order[each] for each in at.sequence[used]]
    shown = sequence, now.reset & used, np.where(used, at.length, 0)
    return Places(*(field[:, :lanes] for field in shown))


def drawing(windows: Windows, plan: Plan, *, lanes: int, batches: int) -> list[str]:
    """Draw what stands in the first lanes of the first batches, a line for each lane.

    Args:
        windows, plan, lanes, batches: as in `places`.

    Returns:
        Lines of a character for each batch: a letter for each sequence, a capital where
        state is zero before the sample, and `-` for padding.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 3, 5]), np.zeros(2, np.int8),
        ...     layout="per_timestep", window_length=1, stride=1, segment_length=1)
        >>> plan = training_plan(table, stateful=True, batch_size=2)
        >>> drawing(table, plan, lanes=2, batches=80)
        ['Aaa', 'Bb-']
    """
    shown = places(windows, plan, lanes=lanes, batches=batches)
    lines = []
    for sequence, reset in zip(shown.sequence.T, shown.reset.T, strict=True):
        letters = [string.ascii_lowercase[nth % 26] for nth in sequence]
        drawn = np.where(reset, np.char.upper(letters), letters)
        lines.append("".join(np.where(sequence < 0, "-", drawn)))
    return lines
