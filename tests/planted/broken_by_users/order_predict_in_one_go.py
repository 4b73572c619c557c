# fails: order, boundary
# Training resets for each group of sequences; predict() runs through all without.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(23)
rng = np.random.default_rng(23)
B, T = 5, 12


class CumulativeSign:
    def __init__(self):
        inp = layers.Input(batch_shape=(B, T, 1))
        self.rnn = layers.LSTM(8, stateful=True)
        out = layers.Dense(1, activation="sigmoid")(self.rnn(inp))
        self.model = keras.Model(inp, out)
        self.model.compile("adam", "binary_crossentropy")

    def train(self, x, y, epochs):
        for _ in range(epochs):
            for i in range(0, len(x), B):
                self.rnn.reset_state()  # a row is a whole sequence
                self.model.train_on_batch(x[i : i + B], y[i : i + B])
        self.rnn.reset_state()

    def predict(self, x):
        return self.model.predict(x, batch_size=B, verbose=0)


def data(n):
    x = rng.normal(size=(n, T, 1)).astype("float32")
    return x, (x.sum(axis=1) > 0).astype("float32")


clf = CumulativeSign()
clf.train(*data(60), epochs=3)
x_test, y_test = data(30)
print("accuracy", ((clf.predict(x_test) > 0.5) == y_test).mean())
