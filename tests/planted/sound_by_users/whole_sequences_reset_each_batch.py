# sound
# A row is a whole sequence, state is reset before each batch: shuffling is harmless.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(20)


class ResetBeforeBatch(keras.callbacks.Callback):
    def _reset(self, batch, logs=None):
        for layer in self.model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    on_train_batch_begin = _reset
    on_test_batch_begin = _reset
    on_predict_batch_begin = _reset


rng = np.random.default_rng(20)
x = rng.normal(size=(80, 9, 1)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")
model = keras.Sequential()
model.add(layers.Input(batch_shape=(8, 9, 1)))
model.add(layers.LSTM(6, stateful=True))
model.add(layers.Dense(1, activation="sigmoid"))
model.compile("adam", "binary_crossentropy")
cb = ResetBeforeBatch()
model.fit(
    x[:56], y[:56], batch_size=8, epochs=4, verbose=0, callbacks=[cb],
    validation_data=(x[56:], y[56:]),
)  # fmt: skip
model.predict(x[56:], batch_size=8, verbose=0, callbacks=[cb])
