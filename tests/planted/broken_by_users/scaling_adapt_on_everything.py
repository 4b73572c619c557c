# fails: scaling
# The Normalization layer is adapted to all sequences, those held out for test as well.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(22)
rng = np.random.default_rng(22)

# 80 runs of an engine, each at its own level
level = rng.gamma(2.0, 2.0, size=(80, 1, 1))
x = level + rng.normal(size=(80, 15, 2))
y = (x[:, :, 0].mean(axis=1, keepdims=True) > 4).astype("float32")
x_train, y_train, x_test, y_test = x[:60], y[:60], x[60:], y[60:]

norm = layers.Normalization(axis=-1)
norm.adapt(x)

model = keras.Sequential(
    [
        keras.Input((15, 2)),
        norm,
        layers.GRU(6),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=4, batch_size=10, verbose=0)
print(model.evaluate(x_test, y_test, verbose=0))
