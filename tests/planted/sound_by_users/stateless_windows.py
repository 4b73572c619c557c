# sound
# Stateless; the series is split before windows are made, and shuffle is harmless.
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(0)


def split_sequence(sequence, n_steps):
    X, y = [], []
    for i in range(len(sequence) - n_steps):
        X.append(sequence[i : i + n_steps])
        y.append(sequence[i + n_steps])
    return np.array(X)[..., None], np.array(y)


raw_seq = np.cumsum(np.random.default_rng(0).normal(size=500)) / 10
X_train, y_train = split_sequence(raw_seq[:400], 10)
X_val, y_val = split_sequence(raw_seq[400:], 10)

model = Sequential([Input((10, 1)), LSTM(8), Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(X_train, y_train, epochs=5, verbose=0, validation_data=(X_val, y_val))
print(model.predict(X_val[:3], verbose=0).ravel())
