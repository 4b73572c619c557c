# fails: batch_size
import keras
import numpy as np

keras.utils.set_random_seed(1)
rng = np.random.default_rng(3)
X = rng.normal(size=(16, 12, 1)).astype("float32")  # sequences of their own
y = (X[:, 0, 0] > 0).astype("float32")
model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 3, 1)),
        keras.layers.LSTM(4, stateful=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
for _ in range(2):
    for first in range(0, 16, 4):
        model.layers[0].reset_state()
        for step in range(0, 12, 3):
            piece = X[first : first + 4, step : step + 3]
            model.train_on_batch(piece, y[first : first + 4])
model.layers[0].reset_state()

model.predict(X[:4, :3], batch_size=4, verbose=0)
model.layers[0].reset_state()
print(model.predict(X[:1, :3], batch_size=1, verbose=0))
