# fails: overlap
import keras
import numpy as np

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
x = np.lib.stride_tricks.sliding_window_view(series[:-1], 10)[..., None]
y = series[10:]
model = keras.Sequential(
    [keras.Input((10, 1)), keras.layers.LSTM(4), keras.layers.Dense(1)]
)
model.compile("adam", "mse")

model.fit(x, y, validation_split=0.2, epochs=2, verbose=0)
