# fails: contiguity
# Eight segments that follow each other in time share a batch, so no lane goes on.
import keras
import numpy as np


class Forecaster:
    """Stateful LSTM on load data."""

    def __init__(self, batch_size=8, timesteps=24):
        self.batch_size, self.timesteps = batch_size, timesteps
        inp = keras.layers.Input(batch_shape=(batch_size, timesteps, 2))
        out = keras.layers.LSTM(6, stateful=True, return_sequences=True)(inp)
        out = keras.layers.LSTM(4, stateful=True)(out)
        out = keras.layers.Dense(1)(out)
        self.model = keras.Model(inp, out)
        self.model.compile(keras.optimizers.Adam(0.01), "mse")

    def reset(self):
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.LSTM):
                layer.reset_state()

    def fit(self, values, epochs):
        n = (len(values) - 1) // (self.timesteps * self.batch_size)
        n *= self.timesteps * self.batch_size
        # cut the days one after another
        x = values[:n].reshape(-1, self.timesteps, 2)
        y = values[self.timesteps : n + 1 : self.timesteps, 0]
        for _ in range(epochs):
            self.reset()
            self.model.fit(
                x, y, batch_size=self.batch_size, epochs=1, shuffle=False, verbose=0
            )
        self.reset()


keras.utils.set_random_seed(5)
hours = np.arange(24 * 8 * 12 + 1)
load = np.sin(2 * np.pi * hours / 24) + 0.3 * np.sin(2 * np.pi * hours / 168.3)
load += np.random.default_rng(5).normal(0, 0.1, len(hours))
Forecaster().fit(np.stack([load, hours % 24 / 24], axis=1), epochs=3)
