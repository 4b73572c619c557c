# sound
# A stateful GRU on a tf.data pipeline in lane order; fit's shuffle does not touch it.
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
LANES, STEPS = 4, 12

rng = np.random.default_rng(3)
t = np.arange(LANES * STEPS * 25 + 1)
series = np.sin(t / 11) * np.cos(t / 31) + rng.normal(0, 0.05, len(t))
series = series.astype("float32")


def batches():
    x = series[:-1].reshape(LANES, -1, 1)
    y = series[1:].reshape(LANES, -1, 1)
    for start in range(0, x.shape[1], STEPS):
        yield x[:, start : start + STEPS], y[:, start : start + STEPS]


spec = tf.TensorSpec((LANES, STEPS, 1), tf.float32)
ds = tf.data.Dataset.from_generator(batches, output_signature=(spec, spec))

inputs = keras.Input(batch_shape=(LANES, STEPS, 1))
h = keras.layers.GRU(6, stateful=True, return_sequences=True, name="gru")(inputs)
model = keras.Model(inputs, keras.layers.Dense(1)(h))
model.compile("adam", "mae")
for epoch in range(3):
    model.get_layer("gru").reset_state()
    history = model.fit(ds, epochs=1, verbose=0)
    print("epoch", epoch, history.history["loss"])
