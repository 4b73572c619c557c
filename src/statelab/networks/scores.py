"""Scores of a population's predictions, one number for each seed."""

from collections.abc import Callable, Container
from typing import NamedTuple

import numpy as np

EPSILON = 1e-7  # Keras's own, below which it calls a probability 0


def accuracy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the share of right predictions.

    Args:
        probability: of class 1, [seeds, samples]; or of each of more classes, [seeds,
            samples, classes].
        target: classes, [samples].

    Returns:
        [seeds].

    Example:
        >>> accuracy(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 1]))
        array([0.75])
    """
    return (_predicted_class(probability) == target).mean(axis=1)


def crossentropy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean negative log-likelihood, in nats, never below 1e-7.

    Args and returns as in `accuracy`.

    Example:
        >>> crossentropy(np.array([[0.5, 0.25]]), np.array([1, 0])).round(4)
        array([0.4904])
    """
    if probability.ndim == 3:
        right = np.take_along_axis(probability, target[None, :, None], axis=2)[..., 0]
    else:
        right = np.where(target == 1, probability, 1 - probability.astype(np.float64))
    return -np.log(np.clip(right, EPSILON, 1 - EPSILON)).mean(axis=1)


def balanced_accuracy(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean over the classes that occur of the share of right predictions.

    Args and returns as in `accuracy`.

    Example:
        >>> balanced_accuracy(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 0]))
        array([0.66666667])
    """
    right = _predicted_class(probability) == target
    shares = [right[:, target == label].mean(axis=1) for label in np.unique(target)]
    return np.mean(shares, axis=0)


def auc(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the chance that a sample of a class is ranked above one of another.

    Of more than two classes it is the mean over each one against the rest; NaN where
    there is one class alone.

    Args and returns as in `accuracy`.

    Example:
        >>> auc(np.array([[0.9, 0.2, 0.7, 0.6]]), np.array([1, 0, 0, 1]))
        array([0.75])
    """
    if probability.ndim == 2:
        return _auc_of_class(probability, target == 1)
    classes = np.unique(target)
    by_class = [_auc_of_class(probability[..., k], target == k) for k in classes]
    return np.mean(by_class, axis=0)


def squared_error(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean squared error.

    Args:
        value: [seeds, samples].
        target: [samples].

    Returns:
        [seeds].

    Example:
        >>> squared_error(np.array([[1.0, 3.0]]), np.array([1.0, 1.0]))
        array([2.])
    """
    # A seed at a time, in 64 bits: in 32 the square of a large error is infinite.
    return np.array([((row - target.astype(float)) ** 2).mean() for row in value])


def rmse(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the root of the mean squared error; see `squared_error`."""
    return np.sqrt(squared_error(value, target))


def mae(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the mean absolute error; see `squared_error`."""
    return np.abs(value - target).mean(axis=1)


def step_errors(value: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the error at each time step, the mean over seeds.

    Args:
        value: predictions, as `accuracy` and `squared_error` take them.
        target: classes, or float values, [steps].

    Returns:
        Of classes the share of networks that are wrong, of values the squared error,
        [steps].

    Example:
        >>> step_errors(np.array([[0.9, 0.2], [0.6, 0.7]]), np.array([1, 1]))
        array([0. , 0.5])
        >>> step_errors(np.array([[1.0, 3.0], [0.0, 5.0]]), np.array([1.0, 1.0]))
        array([ 0.5, 10. ])
    """
    if target.dtype.kind != "f":
        return (_predicted_class(value) != target).mean(axis=0)
    total = np.zeros(len(target))
    for row in value:  # a seed at a time, as in `squared_error`
        total += (row - target.astype(float)) ** 2
    return total / len(value)


def _predicted_class(probability: np.ndarray) -> np.ndarray:
    """Return the class that is predicted, [seeds, samples]."""
    return probability.argmax(axis=2) if probability.ndim == 3 else probability > 0.5


def _auc_of_class(probability: np.ndarray, positive: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata  # a second to import, which training does without

    n, m = positive.sum(), (~positive).sum()
    if n * m == 0:
        return np.full(len(probability), np.nan)
    rank_sum = rankdata(probability, axis=1)[:, positive].sum(axis=1)
    return (rank_sum - n * (n + 1) / 2) / (n * m)


class Score(NamedTuple):
    """A score, or an error, of the predictions of each network."""

    name: str  # in files
    label: str  # on an axis
    meaning: str
    function: Callable[[np.ndarray, np.ndarray], np.ndarray]  # as `accuracy`
    greater_is_better: bool

    @property
    def sign(self) -> int:
        """1 where more is better, -1 for an error."""
        return 1 if self.greater_is_better else -1

    def margin(self, margin: float, baseline: float) -> float:
        """Return a margin in units of the score; of an error it is a share.

        Example:
            >>> ACCURACY.margin(0.01, baseline=0.5), RMSE.margin(0.01, baseline=63.0)
            (0.01, 0.63)
        """
        return margin if self.greater_is_better else margin * baseline


ACCURACY = Score("accuracy", "accuracy", "share of right predictions", accuracy, True)
BALANCED_ACCURACY = Score(
    "balanced_accuracy",
    "balanced accuracy",
    "accuracy of each class, and their mean",
    balanced_accuracy,
    True,
)
AUC = Score(
    "auc",
    "area under the ROC curve",
    "chance that a sample of a class is ranked above one of another",
    auc,
    True,
)
CROSSENTROPY = Score(
    "loss", "loss", "crossentropy, which training minimises", crossentropy, False
)
RMSE = Score("rmse", "rmse", "root mean squared error", rmse, False)
MAE = Score("mae", "mean absolute error", "mean absolute error", mae, False)
SQUARED_ERROR = Score(
    "loss", "loss", "mean squared error, which training minimises", squared_error, False
)


class HeadScores(NamedTuple):
    """What the predictions of a head are scored by."""

    main: Score  # by which networks are compared
    loss: Score  # which training minimises
    others: tuple[Score, ...]
    running: Score  # which training keeps count of while the weights move

    @property
    def reported(self) -> tuple[Score, ...]:
        """All, the main one first."""
        return (self.main, self.loss, *self.others)


_OF_CLASSES = HeadScores(
    ACCURACY, CROSSENTROPY, (BALANCED_ACCURACY, AUC), running=ACCURACY
)
OF_HEAD = {
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "regression": HeadScores(RMSE, SQUARED_ERROR, (MAE,), running=MAE),
}


def of_columns(names: Container[str]) -> HeadScores:
    """Return the scores of the head that a history, or a file of scores, is of.

    Args:
        names: its columns, or its keys: among them the main score, or the running one.

    Example:
        >>> of_columns(["seed", "epoch", "mae", "loss"]).main.name
        'rmse'
    """
    return next(
        head
        for head in OF_HEAD.values()
        if head.main.name in names or head.running.name in names
    )
