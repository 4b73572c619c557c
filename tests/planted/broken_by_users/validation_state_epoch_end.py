# fails: validation_state
# State is reset when an epoch ends: validation has run before, on training's state.
import keras
import numpy as np
from keras.layers import LSTM, Dense, Input

keras.utils.set_random_seed(13)
LANES, STEPS = 6, 10


def to_lanes(series):
    n = (len(series) - 1) // (LANES * STEPS) * LANES * STEPS
    x = series[:n].reshape(LANES, -1, STEPS, 1).swapaxes(0, 1)
    y = series[1 : n + 1].reshape(LANES, -1, STEPS, 1).swapaxes(0, 1)
    return x.reshape(-1, STEPS, 1), y.reshape(-1, STEPS, 1)


class ResetStates(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        for layer in self.model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()


r = np.random.default_rng(13)
series = np.zeros(1802)
for i in range(2, 1802):  # AR(2)
    series[i] = 1.6 * series[i - 1] - 0.8 * series[i - 2] + 0.1 * r.normal()
train, valid = series[:1201], series[1201:]

model = keras.Sequential(
    [
        Input(batch_shape=(LANES, STEPS, 1)),
        LSTM(6, stateful=True, return_sequences=True),
        Dense(1),
    ]
)
model.compile("adam", "mse")
model.fit(
    *to_lanes(train),
    batch_size=LANES,
    epochs=3,
    shuffle=False,
    validation_data=to_lanes(valid),
    callbacks=[ResetStates()],
    verbose=2,
)
