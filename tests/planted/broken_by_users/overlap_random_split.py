# fails: overlap
# Windows are made first and split at random afterwards: neighbours land on both sides.
import numpy as np
from keras.layers import LSTM, Dense, Input
from keras.models import Sequential
from keras.utils import set_random_seed
from sklearn.model_selection import train_test_split

set_random_seed(18)


def split_sequence(sequence, n_steps):
    X, y = [], []
    for i in range(len(sequence)):
        end_ix = i + n_steps
        if end_ix > len(sequence) - 1:
            break
        X.append(sequence[i:end_ix])
        y.append(sequence[end_ix])
    return np.array(X), np.array(y)


rng = np.random.default_rng(18)
raw_seq = np.cumsum(rng.normal(size=500)) / 10
X, y = split_sequence(raw_seq, 10)
X = X.reshape((X.shape[0], X.shape[1], 1))

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=1)

model = Sequential([Input((10, 1)), LSTM(8, activation="tanh"), Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(X_train, y_train, epochs=5, verbose=0, validation_data=(X_test, y_test))
print(model.predict(X_test[:3], verbose=0))
