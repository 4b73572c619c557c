# sound
# Stateful at batch 1; each test sequence is predicted on its own, from zero state.
import keras
import numpy as np
from keras import layers


class RunningMax:
    """Remembers the largest value so far, three steps at a time."""

    def __init__(self, units=8):
        inp = layers.Input(batch_shape=(1, 3, 1))
        self.rnn = layers.GRU(units, stateful=True, return_sequences=True)
        self.model = keras.Model(inp, layers.Dense(1)(self.rnn(inp)))
        self.model.compile("adam", "mse")

    def train(self, sequences, epochs):
        for _ in range(epochs):
            for s in sequences:
                self.rnn.reset_state()
                target = np.maximum.accumulate(s, axis=0)
                self.model.fit(
                    s.reshape(-1, 3, 1), target.reshape(-1, 3, 1),
                    batch_size=1, shuffle=False, verbose=0,
                )  # fmt: skip
        self.rnn.reset_state()

    def predict(self, s):
        self.rnn.reset_state()
        out = self.model.predict(s.reshape(-1, 3, 1), batch_size=1, verbose=0)
        self.rnn.reset_state()
        return out.reshape(-1, 1)


keras.utils.set_random_seed(24)
rng = np.random.default_rng(24)
runner = RunningMax()
runner.train([rng.uniform(size=(n, 1)) for n in (12, 9, 15, 12, 21)], epochs=2)
for n in (9, 15):
    print(runner.predict(rng.uniform(size=(n, 1)))[-1])
