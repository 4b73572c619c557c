# fails: overlap
# Training takes the first 400 of 500 steps and validation the last 150: 50 are in both.
import keras
import numpy as np
from keras.utils import timeseries_dataset_from_array

keras.utils.set_random_seed(20)
values = np.cumsum(np.random.default_rng(20).normal(size=(500, 2)), axis=0)
values = values.astype("float32") / 10
PAST = 8

train = values[:400]
val = values[-150:]  # last 30 %


def dataset(part, shuffle):
    return timeseries_dataset_from_array(
        part[:-1], part[PAST:, 0], PAST, batch_size=16, shuffle=shuffle, seed=1
    )


def main():
    model = keras.Sequential(
        [
            keras.Input((PAST, 2)),
            keras.layers.LSTM(6, return_sequences=True),
            keras.layers.LSTM(3),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    model.fit(dataset(train, True), validation_data=dataset(val, False), epochs=3)


main()
