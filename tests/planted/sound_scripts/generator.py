# sound: a generator of batches without end
import keras
import numpy as np

keras.utils.set_random_seed(1)


def batches(seed, size=8):
    rng = np.random.default_rng(seed)
    while True:
        x = rng.normal(size=(size, 6, 1)).astype("float32")
        yield x, x[:, 0]


model = keras.Sequential(
    [keras.Input((6, 1)), keras.layers.SimpleRNN(4), keras.layers.Dense(1)]
)
model.compile("adam", "mse")
model.fit(
    batches(7),
    steps_per_epoch=10,
    epochs=2,
    validation_data=batches(8),
    validation_steps=2,
    verbose=0,
)
