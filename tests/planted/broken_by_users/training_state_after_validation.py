# fails: training_state
# State is reset before validation, not after it: epochs 2, 3, ... begin at its end.
import keras
import numpy as np
from keras.layers import Dense, Input, SimpleRNN

keras.utils.set_random_seed(15)


class ResetBeforeValidation(keras.callbacks.Callback):
    """Keras doesn't reset the state before validation, so do it here."""

    def _reset(self):
        for layer in self.model.layers:
            if getattr(layer, "stateful", False):
                layer.reset_state()

    def on_train_begin(self, logs=None):
        self._reset()

    def on_test_begin(self, logs=None):
        self._reset()


def lanes(series, n_lanes=5, steps=6):
    usable = (len(series) - 1) // (n_lanes * steps) * n_lanes * steps
    shape = (n_lanes, -1, steps, 1)
    x = np.swapaxes(series[:usable].reshape(shape), 0, 1)
    y = np.swapaxes(series[1 : usable + 1].reshape(shape), 0, 1)
    return x.reshape(-1, steps, 1), y.reshape(-1, steps, 1)


noise = np.random.default_rng(15).normal(size=1000)
series = np.convolve(noise, [0.5, 0.3, 0.2], mode="valid")
model = keras.Sequential(
    [
        Input(batch_shape=(5, 6, 1)),
        SimpleRNN(7, stateful=True, return_sequences=True),
        Dense(1),
    ]
)
model.compile("adam", "mse")
model.fit(
    *lanes(series[:700]),
    validation_data=lanes(series[700:]),
    batch_size=5,
    epochs=4,
    shuffle=False,
    callbacks=[ResetBeforeValidation()],
    verbose=0,
)
