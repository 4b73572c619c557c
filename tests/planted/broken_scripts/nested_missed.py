# fails: nested, boundary
import keras
import numpy as np

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
lanes = series.reshape(4, 100)  # lane i reads the i-th quarter
x = lanes.reshape(4, 20, 5, 1).swapaxes(0, 1).reshape(-1, 5, 1)
y = x[:, -1] > 0

encoder = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 5, 1)),
        keras.layers.GRU(3, stateful=True, return_sequences=True),
    ]
)
model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 5, 1)),
        encoder,
        keras.layers.LSTM(3, stateful=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy")
for _ in range(2):
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for layer in model.layers:
        if hasattr(layer, "reset_states"):
            layer.reset_states()
