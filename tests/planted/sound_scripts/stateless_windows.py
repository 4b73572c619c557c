# sound: no state, and a split in time before windows are cut
import keras
import numpy as np

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
low, high = series[:300].min(), series[:300].max()
scaled = (series - low) / (high - low)


def cut(data):
    windows = np.lib.stride_tricks.sliding_window_view(data[:-1], 10)
    return windows[..., None], data[10:]


x_train, y_train = cut(scaled[:300])
x_test, y_test = cut(scaled[300:])
model = keras.Sequential(
    [keras.Input((10, 1)), keras.layers.LSTM(4), keras.layers.Dense(1)]
)
model.compile("adam", "mse")
model.fit(x_train, y_train, epochs=1, verbose=0)
error = model.predict(x_test, verbose=0)[:, 0] - y_test
print(np.sqrt(np.mean(error**2)))
