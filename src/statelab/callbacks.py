"""For those who stay with Keras's `fit`: state set to zero where a sequence begins."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from statelab.errors import UserError


class ResetStates(keras.callbacks.Callback):
    """Set the state of a stateful model to zero where each sequence begins.

    In training, in validation and in `predict`, in every recurrent layer, of nested
    models as well. Validation and predictions begin with zeros, and when they end the
    state is again what it was before them, so that training goes on with its own.

    Batches must follow each other: lane i of a batch goes on where lane i of the batch
    before stopped, and all lanes begin their sequences in the same batch. Sequences of
    different lengths are padded on the right and masked. A dataset's or a generator's
    own order cannot be seen from here. The backward half of a Bidirectional layer is
    reset like all others; what it carries within a sequence is of no use.

    Args:
        batches_per_sequence: how many batches it takes to feed a sequence: its length
            by the timesteps of a batch.
        validation_batches_per_sequence: the same of what `evaluate` is given, in `fit`
            or by itself, where it differs.

    Raises:
        UserError: when `fit`, `evaluate` or `predict` begins, before any batch, if
            samples are shuffled, hooks are called once for several batches, the batches
            are not a whole number of sequences or their number is not known, a batch
            has not the size of the model's, or no layer carries state.

    Example: two sequences of 4 steps, fed side by side, 2 steps to a batch.

        >>> import numpy as np
        >>> layer = keras.layers.SimpleRNN(
        ...     1, None, kernel_initializer="ones", recurrent_initializer="ones",
        ...     stateful=True)
        >>> model = keras.Sequential([keras.Input(batch_shape=(2, 2, 1)), layer])
        >>> x = np.array([[1, 2], [10, 20],  # first batch: both sequences begin
        ...               [3, 4], [30, 40.]])[..., None]
        >>> reset = ResetStates(batches_per_sequence=2)
        >>> def predictions():
        ...     return model.predict(
        ...         x, batch_size=2, verbose=0, callbacks=[reset])[:, 0]
        >>> predictions()
        array([  3.,  30.,  10., 100.], dtype=float32)
        >>> predictions()  # not [13, 130, 20, 200], as without it
        array([  3.,  30.,  10., 100.], dtype=float32)
    """

    model: keras.Model  # pyright: ignore[reportIncompatibleMethodOverride]

    def __init__(
        self,
        batches_per_sequence: int,
        validation_batches_per_sequence: int | None = None,
    ):
        super().__init__()
        if validation_batches_per_sequence is None:
            validation_batches_per_sequence = batches_per_sequence
        self._training = _count("batches_per_sequence", batches_per_sequence)
        self._validation = _count(
            "validation_batches_per_sequence", validation_batches_per_sequence
        )
        self._saved_states: list[list] = []

    def on_train_begin(self, logs=None):
        self._saved_states.clear()
        self._check(self._training)

    def on_train_batch_begin(self, batch, logs=None):
        self._reset_before(batch, self._training)

    def on_test_begin(self, logs=None):
        self._check(self._validation)
        self._save_state()

    def on_test_batch_begin(self, batch, logs=None):
        self._reset_before(batch, self._validation)

    def on_test_end(self, logs=None):
        self._restore_state()

    def on_predict_begin(self, logs=None):
        self._check(self._training)
        self._save_state()

    def on_predict_batch_begin(self, batch, logs=None):
        self._reset_before(batch, self._training)

    def on_predict_end(self, logs=None):
        self._restore_state()

    def _reset_before(self, batch: int, batches_per_sequence: int) -> None:
        if batch % batches_per_sequence == 0:
            reset_states(self.model)

    def _save_state(self) -> None:
        """Keep the state, and go on from zeros."""
        self._saved_states.append([keras.ops.copy(part) for part in states(self.model)])
        reset_states(self.model)

    def _restore_state(self) -> None:
        """Give back the state that was kept; a model that had none yet gets zeros."""
        reset_states(self.model)
        for part, saved in zip(
            states(self.model), self._saved_states.pop(), strict=False
        ):
            part.assign(saved)

    def _check(self, batches_per_sequence: int) -> None:
        """Refuse what cannot be done right in the loop of Keras that is beginning."""
        layers = stateful_layers(self.model)
        if not layers:
            raise UserError(
                "ResetStates needs a model with a recurrent layer that carries state "
                f"(`stateful=True`). Received: {self.model.name}"
            )
        if self.model.steps_per_execution != 1:
            raise UserError(
                "`steps_per_execution` must be 1 with ResetStates: hooks are called "
                "once for so many batches. Received: "
                f"steps_per_execution={self.model.steps_per_execution}"
            )
        loop = _loop(self.model)
        if loop.get("shuffle", False):
            raise UserError(
                "`shuffle` must be False in `fit` with ResetStates: shuffled samples "
                f"do not go on where others stopped. Received: {loop['shuffle']!r}"
            )
        _check_batch_size(loop["epoch_iterator"].data_adapter, states(self.model))
        _check_batches(loop["epoch_iterator"], batches_per_sequence)


def stateful_layers(model: keras.Model) -> list[keras.layers.RNN]:
    """Return the recurrent layers that carry state, however deep in a model.

    Not every layer that has a `reset_state`: that of a vocabulary drops its counts.
    """
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.RNN) and layer.stateful
    ]


def states(model: keras.Model) -> list:
    """Return the variables of carried state, each [batch, units].

    None of a layer that has not been built.
    """
    return [part for layer in stateful_layers(model) for part in _parts(layer)]


def reset_states(model: keras.Model) -> None:
    """Set the state of every recurrent layer of a model to zero."""
    for layer in stateful_layers(model):
        if isinstance(layer.cell, keras.layers.StackedRNNCells):
            for part in _parts(layer):  # Keras's own reset fails on them
                part.assign(keras.ops.zeros_like(part))
        else:
            layer.reset_state()


def _parts(layer: keras.layers.RNN) -> list:
    return [part for part in keras.tree.flatten(layer.states) if part is not None]


def _count(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise UserError(f"`{name}` must be a count from 1 up. Received: {value!r}")
    return value


def _loop(model: keras.Model) -> Mapping[str, Any]:
    """Return the variables of the `fit`, `evaluate` or `predict` that calls a hook.

    Keras passes a callback neither whether samples are shuffled nor, in validation, how
    many batches there are.
    """
    frame = inspect.currentframe()
    while frame is not None:
        variables = frame.f_locals
        if variables.get("self") is model and "epoch_iterator" in variables:
            return variables
        frame = frame.f_back
    raise UserError(
        "ResetStates works in Keras's own `fit`, `evaluate` and `predict`: in a loop "
        "over `train_on_batch` call `statelab.callbacks.reset_states(model)` where a "
        f"sequence begins. Received: a loop of another kind, of {model.name}"
    )


def _check_batch_size(adapter, parts: list) -> None:
    if not parts or not adapter.batch_size:
        return
    expected = parts[0].shape[0]
    if adapter.batch_size != expected:
        raise UserError(
            f"`batch_size` must be that of the model, {expected}: Keras would spread "
            "the state of other lanes over a batch. Received: "
            f"batch_size={adapter.batch_size}"
        )
    if adapter.has_partial_batch:
        raise UserError(
            f"samples must fill their batches of {expected}: Keras would spread the "
            "last ones over all lanes. Received: a last batch of "
            f"{adapter.partial_batch_size}"
        )


def _check_batches(epoch_iterator, batches_per_sequence: int) -> None:
    if epoch_iterator.num_batches is None:
        raise UserError(
            "the number of batches must be known with ResetStates: say "
            "`steps_per_epoch` in `fit`, `validation_steps`, or `steps` in `evaluate` "
            "and `predict`. Received: a dataset of unknown length"
        )
    in_data = epoch_iterator.data_adapter.num_batches
    for batches in (epoch_iterator.num_batches, in_data):
        if batches and batches % batches_per_sequence:
            raise UserError(
                "batches must be a whole number of sequences, of "
                f"{batches_per_sequence} batches each. Received: {batches} batches"
            )
