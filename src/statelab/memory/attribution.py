"""How much predictions depend on the input at each lag, measured in two ways.

*Occlusion*: an input is replaced by one of another sequence, and the change of the
prediction is measured. That needs no slope, and puts only values that may occur there.
*Gradient*: how steeply the prediction changes with the input.
"""

import numpy as np
import pandas as pd

from statelab.data.sequences import SPLITS, Sequences
from statelab.evaluation.scoring import with_target
from statelab.memory import budget, input_gradients, input_history, predictions
from statelab.memory.input_history import InputHistory
from statelab.networks.architecture import seeds_of
from statelab.networks.saving import TrainedNetworks
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, locate_predictions, sequences_in_split


def measure(
    networks: TrainedNetworks,
    data: Sequences,
    windows: Windows,
    *,
    stateful: bool,
    reset: str = "sequence",
    units: UserUnits | None = None,
    most: int | None = None,
    rng: np.random.Generator,
) -> pd.DataFrame | None:
    """Measure both effects of the input at each lag, over some test predictions.

    Args:
        networks: trained.
        data, windows: what they predict.
        stateful, reset: as in `input_history.inputs_of`.
        units: what puts predictions back, where the data hold changes.
        most: inputs that may be read, of all networks and lags together.
        rng: draws the predictions, and what replaces an input.

    Returns:
        A line for each seed and bin of lags: `seed`, counted from 0; `lag`, the first,
        and `last`; how many `predictions` have an input there; `change` of the
        predictions, and `slope`. None where `most` does not suffice for the fewest
        predictions.
    """
    number = rng.permutation(with_target(data, windows, "test")[0])[: budget.MOST]
    history = input_history.inputs_of(windows, number, stateful=stateful, reset=reset)
    kept = budget.predictions_to_read(history, seeds_of(networks.weights), most)
    if not kept:
        return None
    number, history = number[:kept], InputHistory(*(field[:kept] for field in history))
    edges = input_history.lag_bins(int(history.lag.max()))
    replacement = input_history.replacement_steps(
        windows,
        locate_predictions(windows, number).sequence,
        history,
        sequences_in_split(windows, SPLITS["test"]),
        rng,
    )
    change = occlusion(networks, data, history, replacement, edges, units)
    slope = gradient(networks, data, history, edges)
    seed, lag_bin = np.indices(change.shape)
    return pd.DataFrame(
        {
            "seed": seed.ravel(),
            "lag": edges[lag_bin].ravel(),
            "last": (edges[lag_bin + 1] - 1).ravel(),
            "predictions": _counts(history, edges)[lag_bin].ravel(),
            "change": change.ravel(),
            "slope": slope.ravel(),
        }
    )


def occlusion(
    networks: TrainedNetworks,
    data: Sequences,
    history: InputHistory,
    replacement: np.ndarray,
    edges: np.ndarray,
    units: UserUnits | None = None,
) -> np.ndarray:
    """Return how much predictions change when the input at some lags is replaced.

    Args:
        networks: trained.
        data: the time steps.
        history: of each prediction.
        replacement: of each input, as `input_history.replacement_steps` draws it.
        edges: bins of lags, as `input_history.lag_bins` returns them.
        units: as in `measure`.

    Returns:
        The mean over the predictions that have an input at such a lag, [seeds, bins].
        Of classes it is half of what all probabilities change together.
    """
    units = units or UserUnits(data, None)

    def predicted(read: InputHistory) -> np.ndarray:
        changes = predictions.after_inputs(networks, data, read)
        return units.restored(changes, history.step[:, -1])

    before = predicted(history)
    lag, valid = history.lag, history.valid
    changes = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        replaced = valid & (lag >= low) & (lag < high)
        step = np.where(replaced, replacement, history.step)
        change = abs(predicted(history._replace(step=step)) - before)
        if change.ndim == 3:
            change = change.sum(axis=2) / 2
        has_input = replaced.any(axis=1)
        total = change[:, has_input].sum(axis=1, dtype=float)
        changes.append(total / max(has_input.sum(), 1))
    return np.stack(changes, axis=1)


def gradient(
    networks: TrainedNetworks, data: Sequences, history: InputHistory, edges: np.ndarray
) -> np.ndarray:
    """Return how steeply predictions change with the input at some lags.

    Args:
        networks, data, history, edges: as in `occlusion`.

    Returns:
        The mean over the predictions that have an input at such a lag, of the norm over
        the lags of a bin of `input_gradients.by_lag`, [seeds, bins].
    """
    steps = history.step[:, -1:] - np.arange(edges[-1])
    inputs = data.values[np.maximum(steps, 0)]  # a lag that is not read has no slope
    if networks.scaling is not None:
        inputs = (inputs - networks.scaling.mean) / networks.scaling.scale
    slopes = input_gradients.by_lag(
        networks.weights, networks.architecture, inputs, history.lag, history.length
    )
    squares = np.add.reduceat(slopes.astype(float) ** 2, edges[:-1], axis=2)
    return np.sqrt(squares).sum(axis=1) / np.maximum(_counts(history, edges), 1)


def _counts(history: InputHistory, edges: np.ndarray) -> np.ndarray:
    """Return how many predictions have an input in each bin of lags."""
    lag = np.where(history.valid, history.lag, -1)
    lag_bin = np.searchsorted(edges, lag, "right") - 1
    has_input = np.zeros((len(lag_bin), len(edges)), bool)
    np.put_along_axis(has_input, lag_bin, True, axis=1)  # -1 is the last, of no bin
    return has_input[:, :-1].sum(axis=0)
