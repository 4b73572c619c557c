# fails: callback, boundary
import keras
import numpy as np

keras.utils.set_random_seed(1)
labels = np.random.default_rng(5).integers(0, 2, 20)
X = np.zeros((20, 8, 1), "float32")
X[:, 0, 0] = labels
x, y = X.reshape(-1, 1, 1), np.repeat(labels, 8)
model = keras.Sequential(
    [
        keras.Input(batch_shape=(1, 1, 1)),
        keras.layers.LSTM(4, stateful=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", steps_per_execution=4)


class ResetEvery(keras.callbacks.Callback):
    def __init__(self, batches):
        super().__init__()
        self.batches, self.seen = batches, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.seen % self.batches == 0:
            for layer in self.model.layers:
                if hasattr(layer, "reset_state"):
                    layer.reset_state()
        self.seen += 1


model.fit(
    x, y, batch_size=1, epochs=2, shuffle=False, callbacks=[ResetEvery(8)], verbose=0
)
