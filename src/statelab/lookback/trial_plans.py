"""What a trial reads: its windows or segments, and the plans of its batches."""

import numpy as np

from statelab.config.values import Reset
from statelab.data.sequences import SPLITS, Sequences
from statelab.lookback.outcomes import Trial
from statelab.samples import plans
from statelab.samples.plans import Plan
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    rewindow,
    sequences_in_split,
    with_targets,
)

SHORTEST = 8  # steps that windows are padded to, at least


def cut(windows: Windows, trial: Trial) -> Windows:
    """Cut sequences into the windows of a trial; with carried state, into segments."""
    if trial.carries_state:
        return rewindow(
            windows, layout="per_timestep", segment_length=trial.window_length
        )
    return rewindow(
        windows,
        layout="subsampled",
        window_length=trial.window_length,
        stride=trial.stride,
    )


def ending_at(step: np.ndarray, window_length: int) -> Windows:
    """Return the table of the windows that end at some flat steps."""
    one, counted = np.ones_like(step), np.arange(len(step) + 1)
    return Windows(
        samples=counted,
        first=step - (window_length - 1),
        stop=step + 1,
        stride=one,
        length=one * window_length,
        answers=counted,
        answered=one,
        split=np.zeros(len(step), np.int8),
    )


def training_plan(
    sequences: Sequences,
    table: Windows,
    trial: Trial,
    *,
    batch_size: int,
    updates: int,
    rng: np.random.Generator,
) -> Plan:
    """Return a plan of batches to train on, for at least so many updates.

    All networks of a trial follow it, so that it is read once for all of them.

    Args:
        sequences: a sample without a target is left out.
        table: cut as the trial is.
        trial: decides whether state is carried.
        batch_size: lanes of a batch.
        updates: of each network.
        rng: shuffles windows, or with carried state whole sequences, for each epoch.

    Returns:
        The plan, which has no batches where no sample has a target.
    """
    train = sequences_in_split(table, SPLITS["train"])
    known, _ = with_targets(sequences, table, predictions_of(table, train))
    if trial.carries_state:
        samples = len(np.unique(locate_predictions(table, known).sample))
        lanes = min(batch_size, len(train))
        # lanes do not end together; without a target there is nothing to train on
        epochs = -(-updates * lanes // samples) + 1 if samples else 0
        order = [train[:0], *(rng.permutation(train) for _ in range(epochs))]
        return plans.make_plan(
            table,
            np.concatenate(order),
            batch_size=lanes,
            stateful=True,
            reset=reset_of(trial),
        )
    # a window has one prediction, so that its number is that of the window
    epochs = -(-updates * batch_size // max(len(known), 1))
    order = np.concatenate([rng.permutation(known) for _ in range(epochs)])
    return Plan(
        first_sample=np.zeros(1, int),
        begin=np.array([0, int(table.samples[-1])]),
        interval=np.ones(1, int),
        burn_in=np.zeros(1, int),
        order=order[: updates * batch_size],
        batches=updates if len(known) else 0,
        lanes=batch_size,
        lane_by_lane=False,
    )


def reset_of(trial: Trial) -> Reset:
    """Return where a trial resets state, in whole segments.

    Example:
        >>> reset_of(Trial(4, 4, None, "every_6", 10, 0.01))
        'every_8'
    """
    reset = Reset(trial.reset)
    if reset.every is None:
        return reset
    segments = -(-reset.every // trial.window_length)
    return Reset(f"every_{segments * trial.window_length}")


def padded_length(trial: Trial) -> int | None:
    """Return how many steps a window is padded to; None for segments, which are not.

    Windows of 8, 16, 32 … steps share a compiled program: how long they are is data.
    """
    if trial.carries_state:
        return None
    return max(SHORTEST, 2 ** (trial.window_length - 1).bit_length())
