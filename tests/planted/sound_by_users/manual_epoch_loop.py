# sound
# Batch 1 on segments that do not overlap, one fit() per epoch and a reset after each.
import numpy as np
from keras.layers import GRU, Dense, Input
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(1)


def fit_gru(x, y, nb_epoch, neurons):
    model = Sequential()
    model.add(Input(batch_shape=(1, x.shape[1], 1)))
    model.add(GRU(neurons, stateful=True))
    model.add(Dense(1))
    model.compile(loss="mean_squared_error", optimizer="adam")
    for _ in range(nb_epoch):
        model.fit(x, y, epochs=1, batch_size=1, verbose=0, shuffle=False)
        for layer in model.layers:
            if hasattr(layer, "reset_states"):
                layer.reset_states()
    return model


sales = np.linspace(100, 300, 182) + np.random.default_rng(1).normal(0, 40, 182)
differenced = np.diff(sales) / 100
X = differenced[:180].reshape(-1, 3, 1)
Y = differenced[3:181:3]
model = fit_gru(X, Y, nb_epoch=4, neurons=4)
print(model.predict(X, batch_size=1, verbose=0)[-1])
