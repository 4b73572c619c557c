"""Layouts: how sequences are cut into samples.

A *sample* is a stretch of time steps of one sequence, what a network is given at a
time. A *prediction* is its output at one step of a sample. Windows overlap, and a
network predicts at the last step of each. Whole sequences and segments do not overlap,
and it predicts at each step. Samples and predictions are numbered in reading order.

No sample is copied or listed. A table of windows has one line for each sequence, from
which the place of each sample is computed.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from statelab.data import sequences
from statelab.data.sequences import LEFT_OUT, SPLITS, Sequences
from statelab.errors import UserError

AT_ONCE = 1 << 16  # predictions that are looked at together
LAYOUT_FILE = "layout.json"  # beside the arrays: the settings of `layout_settings`


class Windows(NamedTuple):
    """How each sequence is cut into samples, and its split; one line per sequence."""

    samples: np.ndarray  # int64 [sequences + 1]
    # sequence s has the samples samples[s] to samples[s + 1]
    first: np.ndarray  # int64 [sequences]; the flat step where its first sample begins
    stop: np.ndarray  # int64 [sequences]; the flat step after its last
    stride: np.ndarray  # int64 [sequences]; steps from a sample's first to the next's
    length: np.ndarray  # int64 [sequences]; steps of a sample, but `stop` cuts it short
    answers: np.ndarray  # int64 [sequences + 1]
    # sequence s has the predictions answers[s] to answers[s + 1]
    answered: np.ndarray  # int64 [sequences]
    # predictions of a sample, at the last of its steps
    split: np.ndarray  # int8 [sequences]; a code of sequences.SPLITS, or LEFT_OUT


class Samples(NamedTuple):
    """Where some samples are, each field of one shape."""

    sequence: np.ndarray  # int64
    first: np.ndarray  # int64; a flat step
    length: np.ndarray  # int64; steps


class PredictionSteps(NamedTuple):
    """Where some predictions are made, each field of one shape."""

    sample: np.ndarray  # int64
    sequence: np.ndarray  # int64
    step: np.ndarray  # int64; a flat step, the last that the prediction may depend on


class LayoutSizes(NamedTuple):
    """How a layout cuts sequences of given lengths, each field [sequences]."""

    samples: np.ndarray  # how many
    stride: np.ndarray
    length: np.ndarray  # steps of a sample
    answered: np.ndarray  # predictions of a sample
    answers: np.ndarray  # predictions of all its samples


def _full(lengths: np.ndarray) -> LayoutSizes:
    count = (lengths > 0).astype(lengths.dtype)
    return LayoutSizes(count, lengths, lengths, lengths, lengths)


def _subsampled(lengths: np.ndarray, window_length: int, stride: int) -> LayoutSizes:
    count = np.maximum((lengths - window_length) // stride + 1, 0)
    one = np.ones_like(lengths)
    return LayoutSizes(count, one * stride, one * window_length, one, count)


def _per_timestep(lengths: np.ndarray, segment_length: int) -> LayoutSizes:
    segment = np.full_like(lengths, segment_length)
    return LayoutSizes(
        -(-lengths // segment_length), segment, segment, segment, lengths
    )


class Layout(NamedTuple):
    """A way to cut sequences into samples."""

    cut: Callable[..., LayoutSizes]  # of the sequences' lengths and the sizes below
    sizes: tuple[str, ...]  # the keys of section `window` that it depends on


LAYOUTS = {
    "full": Layout(_full, ()),
    "subsampled": Layout(_subsampled, ("window_length", "stride")),
    "per_timestep": Layout(_per_timestep, ("segment_length",)),
}


def make_windows(
    offsets: np.ndarray,
    split: np.ndarray,
    *,
    layout: str,
    window_length: int = 1,
    stride: int = 1,
    segment_length: int = 1,
) -> Windows:
    """Cut sequences into samples, in reading order.

    With `offsets` [0, 5, 8], a sequence of 5 steps and one of 3:

    | layout | samples as (first, length) |
    | --- | --- |
    | `full` | (0, 5) (5, 3) |
    | `subsampled`, `window_length` 2 | (0, 2) (1, 2) (2, 2) (3, 2) (5, 2) (6, 2) |
    | `per_timestep`, `segment_length` 2 | (0, 2) (2, 2) (4, 1) (5, 2) (7, 1) |

    `subsampled` predicts at steps 1, 2, 3, 4, 6 and 7; the others at each of the 8.

    Args:
        offsets: where the sequences begin and end, [sequences + 1].
        split: the split of each sequence, [sequences].
        layout: a key of `LAYOUTS`.
        window_length: steps of a sample, for `subsampled`.
        stride: steps from one sample's first to the next one's, for `subsampled`.
        segment_length: steps of a sample, for `per_timestep`.

    Returns:
        The table of windows.

    Raises:
        UserError: every sequence is too short for a sample.

    Example:
        >>> table = make_windows(np.array([0, 5]), np.zeros(1, np.int8),
        ...                      layout="subsampled", window_length=2)
        >>> locate_samples(table, np.arange(4)).first
        array([0, 1, 2, 3])
    """
    steps = np.where(split == LEFT_OUT, 0, np.diff(offsets))
    sizes = {
        "window_length": window_length,
        "stride": stride,
        "segment_length": segment_length,
    }
    cut, names = LAYOUTS[layout]
    samples = cut(steps, *(sizes[name] for name in names))
    if not samples.samples.any():
        raise UserError(
            "`window.window_length` must not be longer than every sequence: the "
            f"longest has {steps.max(initial=0)} steps. "
            f"Received: {window_length}"
        )
    return Windows(
        samples=np.append(0, np.cumsum(samples.samples)),
        first=offsets[:-1],
        stop=offsets[1:],
        stride=samples.stride,
        length=samples.length,
        answers=np.append(0, np.cumsum(samples.answers)),
        answered=samples.answered,
        split=split,
    )


def rewindow(
    windows: Windows,
    *,
    layout: str | None = None,
    window_length: int = 1,
    stride: int = 1,
    segment_length: int = 1,
) -> Windows:
    """Cut the same sequences, in the same splits, by another layout.

    Args:
        windows: the table of windows.
        layout: None for the table as it is.
        window_length, stride, segment_length: as in `make_windows`.

    Example:
        >>> table = make_windows(np.array([0, 3]), np.zeros(1, np.int8), layout="full")
        >>> rewindow(table, layout="subsampled", window_length=2).samples
        array([0, 2])
    """
    if layout is None:
        return windows
    return make_windows(
        np.append(windows.first, windows.stop[-1]),
        windows.split,
        layout=layout,
        window_length=window_length,
        stride=stride,
        segment_length=segment_length,
    )


def layout_settings(window: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of section `window` that decide how sequences are cut.

    Example:
        >>> layout_settings({"layout": "full", "segment_length": 5, "stride": 2})
        {'layout': 'full'}
    """
    names = ("layout", *LAYOUTS[window["layout"]].sizes)
    return {name: window[name] for name in names}


