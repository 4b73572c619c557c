# sound
# A lane is one sequence and resets come once an epoch, so four steps at once do.
import keras
import numpy as np
from keras.layers import GRU, LSTM, Dense, Input

keras.utils.set_random_seed(10)


class ResetAll(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model.layers:
            if isinstance(layer, (LSTM, GRU)):
                layer.reset_state()


rng = np.random.default_rng(10)
amp = rng.uniform(0.5, 2, size=(5, 1))
s = amp * np.sin(np.arange(12 * 6 + 1) / 3)
x = s[:, :-1].reshape(5, 12, 6).swapaxes(0, 1).reshape(-1, 6, 1)
y = s[:, 6::6].swapaxes(0, 1).reshape(-1, 1)

model = keras.Sequential()
model.add(Input(batch_shape=(5, 6, 1)))
model.add(LSTM(8, stateful=True, return_sequences=True))
model.add(GRU(4, stateful=True))
model.add(Dense(1))
model.compile("adam", "mse", steps_per_execution=4)
model.fit(
    x, y, batch_size=5, epochs=5, shuffle=False, verbose=0, callbacks=[ResetAll()]
)
