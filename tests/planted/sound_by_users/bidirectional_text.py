# sound
# A bidirectional stateless tagger, embedding and masked zeros; nothing is carried.
import keras
import numpy as np
from keras.layers import LSTM, Bidirectional, Dense, Embedding, Input, TimeDistributed

keras.utils.set_random_seed(5)
VOCAB, MAXLEN = 20, 12


def make_corpus(n, rng):
    words = rng.integers(1, VOCAB, size=(n, MAXLEN))
    lengths = rng.integers(5, MAXLEN + 1, size=n)
    words[np.arange(MAXLEN) >= lengths[:, None]] = 0
    tags = (np.roll(words, -1, axis=1) > words).astype("int32")
    return words, tags


rng = np.random.default_rng(5)
x, y = make_corpus(100, rng)
x_dev, y_dev = make_corpus(20, rng)

model = keras.Sequential()
model.add(Input((MAXLEN,)))
model.add(Embedding(VOCAB, 6, mask_zero=True))
model.add(Bidirectional(LSTM(5, return_sequences=True)))
model.add(TimeDistributed(Dense(2, activation="softmax")))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, validation_data=(x_dev, y_dev), epochs=3, verbose=0)
print(model.predict(x_dev, verbose=0).argmax(-1)[0])
