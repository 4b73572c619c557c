# sound: ragged sequences, padded and masked, bidirectional
import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(4)
sequences = [rng.normal(size=(rng.integers(3, 12), 2)) for _ in range(60)]
x = keras.utils.pad_sequences(sequences, dtype="float32", padding="post")
y = np.array([s[0, 0] > 0 for s in sequences], "float32")
inputs = keras.Input((None, 2))
hidden = keras.layers.Masking()(inputs)
hidden = keras.layers.Bidirectional(keras.layers.LSTM(3))(hidden)
model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, validation_split=0.25, epochs=2, verbose=0)
