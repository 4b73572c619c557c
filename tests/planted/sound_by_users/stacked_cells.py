# sound
# RNN over two LSTM cells, stateful over a song's segments, zeroed before each song.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(12)
VOCAB, STEPS = 12, 8

inputs = keras.Input(batch_shape=(1, STEPS), dtype="int32")
h = layers.Embedding(VOCAB, 6)(inputs)
stack = layers.RNN(
    [layers.LSTMCell(8), layers.LSTMCell(5)], stateful=True, return_sequences=True
)
outputs = layers.Dense(VOCAB, activation="softmax")(stack(h))
model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy")

rng = np.random.default_rng(12)
songs = [
    (np.arange(n + 1) * rng.integers(1, 5) + rng.integers(VOCAB)) % VOCAB
    for n in (32, 48, 40, 64, 24)
]
for _ in range(2):
    for song in songs:
        # new song, new state; reset_state() fails on nested states (keras 3.15)
        for state in keras.tree.flatten(stack.states):
            state.assign(keras.ops.zeros_like(state))
        notes, targets = song[:-1].reshape(-1, STEPS), song[1:].reshape(-1, STEPS)
        model.fit(notes, targets, batch_size=1, shuffle=False, verbose=0)
