# fails: callback, boundary
# Reset after batches 0, 5, 10: one batch too late, inside the next sequence.
import keras
import numpy as np
from keras.layers import Dense, Input, SimpleRNN

keras.utils.set_random_seed(9)
BATCHES_PER_SEQ = 5


class ResetRNN(keras.callbacks.Callback):
    """Reset the hidden state after every sequence."""

    def on_train_batch_end(self, batch, logs=None):
        if batch % BATCHES_PER_SEQ == 0:
            self.model.get_layer("rnn").reset_state()

    def on_epoch_end(self, epoch, logs=None):
        self.model.get_layer("rnn").reset_state()


def load_sequences(n=32, length=20):
    r = np.random.default_rng(9)
    slopes = r.uniform(-1, 1, size=(n, 1))
    return (slopes * np.arange(length + 1) / 10).astype("float32")


seqs = load_sequences()
# batch of 4 sequences, 4 steps at a time
x = seqs[:, :-1].reshape(8, 4, 5, 4).swapaxes(1, 2).reshape(-1, 4, 1)
y = seqs[:, 1:].reshape(8, 4, 5, 4).swapaxes(1, 2).reshape(-1, 4, 1)[:, -1]
model = keras.Sequential(
    [Input(batch_shape=(4, 4, 1)), SimpleRNN(8, stateful=True, name="rnn"), Dense(1)]
)
model.compile("sgd", "mse")
model.fit(
    x, y, batch_size=4, epochs=3, shuffle=False, verbose=0, callbacks=[ResetRNN()]
)
