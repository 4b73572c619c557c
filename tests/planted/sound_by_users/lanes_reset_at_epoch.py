# sound
# One series in 8 lanes that go on from batch to batch; state is reset at each epoch.
import numpy as np
from keras import Input, Sequential, callbacks, layers, utils

utils.set_random_seed(1)
BATCH, STEPS = 8, 10

rng = np.random.default_rng(0)
series = np.sin(np.arange(1601) / 7) + 0.1 * rng.normal(size=1601)
x = series[:-1].reshape(BATCH, -1, STEPS).swapaxes(0, 1).reshape(-1, STEPS, 1)
y = series[1:].reshape(BATCH, -1, STEPS).swapaxes(0, 1).reshape(-1, STEPS, 1)


class ResetAtEpoch(callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()


model = Sequential(
    [
        Input(batch_shape=(BATCH, STEPS, 1)),
        layers.LSTM(8, stateful=True, return_sequences=True),
        layers.Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mse")
model.fit(
    x, y, batch_size=BATCH, epochs=3, shuffle=False, verbose=2,
    callbacks=[ResetAtEpoch()],
)  # fmt: skip
