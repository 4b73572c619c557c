# fails: saved_state
import tempfile

import keras
import numpy as np

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
x = series.reshape(-1, 5, 1)
model = keras.Sequential(
    [
        keras.Input(batch_shape=(1, 5, 1)),
        keras.layers.LSTM(3, stateful=True),
        keras.layers.Dense(1),
    ]
)
model.compile("adam", "mse")
model.fit(x[:60], x[1:61, 0], batch_size=1, shuffle=False, verbose=0)
with tempfile.TemporaryDirectory() as folder:
    model.save(f"{folder}/model.keras")
    model = keras.models.load_model(f"{folder}/model.keras")
print(model.predict(x[60:], batch_size=1, verbose=0)[:3])
