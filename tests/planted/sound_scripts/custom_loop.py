# sound: a loop of its own, state reset before each sequence
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
rng = np.random.default_rng(3)
X = rng.normal(size=(8, 12, 1)).astype("float32")
y = (X[:, 0] > 0).astype("float32")
model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 3, 1)),
        keras.layers.LSTM(4, stateful=True),
        keras.layers.Dense(1),
    ]
)
optimizer = keras.optimizers.Adam()
for _ in range(2):
    for first in (0, 4):
        model.layers[0].reset_state()
        for step in range(0, 12, 3):
            with tf.GradientTape() as tape:
                answer = model(X[first : first + 4, step : step + 3], training=True)
                loss = tf.reduce_mean((answer - y[first : first + 4]) ** 2)
            weights = model.trainable_variables
            optimizer.apply(tape.gradient(loss, weights), weights)
