# sound: each fold validates a model of its own, which the others train on
import keras
import numpy as np

keras.utils.set_random_seed(1)
x = np.random.default_rng(6).normal(size=(60, 5, 1))
y = x[:, 0] > 0
for fold in range(3):
    held = np.arange(60) % 3 == fold
    model = keras.Sequential(
        [
            keras.Input((5, 1)),
            keras.layers.GRU(3),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x[~held], y[~held], epochs=1, verbose=0)
    print(model.evaluate(x[held], y[held], verbose=0))
