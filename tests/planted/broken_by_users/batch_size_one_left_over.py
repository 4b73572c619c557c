# fails: batch_size
# 41 samples at batch 4: the last one stands alone and is broadcast over all four lanes.
import keras
import numpy as np
from keras.layers import LSTM, Dense, Input

keras.utils.set_random_seed(25)
rng = np.random.default_rng(25)
BATCH = 4


class ResetEveryBatch(keras.callbacks.Callback):
    # each row is a sequence of its own
    def on_train_batch_begin(self, batch, logs=None):
        self.model.layers[0].reset_state()


x = rng.normal(size=(41, 9, 1)).astype("float32")
y = x[:, 0] - x[:, -1]
model = keras.Sequential(
    [Input(batch_shape=(BATCH, 9, 1)), LSTM(6, stateful=True), Dense(1)]
)
model.compile("adam", "mse")
model.fit(
    x,
    y,
    batch_size=BATCH,
    epochs=4,
    shuffle=False,
    verbose=2,
    callbacks=[ResetEveryBatch()],
)
