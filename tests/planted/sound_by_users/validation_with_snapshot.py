# sound
# Validation starts at zero state, and training's own state is put back afterwards.
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


class StateKeeper(keras.callbacks.Callback):
    """Fresh state for each epoch and validation; restores what was there before."""

    def _rnns(self):
        return [lay for lay in self.model.layers if getattr(lay, "stateful", False)]

    def on_epoch_begin(self, epoch, logs=None):
        for rnn in self._rnns():
            rnn.reset_state()

    def on_test_begin(self, logs=None):
        self.saved = [[np.array(s) for s in rnn.states] for rnn in self._rnns()]
        for rnn in self._rnns():
            rnn.reset_state()

    def on_test_end(self, logs=None):
        for rnn, states in zip(self._rnns(), self.saved, strict=True):
            for variable, value in zip(rnn.states, states, strict=True):
                variable.assign(value)


r = np.random.default_rng(13)
series = np.zeros(1802)
for i in range(2, 1802):  # AR(2)
    series[i] = 1.6 * series[i - 1] - 0.8 * series[i - 2] + 0.1 * r.normal()

rnn = LSTM(6, stateful=True, return_sequences=True)
model = keras.Sequential([Input(batch_shape=(LANES, STEPS, 1)), rnn, Dense(1)])
model.compile("adam", "mse")
x, y = to_lanes(series[:1201])
valid = to_lanes(series[1201:])
keeper = StateKeeper()
model.fit(
    x, y, batch_size=LANES, epochs=3, shuffle=False, validation_data=valid,
    callbacks=[keeper], verbose=0,
)  # fmt: skip
