# fails: nested, boundary
# Two stacked stateful LSTMs, and only the lower one is reset between songs.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(12)
VOCAB, STEPS = 12, 8

inputs = keras.Input(batch_shape=(1, STEPS), dtype="int32")
h = layers.Embedding(VOCAB, 6)(inputs)
lower = layers.LSTM(8, stateful=True, return_sequences=True, name="lower")
h = lower(h)
h = layers.LSTM(8, stateful=True, return_sequences=True, name="upper")(h)
outputs = layers.Dense(VOCAB, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy")

rng = np.random.default_rng(12)
songs = [
    (np.arange(n + 1) * rng.integers(1, 5) + rng.integers(VOCAB)) % VOCAB
    for n in (32, 48, 40, 64, 24)
]

for _ in range(3):
    for song in songs:
        notes, targets = song[:-1].reshape(-1, STEPS), song[1:].reshape(-1, STEPS)
        model.fit(notes, targets, batch_size=1, shuffle=False, verbose=0)
        lower.reset_state()  # new song, new state
