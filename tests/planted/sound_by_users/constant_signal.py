# sound
# Constant stretches in the lanes of a stateful model: equal rows, in their order.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(17)
LANES, STEPS, SEGMENTS = 3, 4, 15

# valve positions: mostly closed, opens now and then
rng = np.random.default_rng(17)
valve = (rng.uniform(size=(LANES, SEGMENTS * STEPS)) > 0.97).astype("float32")
flow = np.zeros_like(valve)
for t in range(1, SEGMENTS * STEPS):
    flow[:, t] = 0.9 * flow[:, t - 1] + valve[:, t]
x = valve.reshape(LANES, SEGMENTS, STEPS, 1).swapaxes(0, 1).reshape(-1, STEPS, 1)
y = flow.reshape(LANES, SEGMENTS, STEPS, 1).swapaxes(0, 1).reshape(-1, STEPS, 1)

rnn = layers.SimpleRNN(5, stateful=True, return_sequences=True)
model = keras.Sequential([layers.Input(batch_shape=(LANES, STEPS, 1)), rnn])
model.add(layers.Dense(1))
model.compile("rmsprop", "mse")
for _ in range(6):
    model.fit(x, y, batch_size=LANES, shuffle=False, verbose=0)
    rnn.reset_state()
