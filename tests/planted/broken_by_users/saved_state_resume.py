# fails: saved_state
# Training stops half way in the series and resumes from weights, without the state.
import pathlib
import tempfile

import keras
import numpy as np

keras.utils.set_random_seed(29)
BATCH, STEPS = 3, 5


def make_model():
    inp = keras.Input(batch_shape=(BATCH, STEPS, 2))
    h = keras.layers.GRU(6, stateful=True, return_sequences=True)(inp)
    model = keras.Model(inp, keras.layers.Dense(1)(h))
    model.compile("adam", "mse")
    return model


rng = np.random.default_rng(29)
x = rng.normal(size=(40, BATCH, STEPS, 2)).cumsum(axis=0) / 5  # 40 batches in order
y = x.mean(axis=-1, keepdims=True)

with tempfile.TemporaryDirectory() as tmp:
    checkpoint = pathlib.Path(tmp) / "half.weights.h5"
    model = make_model()
    for step in range(20):
        model.train_on_batch(x[step], y[step])
    model.save_weights(checkpoint)

    # next day: load the checkpoint and go on
    model = make_model()
    model.load_weights(checkpoint)
    for step in range(20, 40):
        loss = model.train_on_batch(x[step], y[step])
print("final loss", float(loss))
