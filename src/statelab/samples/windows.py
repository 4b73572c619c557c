"""Layouts: how sequences are cut into samples.

A *sample* is a stretch of steps of one sequence, what a network is given at a time. An
*answer* is what it is asked for at one step of a sample. Windows overlap, and each is
asked at its last step; whole sequences and segments do not, and are asked at each step.
Samples and answers are numbered in reading order. Nothing is copied and nothing is
listed: a table of windows says by rule which there are, with a line for each sequence,
however many steps it has.
"""

from typing import Any, NamedTuple

import numpy as np

from statelab.data import sequences
from statelab.data.sequences import LEFT_OUT, SPLITS, Sequences
from statelab.errors import UserError

AT_ONCE = 1 << 16  # answers, where there may be very many


class Windows(NamedTuple):
    """How each sequence is cut into samples, and its split; one line per sequence."""

    samples: np.ndarray  # int64 [sequences + 1]
    # sequence s has the samples samples[s] to samples[s + 1]
    first: np.ndarray  # int64 [sequences]; the flat step where its first sample begins
    stop: np.ndarray  # int64 [sequences]; the flat step after its last
    stride: np.ndarray  # int64 [sequences]; steps from a sample's first to the next's
    length: np.ndarray  # int64 [sequences]; steps of a sample, but `stop` cuts it short
    answers: np.ndarray  # int64 [sequences + 1]
    # sequence s has the answers answers[s] to answers[s + 1]
    answered: np.ndarray  # int64 [sequences]; the last steps of `length`, as many
    split: np.ndarray  # int8 [sequences]; a code of sequences.SPLITS, or LEFT_OUT


class Samples(NamedTuple):
    """Where some samples are, each field of one shape."""

    sequence: np.ndarray  # int64
    first: np.ndarray  # int64; a flat step
    length: np.ndarray  # int64; steps


class PredictionSteps(NamedTuple):
    """Where some answers are asked for, each field of one shape."""

    sample: np.ndarray  # int64
    sequence: np.ndarray  # int64
    step: np.ndarray  # int64; a flat step, the last one that the answer may depend on


class LayoutSizes(NamedTuple):
    """How a layout cuts sequences of given lengths, each field [sequences]."""

    samples: np.ndarray  # how many
    stride: np.ndarray
    length: np.ndarray  # steps of a sample
    answered: np.ndarray  # steps of a sample that are answered, its last ones
    answers: np.ndarray  # of all its samples


def _full(lengths: np.ndarray, **_: int) -> LayoutSizes:
    count = (lengths > 0).astype(lengths.dtype)
    return LayoutSizes(count, lengths, lengths, lengths, lengths)


