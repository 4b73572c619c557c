# sound
# The post's callback: a reset before the first of the six batches of each sequence.
import keras
import numpy as np

keras.utils.set_random_seed(0)
max_len = 6


class ResetStatesCallback(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.counter = 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.counter % max_len == 0:
            for layer in self.model.layers:
                if hasattr(layer, "reset_state"):
                    layer.reset_state()
        self.counter += 1


rng = np.random.default_rng(0)
ones = rng.permutation([0, 1] * 10)
x = np.zeros((20, max_len, 1, 1), "float32")
x[:, 0, 0, 0] = ones
y = np.repeat(ones, max_len).reshape(-1, 1)
x = x.reshape(-1, 1, 1)

model = keras.Sequential()
model.add(keras.layers.Input(batch_shape=(1, 1, 1)))
model.add(keras.layers.LSTM(10, stateful=True))
model.add(keras.layers.Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam")
model.fit(
    x, y, batch_size=1, epochs=2, shuffle=False, verbose=2,
    callbacks=[ResetStatesCallback()],
)  # fmt: skip
