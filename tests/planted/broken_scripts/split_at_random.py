# fails: overlap
import keras
import numpy as np
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
x = np.lib.stride_tricks.sliding_window_view(series[:-1], 10)[..., None]
y = series[10:]
model = keras.Sequential(
    [keras.Input((10, 1)), keras.layers.LSTM(4), keras.layers.Dense(1)]
)
model.compile("adam", "mse")

x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0)
model.fit(x_train, y_train, epochs=1, verbose=0)
print(model.evaluate(x_test, y_test, verbose=0))
