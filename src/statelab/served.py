"""A trained network as MLflow loads it; this package is copied beside its weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from statelab.errors import UserError
from statelab.networks import keras_models


class ExplicitState:
    """Answers every step of sequences, from a state that it is handed and gives back.

    Nothing is kept from one request to the next: the same request gets the same
    answer, also from a network that was trained with carried state.
    """

    def __init__(self, model: keras.Model):
        self._model = model  # of `keras_models.with_state`

    def predict(
        self,
        model_input: np.ndarray,
        params: Mapping[str, Sequence[float]] | None = None,
    ) -> dict[str, np.ndarray]:
        """Answer sequences, or the next piece of each.

        Args:
            model_input: float32 [batch, timesteps, features], in the units of the data.
            params: `state`, that of each sequence one after another, [batch * width],
                as it was given back; empty where they begin.

        Returns:
            `answers` [batch, timesteps, outputs], and the `state` [batch, width] after
            the last step.

        Raises:
            UserError: there is a state, but not one for each sequence.
        """
        state = np.asarray((params or {}).get("state", ()), np.float32)
        batch, width = len(model_input), self._model.input_shape[1][1]
        if state.size not in (0, batch * width):
            raise UserError(
                f"`params`: `state` must be empty, or hold {width} numbers for each of "
                f"{batch} sequences, {batch * width} in all. Received: {state.size}"
            )
        if state.size == 0:
            state = np.zeros(batch * width, np.float32)
        answers, after = self._model.predict_on_batch(
            [model_input, state.reshape(batch, width)]
        )
        return {"answers": answers, "state": after}


def _load_pyfunc(path: str) -> ExplicitState:
    """Load the first network of a population; the name is MLflow's."""
    return ExplicitState(keras_models.with_state(Path(path)))
