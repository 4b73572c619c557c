# fails: shuffle, contiguity
# The tf.data pipeline shuffles the segments of a series on which a stateful GRU runs.
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)


def make_dataset(series, lanes=4, steps=12):
    per_lane = (len(series) - 1) // (lanes * steps)
    n = per_lane * lanes * steps
    x = series[:n].reshape(lanes, per_lane, steps, 1)
    y = series[1 : n + 1].reshape(lanes, per_lane, steps, 1)
    x = x.transpose(1, 0, 2, 3).reshape(-1, steps, 1)
    y = y.transpose(1, 0, 2, 3).reshape(-1, steps, 1)
    ds = tf.data.Dataset.from_tensor_slices((x, y))
    # shuffle + batch + prefetch, best practice from the tf.data guide
    return ds.shuffle(1000).batch(lanes, drop_remainder=True).prefetch(2)


def main():
    t = np.arange(1500)
    rng = np.random.default_rng(3)
    series = np.sin(t / 11) * np.cos(t / 31) + rng.normal(0, 0.05, 1500)
    ds = make_dataset(series.astype("float32"))
    inputs = keras.Input(batch_shape=(4, 12, 1))
    h = keras.layers.GRU(6, stateful=True, return_sequences=True, name="gru")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(h))
    model.compile("adam", "mae")
    for epoch in range(3):
        model.get_layer("gru").reset_state()
        history = model.fit(ds, epochs=1, verbose=0)
        print("epoch", epoch, history.history["loss"])


if __name__ == "__main__":
    main()
