# sound
# Ragged sequences, padded with zeros at the end and masked, in a stateless LSTM.
import keras
import numpy as np
from keras import layers
from keras.utils import pad_sequences

keras.utils.set_random_seed(4)
rng = np.random.default_rng(4)

sequences = [rng.normal(size=(rng.integers(4, 15), 2)) for _ in range(90)]
labels = np.array([s[:, 0].sum() > 0 for s in sequences]).astype("float32")
x = pad_sequences(sequences, padding="post", dtype="float32", value=0.0)
x_train, x_val, x_test = x[:60], x[60:75], x[75:]
y_train, y_val, y_test = labels[:60], labels[60:75], labels[75:]

model = keras.Sequential(
    [
        keras.Input((None, 2)),
        layers.Masking(mask_value=0.0),
        layers.LSTM(8),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(
    x_train, y_train, validation_data=(x_val, y_val), epochs=5, batch_size=16, verbose=0
)
print(model.evaluate(x_test, y_test, verbose=0, return_dict=True))
