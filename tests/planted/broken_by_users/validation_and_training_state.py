# fails: validation_state, training_state
# Nobody resets: validation begins from training's state, training from its.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(17)
rng = np.random.default_rng(17)

BATCH = 8


# every lane is one customer, 6 segments of 7 days
def customers():
    sales = rng.poisson(3, size=(BATCH, 43)).astype("float32") / 10
    x = sales[:, :-1].reshape(BATCH, 6, 7, 1).swapaxes(0, 1).reshape(-1, 7, 1)
    y = sales[:, 7::7].swapaxes(0, 1).reshape(-1, 1)
    return x, y


x_train, y_train = customers()
x_val, y_val = customers()

model = keras.Sequential()
model.add(layers.Input(batch_shape=(BATCH, 7, 1)))
model.add(layers.GRU(10, stateful=True))
model.add(layers.Dropout(0.1))
model.add(layers.Dense(1))
model.compile(loss="mse", optimizer="adam")
# shuffle must be off with stateful=True
model.fit(
    x_train,
    y_train,
    batch_size=BATCH,
    epochs=5,
    shuffle=False,
    verbose=0,
    validation_data=(x_val, y_val),
    validation_batch_size=BATCH,
)
