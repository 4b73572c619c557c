"""Keras: as people write it, and as fast as it can be made.

`reference` is this package's own slow twin: `fit` or `train_on_batch`, with resets.
"""

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

from benchmarks import data
from benchmarks.contestants import Turn, ours
from benchmarks.works import Work
from statelab.training import keras_fit

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def prepare(work: Work, updates: int, form: str) -> Turn:
    """Train in one of `FORMS`."""
    return FORMS[form](work, updates)


def _reference(work: Work, updates: int, *, by_loop: bool = False) -> Turn:
    train = partial(keras_fit.train, by_loop=by_loop)
    return ours.passes_of(keras_fit.start, train, work, updates)


def _reference_loop(work: Work, updates: int) -> Turn:
    return _reference(work, updates, by_loop=True)


def _fit(work: Work, updates: int, *, jit_compile: bool = False) -> Turn:
    """One epoch of stock `fit` on windows; `jit_compile` is off in Keras on a CPU."""
    arrays = data.batches(work, updates)
    used = arrays.weight.ravel() > 0
    x = arrays.x.reshape(-1, work.timesteps, work.features)[used]
    y = arrays.y.ravel()[used][:, None]
    model = _model(work, use_cudnn=False if jit_compile else "auto")
    model.compile(
        optimizer="adam",  # at 1e-3
        loss="binary_crossentropy",
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )

    def run() -> float:
        history = model.fit(
            x, y, batch_size=work.batch_size, shuffle=work.shuffle, verbose=0
        )
        return history.history["loss"][0]

    return Turn(run, updates=len(arrays.x))


def _fit_jit(work: Work, updates: int) -> Turn:
    return _fit(work, updates, jit_compile=True)


def _xla_loop(work: Work, updates: int) -> Turn:
    """Keras's layers and optimizer, with their variables, in one compiled loop."""
    arrays = data.batches(work, updates)
    model = _model(work, use_cudnn=False, unroll=work.timesteps == 1, stateful=True)
    weights = model.trainable_variables
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(weights)
    states = [state for layer in model.layers[:-1] for state in layer.states]
    x, y, reset = map(tf.constant, (arrays.x, arrays.y[..., None], arrays.reset))

    @tf.function(jit_compile=True, autograph=False)
    def epoch() -> tf.Tensor:
        def update(batch, total):
            for state in states:
                state.assign(tf.where(reset[batch], tf.zeros_like(state), state))
            with tf.GradientTape() as tape:
                outputs = model(x[batch], training=True)
                losses = keras.losses.binary_crossentropy(y[batch], outputs)
                loss = tf.reduce_mean(losses)
            optimizer.apply(tape.gradient(loss, weights), weights)
            return batch + 1, total + loss

        condition = lambda batch, _: batch < len(arrays.x)  # noqa: E731
        _, total = tf.while_loop(condition, update, (0, 0.0))
        return total / len(arrays.x)

    return Turn(run=lambda: float(epoch()), updates=len(arrays.x))


FORMS: dict[str, Callable[[Work, int], Turn]] = {
    "reference": _reference,
    "reference_loop": _reference_loop,
    "fit": _fit,
    "fit_jit": _fit_jit,
    "xla_loop": _xla_loop,
}


def _model(work: Work, *, stateful: bool = False, **options) -> keras.Model:
    lanes = work.batch_size if stateful else None
    model = keras.Sequential(
        [keras.Input(batch_shape=(lanes, work.timesteps, work.features))]
    )
    for layer in range(work.layers):
        more = layer < work.layers - 1
        model.add(
            LAYERS[work.cell](
                work.units, return_sequences=more, stateful=stateful, **options
            )
        )
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.set_weights(list(data.weights(work).values()))
    return model
