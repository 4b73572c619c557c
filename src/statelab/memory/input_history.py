"""Histories: the steps that a network has read when it answers, and at which lag.

A *read* is a step that a network is given. An answer's reads are those since its state
was zero: of segments each step once, of windows that overlap a step as often as they
hold it. The *lag* of a read is how many steps before the answered one it is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from statelab.config.values import Reset
from statelab.samples import plans
from statelab.samples.windows import (
    PredictionSteps,
    Windows,
    locate_predictions,
    locate_samples,
)

READS = 512  # of an answer, the last ones; state is taken to be zero before them
SINGLY = 64  # lags that are looked at one by one; farther ones in stretches
GROWTH = 1.1  # of such a stretch: where it ends, to where it begins


class Reads(NamedTuple):
    """What some answers are made of, in the order in which it is read."""

    step: np.ndarray  # int64 [answers, reads]; flat; behind `length` the last again
    length: np.ndarray  # int64 [answers]

    @property
    def lag(self) -> np.ndarray:
        """Steps from each read to the answered step, int64 [answers, reads]."""
        return self.step[:, -1:] - self.step

    @property
    def valid(self) -> np.ndarray:
        """Which of the reads there are, bool [answers, reads]."""
        return np.arange(self.step.shape[1]) < self.length[:, None]


def reads(
    windows: Windows, answer: np.ndarray, *, stateful: bool, reset: str = "sequence"
) -> Reads:
    """Return what some answers are made of, at most their last `READS` reads.

    Args:
        windows: how sequences are cut into samples.
        answer: numbers of answers, [answers].
        stateful: state is carried from a sample to the next of its sequence.
        reset: as in `plans.make_plan`; `never` is taken for `sequence`.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 5]), np.zeros(1, np.int8),
        ...                         layout="subsampled", window_length=3, stride=1)
        >>> reads(table, np.array([2]), stateful=False).step
        array([[2, 3, 4]])
        >>> reads(table, np.array([2]), stateful=True).step
        array([[0, 1, 2, 1, 2, 3, 2, 3, 4]])
    """
    at = locate_predictions(windows, answer)
    first, behind = _since_zero(windows, at, stateful=stateful, reset=reset)
    stride, each = windows.stride[at.sequence], windows.length[at.sequence]
    count = behind * each + 1 + at.step - (first + behind * stride)
    length = np.minimum(count, READS)
    nth = np.minimum(np.arange(length.max()), length[:, None] - 1)
    nth += (count - length)[:, None]
    sample, within = np.divmod(nth, each[:, None])
    return Reads(first[:, None] + sample * stride[:, None] + within, length)


def warmed_up(
    windows: Windows, answer: np.ndarray, *, burn_in: int, reset: str = "sequence"
) -> Reads:
    """Return the reads of answers whose samples begin with zeros, some steps earlier.

    Args:
        windows, answer, reset: as in `reads`, stateful.
        burn_in: steps before each sample that are read first, where there are as many
            since carried state would have been zero.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 5]), np.zeros(1, np.int8),
        ...                         layout="per_timestep", segment_length=2)
        >>> warmed_up(table, np.array([3, 4]), burn_in=1).step
        array([[1, 2, 3],
               [3, 4, 4]])
    """
    at = locate_predictions(windows, answer)
    first, _ = _since_zero(windows, at, stateful=True, reset=reset)
    begin = np.maximum(locate_samples(windows, at.sample).first - burn_in, first)
    length = np.minimum(at.step + 1 - begin, READS)
    nth = np.minimum(np.arange(length.max()), length[:, None] - 1)
    return Reads((at.step + 1 - length)[:, None] + nth, length)


def joined(parts: Sequence[Reads]) -> Reads:
    """Put the reads of some answers after those of others."""
    width = max(each.step.shape[1] for each in parts)
    steps = [
        np.pad(each.step, ((0, 0), (0, width - each.step.shape[1])), mode="edge")
        for each in parts
    ]
    length = np.concatenate([each.length for each in parts])
    return Reads(np.concatenate(steps), length)


def longest_past(windows: Windows, answer: np.ndarray, *, reset: str) -> int:
    """Return how many steps at most lie before a sample since state was zero."""
    at = locate_predictions(windows, answer)
    first, _ = _since_zero(windows, at, stateful=True, reset=reset)
    return int((locate_samples(windows, at.sample).first - first).max())


def _since_zero(
    windows: Windows, at: PredictionSteps, *, stateful: bool, reset: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the step at which state was zero, and the samples read whole since."""
    stride = windows.stride[at.sequence]
    carried = "sequence" if reset == "never" else reset
    rule = Reset(carried if stateful else "sample")
    interval = plans.samples_between_resets(rule, stride)
    assert interval is not None  # as it is for `never` alone
    nth = at.sample - windows.samples[at.sequence]
    behind = nth % interval
    return windows.first[at.sequence] + (nth - behind) * stride, behind


def donors(
    windows: Windows,
    sequence: np.ndarray,
    read: Reads,
    among: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw for each read a step of another sequence, to stand in its place.

    It is the step that is as far from the beginning of another sequence, drawn for each
    answer among those that are long enough: what is put in the place of a step is what
    may stand there. Where no other is, it is any step of any sequence.

    Args:
        windows: where the sequences are.
        sequence: of each answer, [answers].
        read: of each answer.
        among: the sequences to draw from.
        rng: draws.

    Returns:
        Flat steps, int64 [answers, reads].
    """
    first, steps = windows.first[among], (windows.stop - windows.first)[among]
    by_length = np.argsort(steps, kind="stable")
    rank = np.empty(len(among), int)
    rank[by_length] = np.arange(len(among))
    own = rank[np.searchsorted(among, sequence)]  # `among` is in ascending order
    position = read.step - windows.first[sequence][:, None]
    begin = np.searchsorted(steps[by_length], position[:, -1] + 1)
    others = len(among) - begin - 1
    drawn = begin + (rng.random(len(sequence)) * others).astype(int)
    drawn = np.minimum(drawn + (drawn >= own), len(among) - 1)
    elsewhere = first[by_length][drawn][:, None] + position
    ends = np.cumsum(steps)
    anywhere = rng.integers(ends[-1], size=position.shape)
    which = np.searchsorted(ends, anywhere, side="right")
    anywhere += first[which] - (ends - steps)[which]
    return np.where((others > 0)[:, None], elsewhere, anywhere)


def stretches(longest: int) -> np.ndarray:
    """Cut lags from 0 on into stretches: single ones, and from `SINGLY` on longer ones.

    Args:
        longest: the largest lag.

    Returns:
        Where they begin, and the lag after the last, int64 [stretches + 1].

    Example:
        >>> stretches(2), stretches(300)[-4:]
        (array([0, 1, 2, 3]), array([234, 257, 282, 301]))
    """
    edges = list(range(min(longest, SINGLY) + 1))
    while edges[-1] <= longest:
        edges.append(max(int(GROWTH * edges[-1]), edges[-1] + 1))
    edges[-1] = longest + 1
    return np.array(edges)
