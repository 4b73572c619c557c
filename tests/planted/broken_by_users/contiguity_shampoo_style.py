# fails: contiguity
# Batch 1 on windows of 3 with stride 1: the carried state sees most steps three times.
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(1)


def timeseries_to_supervised(values, lag):
    x = np.lib.stride_tricks.sliding_window_view(values[:-1], lag)
    return x[..., None], values[lag:]


def fit_lstm(x, y, nb_epoch, neurons):
    model = Sequential()
    model.add(Input(batch_shape=(1, x.shape[1], x.shape[2])))
    model.add(LSTM(neurons, stateful=True))
    model.add(Dense(1))
    model.compile(loss="mean_squared_error", optimizer="adam")
    for _ in range(nb_epoch):
        model.fit(x, y, epochs=1, batch_size=1, verbose=0, shuffle=False)
        for layer in model.layers:  # model.reset_states() is gone
            if hasattr(layer, "reset_states"):
                layer.reset_states()
    return model


sales = np.linspace(100, 300, 90) + np.random.default_rng(1).normal(0, 40, 90)
differenced = np.diff(sales)
differenced = differenced / np.abs(differenced).max()
X, Y = timeseries_to_supervised(differenced, 3)
lstm_model = fit_lstm(X, Y, nb_epoch=3, neurons=4)
lstm_model.summary()
