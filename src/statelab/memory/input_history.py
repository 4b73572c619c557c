"""What a network has read when it predicts: its inputs since its state was zero.

Of segments, each time step is read once; of windows that overlap, a time step is read
as often as they hold it. The *lag* of an input is how many time steps before the
predicted one it is.
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

MOST_INPUTS = 512  # of a prediction, the last ones; state is taken to be zero before
SINGLE_LAGS = 64  # that have a bin of their own; farther ones share one
GROWTH = 1.1  # of such a bin: where it ends, to where it begins


class InputHistory(NamedTuple):
    """The inputs of some predictions, in the order in which they are read."""

    step: np.ndarray  # int64 [predictions, inputs]; flat; after `length` the last again
    length: np.ndarray  # int64 [predictions]; inputs of each

    @property
    def lag(self) -> np.ndarray:
        """Time steps from each input to the last one, int64 [predictions, inputs]."""
        return self.step[:, -1:] - self.step

    @property
    def valid(self) -> np.ndarray:
        """Which of the inputs there are, bool [predictions, inputs]."""
        return np.arange(self.step.shape[1]) < self.length[:, None]


def inputs_of(
    windows: Windows, prediction: np.ndarray, *, stateful: bool, reset: str = "sequence"
) -> InputHistory:
    """Return what some predictions are made from, at most their last `MOST_INPUTS`.

    Args:
        windows: how sequences are cut into samples.
        prediction: numbers of predictions, [predictions].
        stateful: state is carried from a sample to the next of its sequence.
        reset: as in `plans.make_plan`; `never` is taken for `sequence`.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 5]), np.zeros(1, np.int8),
        ...                         layout="subsampled", window_length=3, stride=1)
        >>> inputs_of(table, np.array([2]), stateful=False).step
        array([[2, 3, 4]])
        >>> inputs_of(table, np.array([2]), stateful=True).step
        array([[0, 1, 2, 1, 2, 3, 2, 3, 4]])
    """
    at = locate_predictions(windows, prediction)
    first, before = _since_reset(windows, at, stateful=stateful, reset=reset)
    stride, timesteps = windows.stride[at.sequence], windows.length[at.sequence]
    count = before * timesteps + 1 + at.step - (first + before * stride)
    length = np.minimum(count, MOST_INPUTS)
    nth = np.minimum(np.arange(length.max()), length[:, None] - 1)
    nth += (count - length)[:, None]
    sample, within = np.divmod(nth, timesteps[:, None])
    return InputHistory(first[:, None] + sample * stride[:, None] + within, length)


def with_burn_in(
    windows: Windows, prediction: np.ndarray, *, burn_in: int, reset: str = "sequence"
) -> InputHistory:
    """Return the inputs where state is zero some time steps before each sample.

    Args:
        windows, prediction, reset: as in `inputs_of`, stateful.
        burn_in: time steps before each sample that are read first, where there are as
            many since carried state would have been zero.

    Example:
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 5]), np.zeros(1, np.int8),
        ...                         layout="per_timestep", segment_length=2)
        >>> with_burn_in(table, np.array([3, 4]), burn_in=1).step
        array([[1, 2, 3],
               [3, 4, 4]])
    """
    at = locate_predictions(windows, prediction)
    first, _ = _since_reset(windows, at, stateful=True, reset=reset)
    begin = np.maximum(locate_samples(windows, at.sample).first - burn_in, first)
    length = np.minimum(at.step + 1 - begin, MOST_INPUTS)
    nth = np.minimum(np.arange(length.max()), length[:, None] - 1)
    return InputHistory((at.step + 1 - length)[:, None] + nth, length)


def concatenate(histories: Sequence[InputHistory]) -> InputHistory:
    """Put the inputs of some predictions after those of others."""
    width = max(history.step.shape[1] for history in histories)
    steps = [
        np.pad(step, ((0, 0), (0, width - step.shape[1])), mode="edge")
        for step, _ in histories
    ]
    lengths = [history.length for history in histories]
    return InputHistory(np.concatenate(steps), np.concatenate(lengths))


def longest_burn_in(windows: Windows, prediction: np.ndarray, *, reset: str) -> int:
    """Return how many time steps at most lie before a sample since state was zero."""
    at = locate_predictions(windows, prediction)
    first, _ = _since_reset(windows, at, stateful=True, reset=reset)
    return int((locate_samples(windows, at.sample).first - first).max())


def _since_reset(
    windows: Windows, at: PredictionSteps, *, stateful: bool, reset: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return where state was zero, and how many samples lie between."""
    stride = windows.stride[at.sequence]
    carried = "sequence" if reset == "never" else reset
    rule = Reset(carried if stateful else "sample")
    interval = plans.samples_between_resets(rule, stride)
    assert interval is not None  # as it is for `never` alone
    nth = at.sample - windows.samples[at.sequence]
    before = nth % interval
    return windows.first[at.sequence] + (nth - before) * stride, before


def replacement_steps(
    windows: Windows,
    sequence: np.ndarray,
    history: InputHistory,
    among: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw for each input a time step of another sequence, to put in its place.

    It is the time step that is as far from the beginning of another sequence, drawn for
    each prediction among those that are long enough: so it is a value that may occur
    there. Where no other sequence is long enough, it is any time step of any sequence.

    Args:
        windows: where the sequences are.
        sequence: of each prediction, [predictions].
        history: of each prediction.
        among: the sequences to draw from.
        rng: draws.

    Returns:
        Flat time steps, int64 [predictions, inputs].
    """
    first, steps = windows.first[among], (windows.stop - windows.first)[among]
    by_length = np.argsort(steps, kind="stable")
    rank = np.empty(len(among), int)
    rank[by_length] = np.arange(len(among))
    own = rank[np.searchsorted(among, sequence)]  # `among` is in ascending order
    position = history.step - windows.first[sequence][:, None]
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


def lag_bins(longest: int) -> np.ndarray:
    """Put lags from 0 on into bins: single ones, and from `SINGLE_LAGS` on wider ones.

    Args:
        longest: the largest lag.

    Returns:
        Where the bins begin, and the lag after the last, int64 [bins + 1].

    Example:
        >>> lag_bins(2), lag_bins(300)[-4:]
        (array([0, 1, 2, 3]), array([234, 257, 282, 301]))
    """
    edges = list(range(min(longest, SINGLE_LAGS) + 1))
    while edges[-1] <= longest:
        edges.append(max(int(GROWTH * edges[-1]), edges[-1] + 1))
    edges[-1] = longest + 1
    return np.array(edges)
