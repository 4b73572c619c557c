# fails: nested, boundary
# LSTM layers are reset, but the stateful GRU above them is not.
import keras
import numpy as np
from keras.layers import GRU, LSTM, Dense, Input

keras.utils.set_random_seed(10)


class ResetLSTM(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch % 4 == 0:
            for layer in self.model.layers:
                if isinstance(layer, LSTM):
                    layer.reset_state()


def get_data(n_groups=6, batch=5, segments=4, steps=6):
    rng = np.random.default_rng(10)
    amp = rng.uniform(0.5, 2, size=(n_groups, batch, 1))
    s = amp * np.sin(np.arange(segments * steps + 1) / 3)
    x = s[..., :-1].reshape(n_groups, batch, segments, steps).swapaxes(1, 2)
    y = s[..., steps::steps].swapaxes(1, 2)
    return x.reshape(-1, steps, 1), y.reshape(-1, 1)


x, y = get_data()
model = keras.Sequential()
model.add(Input(batch_shape=(5, 6, 1)))
model.add(LSTM(8, stateful=True, return_sequences=True))
model.add(GRU(4, stateful=True))  # tried GRU on top, val loss a bit better
model.add(Dense(1))
model.compile("adam", "mse")
model.fit(
    x, y, batch_size=5, epochs=4, shuffle=False, verbose=0, callbacks=[ResetLSTM()]
)
