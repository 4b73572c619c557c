# fails: boundary
import keras
import numpy as np

keras.utils.set_random_seed(1)
n, length = 24, 6
labels = np.random.default_rng(5).integers(0, 2, n)
X = np.zeros((n, length, 1))
X[:, 0, 0] = labels
model = keras.Sequential(
    [
        keras.Input(batch_shape=(1, 1, 1)),
        keras.layers.LSTM(4, stateful=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy")
for i in range(n):
    for t in range(length):
        model.train_on_batch(X[i : i + 1, t : t + 1], labels[i : i + 1])
