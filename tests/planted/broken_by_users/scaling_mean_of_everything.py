# fails: scaling
# Mean and deviation are taken over all steps, before the validation part is cut.
import keras
import numpy as np

keras.utils.set_random_seed(21)


def load():
    rng = np.random.default_rng(21)
    trend = np.linspace(0, 5, 600)[:, None]
    return trend + rng.normal(0, 1, size=(600, 3)).cumsum(axis=0) / 10


def windows(part, n=12):
    x = np.stack([part[i : i + n] for i in range(len(part) - n)])
    return x, part[n:, :1]


data = load()
data = (data - data.mean(axis=0)) / data.std(axis=0)
cut = 450
x_train, y_train = windows(data[:cut])
x_val, y_val = windows(data[cut:])

model = keras.Sequential(
    [keras.Input((12, 3)), keras.layers.SimpleRNN(8), keras.layers.Dense(1)]
)
model.compile("adam", "mse")
h = model.fit(
    x_train, y_train, epochs=5, verbose=0, validation_data=(x_val, y_val), batch_size=32
)
print("val mse", min(h.history["val_loss"]))
