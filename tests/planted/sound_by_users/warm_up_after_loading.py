# sound
# After loading, the history is read again from its start before the forecast goes on.
import tempfile
from pathlib import Path

import keras
import numpy as np


def train(x, y):
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(1, 8, 1)),
            keras.layers.GRU(7, stateful=True),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    for _ in range(3):
        model.fit(x, y, batch_size=1, shuffle=False, verbose=0)
        model.layers[0].reset_state()
    return model


def main():
    keras.utils.set_random_seed(30)
    series = np.sin(np.arange(641) / 13) + np.sin(np.arange(641) / 5)
    x, y = series[:560].reshape(-1, 8, 1), series[8:561:8].reshape(-1, 1)
    with tempfile.TemporaryDirectory() as tmp:
        path = Path(tmp) / "gru.keras"
        train(x, y).save(path)
        model = keras.models.load_model(path)
    model.layers[0].reset_state()
    # history and future in one go, keep only the future
    everything = series[:640].reshape(-1, 8, 1)
    forecast = model.predict(everything, batch_size=1, verbose=0)[70:]
    print(forecast.ravel())


main()
