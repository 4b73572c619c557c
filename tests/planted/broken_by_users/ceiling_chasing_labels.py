# fails: ceiling
# State is reset rightly and x is equal in all sequences: 0.5 is the best there is.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(31)
SEQS, STEPS = 12, 16


class ResetPerSequence(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch % STEPS == 0:
            self.model.get_layer("rnn").reset_state()


# the only feature is the hour; the label is the weather of that day
day = np.array([0, 1] * (SEQS // 2))
x = np.tile(np.arange(STEPS) / STEPS, SEQS).reshape(-1, 1, 1).astype("float32")
y = np.repeat(day, STEPS).astype("float32").reshape(-1, 1)

model = keras.Sequential(
    [
        layers.Input(batch_shape=(1, 1, 1)),
        layers.SimpleRNN(8, stateful=True, name="rnn"),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    x, y, batch_size=1, epochs=2, shuffle=False, verbose=0,
    callbacks=[ResetPerSequence()],
)  # fmt: skip
print("training accuracy", history.history["accuracy"])
