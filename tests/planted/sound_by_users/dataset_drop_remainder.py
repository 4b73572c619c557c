# sound
# tf.data with shuffle and drop_remainder for a stateless GRU.
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(6)


def pipeline(x, y, training):
    ds = tf.data.Dataset.from_tensor_slices((x, y))
    if training:
        ds = ds.shuffle(len(x), seed=6)
    return ds.batch(16, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def main():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(150, 10, 3)).astype("float32")
    y = x[:, :, 0].max(axis=1, keepdims=True)
    inputs = keras.Input((10, 3))
    h = keras.layers.GRU(8, return_sequences=True)(inputs)
    h = keras.layers.GlobalMaxPooling1D()(h)
    model = keras.Model(inputs, keras.layers.Dense(1)(h))
    model.compile("adam", "mse")
    model.fit(
        pipeline(x[:110], y[:110], True),
        validation_data=pipeline(x[110:], y[110:], False),
        epochs=4,
        verbose=0,
    )


if __name__ == "__main__":
    main()
