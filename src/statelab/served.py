"""A trained network as MLflow loads it; this package is copied beside its weights."""

from pathlib import Path

import keras
import numpy as np

from statelab import models


class WholeSequences:
    """Answers whole sequences, or whole samples, each from a state of zeros.

    Nothing is carried from one request to the next: the same request gets the same
    answer, also from a network that was trained with carried state.
    """

    def __init__(self, model: keras.Model):
        self._model = model

    def predict(self, model_input: np.ndarray, params: None = None) -> np.ndarray:
        """Return answers [batch, outputs] for [batch, timesteps, features]."""
        return np.asarray(self._model(np.asarray(model_input, np.float32)))


def _load_pyfunc(path: str) -> WholeSequences:
    """Load the first network of a population; the name is MLflow's."""
    return WholeSequences(models.load(Path(path)))