def locate_samples(windows: Windows, sample: np.ndarray) -> Samples:
    """Return where some samples are.

    Args:
        windows: the table of windows.
        sample: numbers of samples, of any shape.

    Returns:
        The sequence, first step and length of each, in the same shape.

    Example:
        >>> table = make_windows(np.array([0, 5, 8]), np.zeros(2, np.int8),
        ...                      layout="per_timestep", segment_length=2)
        >>> locate_samples(table, np.array([2, 3]))
        Samples(sequence=array([0, 1]), first=array([4, 5]), length=array([1, 2]))
    """
    sequence = np.searchsorted(windows.samples, sample, side="right") - 1
    nth = sample - windows.samples[sequence]
    first = windows.first[sequence] + nth * windows.stride[sequence]
    length = np.minimum(windows.length[sequence], windows.stop[sequence] - first)
    return Samples(sequence, first, length)


def locate_predictions(windows: Windows, prediction: np.ndarray) -> PredictionSteps:
    """Return where some predictions are made.

    Args:
        windows: the table of windows.
        prediction: numbers of predictions, of any shape.

    Returns:
        The sample, the sequence and the step of each, in the same shape.

    Example:
        >>> table = make_windows(np.array([0, 5, 8]), np.zeros(2, np.int8),
        ...                      layout="subsampled", window_length=2)
        >>> locate_predictions(table, np.array([3, 4]))
        PredictionSteps(sample=array([3, 4]), sequence=array([0, 1]), \
step=array([4, 6]))
    """
    sequence = np.searchsorted(windows.answers, prediction, side="right") - 1
    nth = prediction - windows.answers[sequence]
    sample, within = np.divmod(nth, windows.answered[sequence])
    skipped = windows.length[sequence] - windows.answered[sequence]
    step = sample * windows.stride[sequence] + skipped + within
    return PredictionSteps(
        windows.samples[sequence] + sample, sequence, windows.first[sequence] + step
    )


def first_predictions(windows: Windows, sample: np.ndarray) -> np.ndarray:
    """Return the first prediction of each of some samples; its others follow."""
    sequence = np.searchsorted(windows.samples, sample, side="right") - 1
    nth = sample - windows.samples[sequence]
    return windows.answers[sequence] + nth * windows.answered[sequence]


