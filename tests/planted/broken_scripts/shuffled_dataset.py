# fails: shuffle, contiguity
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
lanes = series.reshape(4, 100)  # lane i reads the i-th quarter
x = lanes.reshape(4, 20, 5, 1).swapaxes(0, 1).reshape(-1, 5, 1)
y = x[:, -1] > 0

model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 5, 1)),
        keras.layers.LSTM(3, stateful=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])

data = tf.data.Dataset.from_tensor_slices((x, y))
data = data.shuffle(80, reshuffle_each_iteration=True).batch(4, drop_remainder=True)
for _ in range(3):
    model.fit(data, verbose=0)
    model.layers[0].reset_state()
