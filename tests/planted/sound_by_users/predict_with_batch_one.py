# sound
# Trained in 8 lanes; a batch-1 model gets the weights and a reset per sequence.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(26)
LANES, SEGMENTS, STEPS = 8, 5, 6


def build(batch_size):
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(batch_size, STEPS, 1)),
            layers.LSTM(6, stateful=True, return_sequences=True),
            layers.LSTM(4, stateful=True),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    return model


def reset(model):
    for layer in model.layers:
        if isinstance(layer, layers.RNN):
            layer.reset_state()


rng = np.random.default_rng(26)
walks = rng.normal(size=(LANES, SEGMENTS * STEPS + 1)).cumsum(axis=1) / 4
x = walks[:, :-1].reshape(LANES, SEGMENTS, STEPS, 1).swapaxes(0, 1)
x = x.reshape(-1, STEPS, 1)
y = walks[:, STEPS::STEPS].T.reshape(-1, 1)

trained = build(LANES)
for _ in range(5):
    reset(trained)
    trained.fit(x, y, batch_size=LANES, shuffle=False, verbose=0)

single = build(1)
single.set_weights(trained.get_weights())
for length in (3, 5, 2):  # new walks, of different lengths
    walk = rng.normal(size=length * STEPS).cumsum() / 4
    reset(single)
    answers = single.predict(walk.reshape(-1, STEPS, 1), batch_size=1, verbose=0)
    print("next:", answers[-1, 0])
