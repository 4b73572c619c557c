# sound: sequences of symbols are equal by chance
import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(8)
x = rng.integers(0, 3, (200, 4))
y = x[:, 0] == 1
model = keras.Sequential(
    [
        keras.Input((4,)),
        keras.layers.Embedding(3, 4),
        keras.layers.GRU(4),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x[:150], y[:150], validation_data=(x[150:], y[150:]), epochs=3, verbose=0)
print(model.evaluate(x[150:], y[150:], verbose=0))
