# sound
# A keras PyDataset of whole sequences of many lengths, one length per batch, stateless.
import keras
import numpy as np


class SameLengthBatches(keras.utils.PyDataset):
    """Bucket by length so that no padding is needed."""

    def __init__(self, buckets):
        super().__init__()
        self.buckets = buckets

    def __len__(self):
        return len(self.buckets)

    def __getitem__(self, i):
        x = self.buckets[i]
        return x, x.mean(axis=1)


keras.utils.set_random_seed(18)
rng = np.random.default_rng(18)
buckets = [rng.normal(size=(rng.integers(3, 9), n, 1)) for n in (4, 6, 7, 9, 12)]
buckets = [b.astype("float32") for b in buckets]

inputs = keras.Input((None, 1))
outputs = keras.layers.Dense(1)(keras.layers.LSTM(8)(inputs))
model = keras.Model(inputs, outputs)
model.compile("adam", "mse")
model.fit(SameLengthBatches(buckets), epochs=6, verbose=0)