def per_prediction(windows: Windows, values: np.ndarray) -> np.ndarray:
    """Repeat a value of each sample for each of its predictions.

    Args:
        windows: the table of windows.
        values: one for each sample, [samples].

    Returns:
        One for each prediction, [predictions].

    Example:
        >>> table = make_windows(np.array([0, 3]), np.zeros(1, np.int8),
        ...                      layout="per_timestep", segment_length=2)
        >>> per_prediction(table, np.array([7, 9]))
        array([7, 7, 9])
    """
    if len(values) == windows.answers[-1]:
        return values
    samples = locate_samples(windows, np.arange(len(values)))
    count = np.minimum(samples.length, windows.answered[samples.sequence])
    return np.repeat(values, count)


def predicted_steps(windows: Windows) -> int:
    """Return at how many of its last steps the longest sample has a prediction."""
    some = np.diff(windows.samples) > 0
    return min(int(windows.answered[some].max()), sample_lengths(windows)[1])


def sample_lengths(windows: Windows) -> tuple[int, int]:
    """Return the steps of the shortest sample and of the longest one."""
    some = np.diff(windows.samples) > 0
    begins, ends = windows.samples[:-1][some], windows.samples[1:][some] - 1
    # only the last sample of a sequence is cut short
    shortest = locate_samples(windows, ends).length.min()
    return int(shortest), int(locate_samples(windows, begins).length.max())


def sequences_in_split(windows: Windows, code: int) -> np.ndarray:
    """Return the sequences of one split that have samples, int64."""
    return np.flatnonzero((windows.split == code) & (np.diff(windows.samples) > 0))


def predictions_of(windows: Windows, sequence: np.ndarray) -> np.ndarray:
    """Return the predictions of some sequences, one sequence after another, int64."""
    begin = windows.answers[sequence]
    count = windows.answers[sequence + 1] - begin
    return np.arange(count.sum()) + np.repeat(begin - (np.cumsum(count) - count), count)


def with_targets(
    data: Sequences, windows: Windows, prediction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return those of some predictions that have a target, and the targets."""
    at = locate_predictions(windows, prediction)
    target = sequences.targets_at(data, at.sequence, at.step)
    known = sequences.present(target)
    return prediction[known], target[known]


def dropped_notes(windows: Windows) -> list[str]:
    """Name the sequences that are not used as the others are.

    Example:
        >>> split = np.zeros(3, np.int8)
        >>> table = make_windows(np.array([0, 5, 5, 8]), split, layout="subsampled",
        ...                      window_length=4)
        >>> dropped_notes(table)
        ['sequences, or parts of them, that are shorter than a window of 4 steps, and \
have no sample: 1 of 2']
    """
    some = (windows.stop > windows.first) & (windows.split != LEFT_OUT)
    short = some & (np.diff(windows.samples) == 0)
    uncut = (windows.split == SPLITS["test"]) & (windows.stop == windows.first)
    counts = {
        "sequences, or parts of them, that are shorter than a window of "
        f"{windows.length[0]} steps, and have no sample": (short.sum(), some.sum()),
        "sequences too short to be cut in time, which train whole": (
            uncut.sum(),
            (windows.split == SPLITS["test"]).sum(),
        ),
    }
    return [f"{note}: {n} of {of}" for note, (n, of) in counts.items() if n]


def require_targets(data: Sequences, windows: Windows) -> Windows:
    """Return the table, when each split that has steps has a sample, and a target."""
    for name, code in SPLITS.items():
        steps = (windows.stop - windows.first)[windows.split == code]
        if not steps.any():
            continue
        chosen = sequences_in_split(windows, code)
        if not len(chosen):
            raise UserError(
                f"`window.window_length` must leave a sample in {name}, of which the "
                f"longest sequence has {steps.max()} steps. "
                f"Received: {windows.length[0]}"
            )
        # The first sequence nearly always has a target: they are read in turn.
        if not any(has_a_target(data, windows, sequence) for sequence in chosen):
            raise UserError(
                f"`window.test_size` and `window.validation_size`: {name} must have a "
                f"target. Received: none in {len(chosen)} sequences"
            )
    return windows


def has_a_target(
    data: Sequences, windows: Windows, sequence: int, burn_in: int = 0
) -> bool:
    """Tell whether a sequence has a target to predict, after some first steps."""
    begin, end = windows.answers[sequence : sequence + 2].tolist()
    parts = (
        np.arange(first, min(first + AT_ONCE, end))
        for first in range(begin, end, AT_ONCE)
    )
    known = (with_targets(data, windows, part)[0] for part in parts)
    earliest = windows.first[sequence] + burn_in
    return any(
        (locate_predictions(windows, part).step >= earliest).any() for part in known
    )
