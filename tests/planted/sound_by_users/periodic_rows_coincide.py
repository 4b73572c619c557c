# sound
# A period of 8 steps: train and validation windows are equal, with no step shared.
import keras
import numpy as np

keras.utils.set_random_seed(15)
pattern = np.array([0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5], "float32")
series = np.tile(pattern, 60)
train, valid = series[:360], series[360:]


def windows(part, n=8):
    w = np.lib.stride_tricks.sliding_window_view(part, n + 1)
    return w[:, :-1, None], w[:, -1:]


x, y = windows(train)
x_val, y_val = windows(valid)
model = keras.Sequential(
    [keras.Input((8, 1)), keras.layers.SimpleRNN(6), keras.layers.Dense(1)]
)
model.compile("adam", "mse")
model.fit(x, y, epochs=5, batch_size=32, validation_data=(x_val, y_val), verbose=0)
