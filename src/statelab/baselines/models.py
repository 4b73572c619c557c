"""Linear models and boosted trees on lags, by scikit-learn."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from statelab.baselines.lags import lagged, steps_of
from statelab.baselines.naive import point_score
from statelab.data.sequences import SPLITS, Sequences
from statelab.samples.windows import Windows

ROWS = 50_000  # that a model is fitted on, or chosen on, evenly spread
COLUMNS = 1000  # lags times features, at most
LAGS = 168  # steps, at most
HELD_BACK = 0.2  # of train, to choose lags on where there is no validation split
HELD_OUT = ("validation", "test")
AT_ONCE = 1 << 15  # rows that are predicted together


class Model(NamedTuple):
    """A kind of model on lags, for values and for classes."""

    regressor: Callable[[], Any]
    classifier: Callable[[], Any]


def _ridge() -> Any:
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 4, 8)))


def _logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


MODELS = {
    "linear": Model(_ridge, _logistic),
    "boosting": Model(
        lambda: HistGradientBoostingRegressor(random_state=0),
        lambda: HistGradientBoostingClassifier(random_state=0),
    ),
}


class Fitted(NamedTuple):
    """A model that was fitted, and what it predicts."""

    lags: int  # steps that it sees
    # float32 [steps]; values, or the numbers of classes; NaN in train, and where there
    # is no target
    predictions: np.ndarray


def fit(
    sequences: Sequences,
    windows: Windows,
    season: int | None,
    last_value: int | None,
) -> dict[str, Fitted]:
    """Fit every model on the train split, and predict the others.

    How many lags they see is chosen for the linear model on the validation split, or
    where there is none on the last fifth of train: 1, 2, 4 and so on up to a quarter of
    the longest sequence of train, or the season, one more, or twice the season.

    Args:
        sequences: the steps and their targets.
        windows: the splits.
        season: steps after which values recur; None where they do not.
        last_value: the feature that is forecast, where targets are its later values:
            the change from the step's own value is modelled, which trees need to follow
            a trend; None where it is not.

    Returns:
        By name of `MODELS`.

    Example:
        Of values that grow by 2 from step to step the next one is forecast:

        >>> from statelab.samples.windows import make_windows
        >>> grown = np.arange(0, 80, 2.0)
        >>> data = Sequences(np.float32(grown)[:, None], np.array([0, 40]), grown + 2)
        >>> table = make_windows(np.array([0, 30, 40]), np.int8([0, 2]), layout="full")
        >>> fit(data, table, None, 0)["linear"].predictions[-2:]
        array([78., 80.], dtype=float32)
    """
    train = steps_of(sequences, windows, SPLITS["train"])
    chosen_on = steps_of(sequences, windows, SPLITS["validation"])
    fitted_on = train
    if not len(chosen_on[0]):
        cut = int(len(train[0]) * (1 - HELD_BACK))
        fitted_on = train[0][:cut], train[1][:cut]
        chosen_on = train[0][cut:], train[1][cut:]
    lags = max(
        _lags(sequences, windows, season),
        key=lambda tried: _score(
            _Rows(sequences, tried, last_value), fitted_on, _spread(chosen_on)
        ),
    )
    held_out = np.concatenate(
        [steps_of(sequences, windows, SPLITS[split])[0] for split in HELD_OUT]
    )
    rows = _Rows(sequences, lags, last_value)
    fitted = {}
    for name, model in MODELS.items():
        predictions = np.full(len(sequences.values), np.nan, np.float32)
        predictions[held_out] = rows.predict(rows.fit(model, train), held_out)
        fitted[name] = Fitted(lags, predictions)
    return fitted


class _Rows(NamedTuple):
    """What a model is given of some steps."""

    sequences: Sequences
    lags: int
    last_value: int | None

    def fit(self, model: Model, labelled: tuple[np.ndarray, np.ndarray]) -> Any:
        """Fit a model on steps and their targets."""
        step, target = _spread(labelled)
        inputs = lagged(self.sequences, step, self.lags)
        if target.dtype.kind != "f":
            return model.classifier().fit(inputs, target)
        return model.regressor().fit(inputs, target - self._already(step))

    def predict(self, estimator: Any, step: np.ndarray) -> np.ndarray:
        """Predict steps, float32 [steps]."""
        parts = np.split(step, range(AT_ONCE, len(step), AT_ONCE))
        predicted = np.concatenate(
            [estimator.predict(lagged(self.sequences, p, self.lags)) for p in parts]
        )
        if self.sequences.targets.dtype.kind == "f":
            predicted = predicted + self._already(step)
        return predicted.astype(np.float32)

    def _already(self, step: np.ndarray) -> np.ndarray | float:
        """Return the part of the target that is known at a step."""
        if self.last_value is None:
            return 0.0
        return self.sequences.values[step, self.last_value].astype(float)


def _spread(labelled: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return as many steps and targets as are used, evenly spread."""
    step, target = labelled
    if len(step) <= ROWS:
        return labelled
    spread = np.linspace(0, len(step) - 1, ROWS).astype(int)
    return step[spread], target[spread]


def _score(
    rows: _Rows,
    fitted_on: tuple[np.ndarray, np.ndarray],
    chosen_on: tuple[np.ndarray, np.ndarray],
) -> float:
    """Score the linear model on steps that it was not fitted on; higher is better."""
    step, target = chosen_on
    predicted = rows.predict(rows.fit(MODELS["linear"], fitted_on), step)
    score = point_score(predicted, target)
    return -score if target.dtype.kind == "f" else score


def _lags(sequences: Sequences, windows: Windows, season: int | None) -> list[int]:
    train = windows.split == SPLITS["train"]
    quarter = int((windows.stop - windows.first)[train].max(initial=4)) // 4
    features = sequences.values.shape[1]
    most = max(min(LAGS, quarter, COLUMNS // features), 1)
    doubled = [2**power for power in range(most.bit_length())]
    seasons = [] if season is None else [season, season + 1, 2 * season]
    return sorted({lags for lags in [*doubled, *seasons] if lags <= most})
