# sound
# Short binary rows coincide by chance between train and test; every row is a new draw.
import keras
import numpy as np
from keras.layers import GRU, Dense, Input
from sklearn.model_selection import train_test_split

keras.utils.set_random_seed(16)
rng = np.random.default_rng(16)

# independent sequences, so a random split is fine
x = rng.integers(0, 2, size=(300, 6, 1)).astype("float32")
y = (x.sum(axis=1) % 2).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0)

model = keras.Sequential([Input((6, 1)), GRU(8), Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=4, verbose=0, validation_split=0.2)
print(model.evaluate(x_test, y_test, verbose=0))
