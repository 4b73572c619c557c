"""The evaluation set of a lookback search: steps of validation that all trials predict.

No TensorFlow is imported here, so that a search is checked in a second.
"""

from typing import NamedTuple

import numpy as np

from statelab.config.settings import Params, SearchSettings
from statelab.data.sequences import SPLITS, Sequences, present
from statelab.errors import UserError
from statelab.samples import splitting
from statelab.samples.windows import Windows

LONGEST = 128  # steps of the longest window, unless `search.high` is set


class EvaluationSet(NamedTuple):
    """The data of a search, and where its trials are scored."""

    sequences: Sequences  # with a target for each step
    windows: Windows  # the sequences, and their split
    longest_window: int  # steps
    scored_steps: np.ndarray  # int64 [predictions]; flat steps of validation


def build(
    sequences: Sequences,
    params: Params,
    search: SearchSettings,
    given: np.ndarray | None = None,
) -> EvaluationSet:
    """Split sequences, and choose the steps of validation that are scored.

    Args:
        sequences: what is searched.
        params: of params.yaml.
        search: of search/params.yaml.
        given: the split of each sequence, as in `splitting.split_and_window`.

    Raises:
        UserError: a split, or the longest window, leaves nothing to train or score on.
    """
    sequences = with_targets_per_step(sequences)
    windows = split(sequences, params, search, given)
    longest = longest_window(windows, search.high, search.low)
    rng = np.random.default_rng((params.seed, 6))
    steps = choose_steps(sequences, windows, longest, search.scored_steps, rng)
    return EvaluationSet(sequences, windows, longest, steps)


def with_targets_per_step(sequences: Sequences) -> Sequences:
    """Repeat the target of a sequence for each of its steps, where it has only one."""
    if len(sequences.targets) == len(sequences.values):
        return sequences
    targets = np.repeat(sequences.targets, np.diff(sequences.offsets))
    return sequences._replace(targets=targets)


def split(
    sequences: Sequences,
    params: Params,
    search: SearchSettings,
    given: np.ndarray | None = None,
) -> Windows:
    """Split sequences as the pipeline does, but always with a validation split."""
    size = params.window.validation_size or search.validation_size
    window = params.window.model_copy(
        update={"layout": "full", "validation_size": size}
    )
    windows = splitting.split_and_window(
        sequences,
        window,
        seed=params.seed,
        horizon=params.generate.horizon,
        given=given,
    )
    if not (windows.split == SPLITS["validation"]).any():
        raise UserError(
            "`window.split` must leave a sequence to choose windows on, which is one "
            f"to validate on. Received: {window.split}"
        )
    return windows


def longest_window(windows: Windows, high: int | None, low: int) -> int:
    """Return the longest window that is searched.

    Args:
        windows: the sequences, and their split.
        high: `search.high`; None for as many steps as half of the sequences to validate
            on have, at most 128.
        low: the shortest window.

    Raises:
        UserError: no sequence is as long.
    """
    steps = windows.stop - windows.first
    train, validation = (
        steps[windows.split == SPLITS[name]] for name in ("train", "validation")
    )
    most = int(min(train.max(), validation.max()))
    if high is None:
        high = int(min(LONGEST, most, np.median(validation[validation > 0])))
    if high > most:
        raise UserError(
            "search/params.yaml: `search.high` must not be longer than every sequence; "
            f"to train and to validate on these have up to {most} steps. "
            f"Received: {high}"
        )
    if low > high:
        raise UserError(
            f"search/params.yaml: `search.low` must not be above {high}, the longest "
            f"window. Received: {low}"
        )
    return high


def choose_steps(
    sequences: Sequences,
    windows: Windows,
    longest: int,
    most: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the steps of validation that windows of every length can predict.

    Args:
        sequences: with a target for each step.
        windows: their split.
        longest: steps of the longest window.
        most: steps at most; of more, as many are drawn.
        rng: draws them.

    Returns:
        Flat steps in order, int64.

    Raises:
        UserError: there is none.

    Example:
        >>> data = Sequences(np.zeros((8, 1)), np.array([0, 3, 8]), np.arange(8.0))
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(data.offsets, np.array([0, 1]), layout="full")
        >>> rng = np.random.default_rng(0)
        >>> choose_steps(data, table, longest=4, most=9, rng=rng)
        array([6, 7])
    """
    chosen = windows.split == SPLITS["validation"]
    steps = np.concatenate(
        [
            np.arange(first + longest - 1, stop)
            for first, stop in zip(
                windows.first[chosen], windows.stop[chosen], strict=True
            )
        ]
    )
    steps = steps[present(sequences.targets[steps])]
    if not len(steps):
        raise UserError(
            "search/params.yaml: `search.high` must leave a step of validation with a "
            f"target that every window can predict. Received: {longest}"
        )
    if len(steps) > most:
        steps = np.sort(rng.choice(steps, most, replace=False))
    return steps
