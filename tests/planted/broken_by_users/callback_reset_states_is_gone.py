# fails: callback, boundary
# From Keras 2: a Keras 3 model has no reset_states, so the callback does nothing.
import keras
import numpy as np

keras.utils.set_random_seed(4)


class StateResetter(keras.callbacks.Callback):
    # https://stackoverflow.com/a/... (adapted, crashed without the hasattr)
    def __init__(self, every):
        super().__init__()
        self.every = every

    def on_train_batch_begin(self, batch, logs=None):
        if batch % self.every == 0 and hasattr(self.model, "reset_states"):
            self.model.reset_states()


def build(units=7):
    i = keras.Input(batch_shape=(2, 3, 1))
    o = keras.layers.LSTM(units, stateful=True)(i)
    o = keras.layers.Dense(1)(o)
    m = keras.Model(i, o)
    m.compile(optimizer=keras.optimizers.RMSprop(0.005), loss="mse")
    return m


rng = np.random.default_rng(4)
seqs = rng.normal(size=(20, 12, 1)).cumsum(axis=1)  # 20 walks of 12 steps
targets = seqs.mean(axis=1)
# pairs of walks, four batches each
x = seqs.reshape(10, 2, 4, 3, 1).swapaxes(1, 2).reshape(-1, 3, 1)
y = np.repeat(targets.reshape(10, 1, 2, 1), 4, axis=1).reshape(-1, 1)
build().fit(
    x, y, batch_size=2, epochs=2, shuffle=False, callbacks=[StateResetter(4)], verbose=0
)
