"""How many inputs may be read to measure memory: no more than training has read."""

from collections.abc import Iterable
from typing import Any

from statelab.memory.input_history import InputHistory, lag_bins
from statelab.samples.windows import Windows, rewindow, sample_lengths

FEWEST, MOST = 100, 2000  # predictions of the test split that are measured
BUDGET = 1 << 24  # inputs of all networks and lags; above it, fewer predictions
ALWAYS = 1 << 22  # inputs that are read however little training has: some seconds


def inputs_of_each(history: InputHistory, seeds: int) -> int:
    """Return how many inputs are read for each prediction: all once for each bin.

    Args:
        history: of the predictions.
        seeds: networks.
    """
    bins = len(lag_bins(int(history.lag.max()))) - 1
    return bins * history.step.shape[1] * seeds


def predictions_to_read(
    history: InputHistory, seeds: int, most: int | None = None
) -> int:
    """Return how many predictions are measured; 0 for none.

    Args:
        history: of the predictions that may be, `MOST` at most.
        seeds: networks.
        most: inputs that training has read. If the `FEWEST` need more, and more than
            `ALWAYS` are read, none is measured.

    Example:
        Networks read 300 steps for each of 100 predictions, once for each of 81 bins of
        lags: 2,430,000 steps for one network, 4,860,000 for two.

        >>> import numpy as np
        >>> step = np.arange(30_000).reshape(100, 300)
        >>> history = InputHistory(step, np.full(100, 300))
        >>> [predictions_to_read(history, seeds, most=10**6) for seeds in (1, 2)]
        [100, 0]
    """
    each, available = inputs_of_each(history, seeds), len(history.step)
    limit = BUDGET
    if most is not None:
        most = max(most, ALWAYS)
        if each * min(FEWEST, available) > most:
            return 0
        limit = min(BUDGET, most)
    return min(max(limit // each, FEWEST), available)


def trained_inputs(
    variants: Iterable[dict[str, Any]], windows: Windows, seeds: int
) -> int:
    """Return how many time steps all networks of some trainings have read, at most.

    Args:
        variants: that were trained, as `io.predictions.descriptions` returns them.
        windows: as they are in use.
        seeds: networks of each.

    Example:
        Two networks, 5 updates each with 3 samples of 4 steps:

        >>> import numpy as np
        >>> from statelab.samples.windows import make_windows
        >>> table = make_windows(np.array([0, 8]), np.zeros(1, np.int8), layout="full")
        >>> fours = {"layout": "per_timestep", "segment_length": 4}
        >>> trained_inputs([{"updates": 5, "batch_size": 3, "layout": fours}], table, 2)
        120
    """
    return seeds * sum(
        one["updates"]
        * one["batch_size"]
        * sample_lengths(rewindow(windows, **one["layout"]))[1]
        for one in variants
    )


def too_costly(most: int) -> str:
    """Say why memory is not measured.

    Args:
        most: inputs that may be read.
    """
    return (
        f"it would read more than the {most:,} time steps that all trainings have "
        "read. More epochs, or shorter sequences, make it worth while"
    )
