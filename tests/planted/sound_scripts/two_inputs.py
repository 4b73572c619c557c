# sound: a functional model of two inputs, fed by tf.data
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(1)
rng = np.random.default_rng(6)
steps = rng.normal(size=(48, 7, 2)).astype("float32")
extra = rng.normal(size=(48, 3)).astype("float32")
y = steps[:, 0, :1] + extra[:, :1]
data = tf.data.Dataset.from_tensor_slices(({"steps": steps, "extra": extra}, y))
one, other = keras.Input((7, 2), name="steps"), keras.Input((3,), name="extra")
hidden = keras.layers.Concatenate()([keras.layers.GRU(4)(one), other])
model = keras.Model([one, other], keras.layers.Dense(1)(hidden))
model.compile("adam", "mse")
model.fit(data.shuffle(48).batch(8), epochs=2, verbose=0)
