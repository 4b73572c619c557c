# fails: shuffle, contiguity
import keras
import numpy as np

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
lanes = series.reshape(4, 100)  # lane i reads the i-th quarter
x = lanes.reshape(4, 20, 5, 1).swapaxes(0, 1).reshape(-1, 5, 1)
y = x[:, -1] > 0

model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 5, 1)),
        keras.layers.LSTM(3, stateful=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])


class Reset(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.layers[0].reset_state()


model.fit(x, y, batch_size=4, epochs=2, callbacks=[Reset()], verbose=0)