def _subsampled(
    lengths: np.ndarray, *, window_length: int, stride: int, **_: int
) -> LayoutSizes:
    count = np.maximum((lengths - window_length) // stride + 1, 0)
    each = np.ones_like(lengths)
    return LayoutSizes(count, each * stride, each * window_length, each, count)


def _per_timestep(lengths: np.ndarray, *, segment_length: int, **_: int) -> LayoutSizes:
    segment = np.full_like(lengths, segment_length)
    return LayoutSizes(
        -(-lengths // segment_length), segment, segment, segment, lengths
    )


LAYOUTS = {"full": _full, "subsampled": _subsampled, "per_timestep": _per_timestep}
SIZES = {
    "full": (),
    "subsampled": ("window_length", "stride"),
    "per_timestep": ("segment_length",),
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

    `subsampled` answers at steps 1, 2, 3, 4, 6 and 7; the others at each of the 8.

    Args:
        offsets: where the sequences begin and end, [sequences + 1].
        split: the split of each sequence, [sequences]; handed through.
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
    found = LAYOUTS[layout](
        steps,
        window_length=window_length,
        stride=stride,
        segment_length=segment_length,
    )
    if not found.samples.any():
        raise UserError(
            "`window.window_length` must not be longer than every sequence: the "
            f"longest has {steps.max(initial=0)} steps. "
            f"Received: {window_length}"
        )
    return Windows(
        samples=np.append(0, np.cumsum(found.samples)),
        first=offsets[:-1],
        stop=offsets[1:],
        stride=found.stride,
        length=found.length,
        answers=np.append(0, np.cumsum(found.answers)),
        answered=found.answered,
        split=split,
    )


def rewindow(windows_: Windows, **layout: Any) -> Windows:
    """Cut the same sequences, in the same splits, by another layout.

    Args:
        windows_: the table of windows.
        layout: as in `make_windows`; nothing, for the table as it is.

    Example:
        >>> table = make_windows(np.array([0, 3]), np.zeros(1, np.int8), layout="full")
        >>> rewindow(table, layout="subsampled", window_length=2).samples
        array([0, 2])
    """
    if not layout:
        return windows_
    offsets = np.append(windows_.first, windows_.stop[-1])
    return make_windows(offsets, windows_.split, **layout)


def layout_settings(*, layout: str, **settings: Any) -> dict[str, Any]:
    """Return those of some settings that say how sequences are cut.

    Example:
        >>> layout_settings(layout="per_timestep", segment_length=5, stride=2)
        {'layout': 'per_timestep', 'segment_length': 5}
    """
    return {"layout": layout, **{name: settings[name] for name in SIZES[layout]}}


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


def locate_predictions(windows: Windows, answer: np.ndarray) -> PredictionSteps:
    """Return where some answers are asked for.

    Args:
        windows: the table of windows.
        answer: numbers of answers, of any shape.

    Returns:
        The sample, the sequence and the step of each, in the same shape.

    Example:
        >>> table = make_windows(np.array([0, 5, 8]), np.zeros(2, np.int8),
        ...                      layout="subsampled", window_length=2)
        >>> locate_predictions(table, np.array([3, 4]))
        PredictionSteps(sample=array([3, 4]), sequence=array([0, 1]), \
step=array([4, 6]))
    """
    sequence = np.searchsorted(windows.answers, answer, side="right") - 1
    nth = answer - windows.answers[sequence]
    sample, within = np.divmod(nth, windows.answered[sequence])
    skipped = windows.length[sequence] - windows.answered[sequence]
    step = sample * windows.stride[sequence] + skipped + within
    return PredictionSteps(
        windows.samples[sequence] + sample, sequence, windows.first[sequence] + step
    )


def first_predictions(windows: Windows, sample: np.ndarray) -> np.ndarray:
    """Return the first answer of each of some samples; its others follow."""
    sequence = np.searchsorted(windows.samples, sample, side="right") - 1
    nth = sample - windows.samples[sequence]
    return windows.answers[sequence] + nth * windows.answered[sequence]


def per_prediction(windows: Windows, values: np.ndarray) -> np.ndarray:
    """Repeat a value of each sample for each of its answers.

    Args:
        windows: the table of windows.
        values: one for each sample, [samples].

    Returns:
        One for each answer, [answers].

    Example:
        >>> table = make_windows(np.array([0, 3]), np.zeros(1, np.int8),
        ...                      layout="per_timestep", segment_length=2)
        >>> per_prediction(table, np.array([7, 9]))
        array([7, 7, 9])
    """
    if len(values) == windows.answers[-1]:
        return values
    at = locate_samples(windows, np.arange(len(values)))
    return np.repeat(values, np.minimum(at.length, windows.answered[at.sequence]))


def predicted_steps(windows: Windows) -> int:
    """Return how many of the last steps of the longest sample are answered."""
    some = np.diff(windows.samples) > 0
    return min(int(windows.answered[some].max()), sample_lengths(windows)[1])


def sample_lengths(windows: Windows) -> tuple[int, int]:
    """Return the steps of the shortest sample and of the longest one."""
    some = np.diff(windows.samples) > 0
    begins, ends = windows.samples[:-1][some], windows.samples[1:][some] - 1
    shortest = locate_samples(
        windows, ends
    ).length.min()  # only a last one is cut short
    return int(shortest), int(locate_samples(windows, begins).length.max())


def sequences_in_split(windows: Windows, code: int) -> np.ndarray:
    """Return the sequences of one split that have samples, int64."""
    return np.flatnonzero((windows.split == code) & (np.diff(windows.samples) > 0))


def predictions_of(windows: Windows, sequence: np.ndarray) -> np.ndarray:
    """Return the answers of some sequences, one sequence after another, int64."""
    begin = windows.answers[sequence]
    count = windows.answers[sequence + 1] - begin
    return np.arange(count.sum()) + np.repeat(begin - (np.cumsum(count) - count), count)


def with_targets(
    data: Sequences, windows: Windows, answer: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return those of some answers that have a target, and the targets."""
    at = locate_predictions(windows, answer)
    target = sequences.targets_at(data, at.sequence, at.step)
    known = sequences.present(target)
    return answer[known], target[known]


def dropped_notes(windows: Windows) -> list[str]:
    """Say which sequences are not used as the others are.

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
    told = {
        "sequences, or parts of them, that are shorter than a window of "
        f"{windows.length[0]} steps, and have no sample": (short.sum(), some.sum()),
        "sequences too short to be cut in time, which train whole": (
            uncut.sum(),
            (windows.split == SPLITS["test"]).sum(),
        ),
    }
    return [f"{note}: {n} of {of}" for note, (n, of) in told.items() if n]


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
        # A target is soon found, or there is none: sequences are looked at in turn.
        if not any(has_a_target(data, windows, each) for each in chosen):
            raise UserError(
                f"`window.test_size` and `window.validation_size`: {name} must have a "
                f"target. Received: none in {len(chosen)} sequences"
            )
    return windows


def has_a_target(
    data: Sequences, windows: Windows, sequence: int, burn_in: int = 0
) -> bool:
    """Tell whether a sequence has a target that is asked for, after some steps."""
    begin, end = windows.answers[sequence : sequence + 2].tolist()
    parts = (
        np.arange(first, min(first + AT_ONCE, end))
        for first in range(begin, end, AT_ONCE)
    )
    known = (with_targets(data, windows, part)[0] for part in parts)
    late = windows.first[sequence] + burn_in
    return any((locate_predictions(windows, part).step >= late).any() for part in known)
