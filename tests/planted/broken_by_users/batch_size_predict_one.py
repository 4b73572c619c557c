# fails: batch_size
# Built for eight lanes, asked for one sequence: it silently answers with eight rows.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(26)
LANES, STEPS = 8, 6


def reset(model):
    for layer in model.layers:
        if isinstance(layer, layers.RNN):
            layer.reset_state()


t = np.arange(LANES * STEPS * 20 + 1)
wave = (np.sin(t / 5) + np.sin(t / 17)).astype("float32")
x = wave[:-1].reshape(LANES, 20, STEPS, 1).swapaxes(0, 1).reshape(-1, STEPS, 1)
y = wave[1:].reshape(LANES, 20, STEPS, 1).swapaxes(0, 1).reshape(-1, STEPS, 1)[:, -1]

model = keras.Sequential(
    [
        layers.Input(batch_shape=(LANES, STEPS, 1)),
        layers.SimpleRNN(8, stateful=True),
        layers.Dense(1),
    ]
)
model.compile("adam", "mse")
for _ in range(4):
    reset(model)
    model.fit(x, y, batch_size=LANES, shuffle=False, verbose=0)

reset(model)
fitted = model.predict(x, batch_size=LANES, verbose=0)
print("rmse", np.sqrt(np.mean((fitted - y) ** 2)))

# forecast the newest segment
reset(model)
newest = wave[-STEPS:].reshape(1, STEPS, 1)
print("next value:", model.predict(newest, batch_size=1, verbose=0))
reset(model)
