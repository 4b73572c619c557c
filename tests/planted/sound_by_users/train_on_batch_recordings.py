# sound
# Recordings step by step by train_on_batch; state is reset before each of them.
import numpy as np
from keras import Sequential
from keras.layers import GRU, Dense, Input
from keras.utils import set_random_seed

set_random_seed(3)
rng = np.random.default_rng(3)

rnn = GRU(5, stateful=True)
model = Sequential([Input(batch_shape=(1, 1, 1)), rnn, Dense(1)])
model.compile(optimizer="adam", loss="mse")

recordings = []
for _ in range(12):
    freq, phase = rng.uniform(0.1, 0.9), rng.uniform(0, 6)
    recordings.append(np.sin(freq * np.arange(11) + phase))

for epoch in range(2):
    total = 0.0
    rng.shuffle(recordings)  # the order of whole recordings does not matter
    for rec in recordings:
        rnn.reset_state()
        for t in range(10):
            x_t = rec[t].reshape(1, 1, 1)
            total += model.train_on_batch(x_t, rec[t + 1].reshape(1, 1))
    print(epoch, total / 120)
