# fails: boundary
# One fit() per machine; the state goes over from each machine to the next.
import keras
import numpy as np

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)
STEPS = 8


def sensor_log(n):
    level = rng.normal()
    return (level + np.cumsum(rng.normal(0, 0.2, size=(n, 2)), axis=0)).astype("f4")


machines = {name: sensor_log(n) for name, n in [("a", 81), ("b", 121), ("c", 97)]}

model = keras.Sequential(
    [
        keras.Input(batch_shape=(1, STEPS, 2)),
        keras.layers.LSTM(6, stateful=True, return_sequences=True),
        keras.layers.TimeDistributed(keras.layers.Dense(2)),
    ]
)
model.compile(loss="mse", optimizer="adam")
for layer in model.layers:
    if hasattr(layer, "reset_state"):
        layer.reset_state()

for name, log in machines.items():
    x = log[:-1].reshape(-1, STEPS, 2)
    y = log[1:].reshape(-1, STEPS, 2)
    hist = model.fit(x, y, batch_size=1, shuffle=False, verbose=0)
    print(name, hist.history["loss"])
