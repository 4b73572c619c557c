"""Changes: a forecast is modelled as a change from a value that is known by then.

Networks are given changes and predict changes; the sequences stay as they are.
Predictions are put back into the user's units before anything else sees them.

| kind | target at step t, h steps ahead | feature |
| --- | --- | --- |
| `difference` | y[t + h] - y[t] | y[t] - y[t - 1] |
| `log_difference` | log y[t + h] - log y[t] | log y[t] - log y[t - 1] |
| `seasonal_difference` | y[t + h] - the seasonal naive one | y[t] - y[t - season] |

At the first steps of a sequence, which have no step so far back, the feature is 0.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.data.sequences import Sequences, steps_back
from statelab.errors import UserError
from statelab.io import arrays, files
from statelab.samples.windows import Windows, locate_predictions

LEVEL = "level"  # `window.target` where nothing is changed
SEASONAL = "seasonal_difference"  # which needs a season
FOLDER = "changes"  # within that of the windows: the sequences as changes
FILE = "target.json"  # beside the windows: how they were made


class TargetChange(NamedTuple):
    """What is modelled as a change, and from what."""

    kind: str  # difference, log_difference or seasonal_difference
    feature: int  # that is forecast
    horizon: int  # time steps ahead
    season: int | None = None  # time steps; of seasonal_difference

    @property
    def back(self) -> int:
        """Time steps from the step that the feature is a change from."""
        return self.season or 1

    @property
    def base_back(self) -> int:
        """Time steps from the step that the target is a change from."""
        return -self.horizon % self.season if self.season else 0


class UserUnits(NamedTuple):
    """The user's sequences, to put predicted changes back into their units."""

    data: Sequences
    change: TargetChange | None  # None where predictions are in these units already

    def restored(self, predictions: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Put predicted changes back into the user's units.

        Args:
            predictions: changes, [seeds, predictions].
            step: the flat step of each prediction, int64 [predictions].

        Returns:
            Values, [seeds, predictions].
        """
        if self.change is None:
            return predictions
        base = base_of(self.data, self.change, step)
        return restored(predictions, base, self.change.kind)

    def beyond_base(self, values: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return by how much values differ from what they are changes from.

        Args:
            values: in the user's units, [predictions].
            step: the flat step of each prediction, int64 [predictions].

        Returns:
            Differences in the user's units; the values themselves where they are
            modelled, [predictions].
        """
        if self.change is None:
            return values
        return values - base_of(self.data, self.change, step)

    def of_all(self, predictions: np.ndarray, windows: Windows) -> np.ndarray:
        """Put the predictions of a whole table of windows back in the same way."""
        if self.change is None:
            return predictions
        number = np.arange(predictions.shape[1])
        return self.restored(predictions, locate_predictions(windows, number).step)


def changed(data: Sequences, change: TargetChange) -> Sequences:
    """Return sequences whose forecast feature and targets are changes.

    Args:
        data: sequences in the user's units, float targets [steps].
        change: how.

    Raises:
        UserError: a value has no logarithm.

    Example:
        >>> series = np.float32([5, 7, 4, 8])[:, None]
        >>> two_ahead = np.float32([4, 8, np.nan, np.nan])
        >>> data = Sequences(series, np.array([0, 4]), two_ahead)
        >>> made = changed(data, TargetChange("difference", feature=0, horizon=2))
        >>> made.values[:, 0].tolist(), made.targets.tolist()
        ([0.0, 2.0, -3.0, 4.0], [-1.0, 1.0, nan, nan])
    """
    base = base_of(data, change, np.arange(len(data.values)))
    targets = _scale(data.targets, change) - _scale(base, change)
    return data._replace(
        values=changed_values(data, change), targets=targets.astype(data.targets.dtype)
    )


def changed_values(data: Sequences, change: TargetChange) -> np.ndarray:
    """Return the features of sequences, the one that is forecast as a change.

    Args:
        data, change: as in `changed`; targets are not looked at.

    Returns:
        A copy, float32 [steps, features].
    """
    values = np.array(data.values)
    level = _scale(values[:, change.feature], change)
    before = steps_back(data, np.arange(len(level)), change.back)
    values[:, change.feature] = level - level[before]
    return values


def base_of(data: Sequences, change: TargetChange, step: np.ndarray) -> np.ndarray:
    """Return the values that the targets of some steps are changes from.

    Args:
        data: sequences in the user's units.
        change: how targets are changed.
        step: flat steps, int64 [rows].

    Returns:
        The value of the step itself, or with a season that of the seasonal naive
        forecast, float32 [rows].

    Example:
        >>> series = np.float32([1, 4, 9, 16, 25])[:, None]
        >>> data = Sequences(series, np.array([0, 5]), np.zeros(5))
        >>> seasonal = TargetChange("seasonal_difference", 0, horizon=1, season=3)
        >>> base_of(data, seasonal, np.array([0, 3]))
        array([1., 4.], dtype=float32)
    """
    return data.values[steps_back(data, step, change.base_back), change.feature]


def restored(predictions: np.ndarray, base: np.ndarray, kind: str) -> np.ndarray:
    """Return the values that predicted changes come to.

    Args:
        predictions: changes, [seeds, predictions].
        base: what each is a change from, in the user's units, [predictions].
        kind: of `TargetChange`.

    Returns:
        Values in the user's units, [seeds, predictions].

    Example:
        >>> restored(np.array([[0.5, -2.0]]), np.array([10.0, 7.0]), "difference")
        array([[10.5,  5. ]])
    """
    if kind == "log_difference":
        return base * np.exp(predictions)
    return base + predictions


def write(folder: Path, data: Sequences, change: TargetChange) -> None:
    """Write beside windows how sequences are changed, and the changed sequences."""
    arrays.write(folder / FOLDER, data)
    files.write_json(folder / FILE, change._asdict())


def read(folder: Path) -> TargetChange | None:
    """Read back what `write` wrote beside windows; None where it wrote nothing."""
    file = folder / FILE
    return from_json(files.read_json(file)) if file.exists() else None


def from_json(known: Mapping[str, Any] | None) -> TargetChange | None:
    """Return what the fields of a change say; None where there are none."""
    return None if known is None else TargetChange(**known)


def read_inputs(folder: Path, data: Sequences) -> Sequences:
    """Return the sequences as networks take them: changed, or the user's.

    Args:
        folder: of the windows.
        data: the user's sequences.
    """
    changes = folder / FOLDER
    return arrays.read(changes, Sequences) if changes.exists() else data


def _scale(values: np.ndarray, change: TargetChange) -> np.ndarray:
    """Return values, or their logarithms, in which changes are differences; float64."""
    values = values.astype(float)
    if change.kind != "log_difference":
        return values
    if (low := values <= 0).any():
        raise UserError(
            "`window.target: log_difference` must be given values above 0. "
            f"Received: {values[low][0]:g}"
        )
    return np.log(values)
