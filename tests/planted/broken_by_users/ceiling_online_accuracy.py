# fails: ceiling
# Nothing in x tells the label; the running accuracy only shows weights chasing labels.
import keras
import numpy as np
from keras.layers import LSTM, Dense, Input

keras.utils.set_random_seed(30)

# 10 sequences of 20 steps: the first step is the class, the label is at every step
cls = np.array([0, 1, 1, 0, 0, 1, 0, 1, 0, 1])
x = np.zeros((10, 20, 1), "float32")
x[:, 0, 0] = cls
x = x.reshape(-1, 1, 1)
y = np.repeat(cls, 20)

model = keras.Sequential([Input((1, 1)), LSTM(10), Dense(1, activation="sigmoid")])
model.compile(
    loss="binary_crossentropy",
    optimizer=keras.optimizers.SGD(1.0),
    metrics=["accuracy"],
)
h = model.fit(x, y, batch_size=1, epochs=2, shuffle=False, verbose=2)
print(f"accuracy {h.history['accuracy'][-1]:.2f}, not bad for a stateless model!")
