"""A trained network as MLflow loads it: this file is copied beside the weights.

MLflow runs it both when the model is logged and when it is loaded, so that logging
needs no TensorFlow.
"""

from pathlib import Path

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class WholeSequences(PythonModel):
    """Answers whole sequences of any length, each from a state of zeros.

    Nothing is carried from one request to the next: the same request gets the same
    answer, also from a network that was trained with carried state.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Build the first network of the population, with its weights."""
        from statelab import models

        self._model = models.load(Path(context.artifacts["network"]))

    def predict(self, context, model_input, params=None):  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return probabilities [batch, 1] of [batch, timesteps, features]."""
        return np.asarray(self._model(np.asarray(model_input, np.float32)))


set_model(WholeSequences())
