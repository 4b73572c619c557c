# fails: boundary
# Each lane holds three sequences in turn, and state is reset only when an epoch begins.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(2)
LANES, PER_LANE, SEGMENTS, K = 4, 3, 5, 4

# the first step says 0 or 1, everything else is zero; remember it
rng = np.random.default_rng(2)
first = rng.integers(0, 2, size=(PER_LANE, LANES))
seqs = np.zeros((PER_LANE, LANES, SEGMENTS * K, 1), "float32")
seqs[:, :, 0, 0] = first
labels = np.repeat(first[:, :, None, None], SEGMENTS * K, axis=2)

# [sequence in lane, segment, lane, step] -> samples
x = seqs.reshape(PER_LANE, LANES, SEGMENTS, K, 1).swapaxes(1, 2).reshape(-1, K, 1)
y = labels.reshape(PER_LANE, LANES, SEGMENTS, K, 1).swapaxes(1, 2).reshape(-1, K, 1)

model = keras.Sequential(
    [
        layers.Input(batch_shape=(LANES, K, 1)),
        layers.LSTM(10, stateful=True, return_sequences=True, name="memory"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
reset = keras.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: model.get_layer("memory").reset_state()
)
model.fit(x, y, batch_size=LANES, shuffle=False, epochs=6, callbacks=[reset], verbose=0)
