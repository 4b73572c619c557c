# fails: saved_state
# The model reads the history, is saved and loaded, and forecasts from an empty state.
import os
import tempfile

import keras
import numpy as np
from keras.layers import LSTM, Dense, Input

keras.utils.set_random_seed(28)
t = np.arange(801)
series = (np.sin(t / 9) * np.sin(t / 40)).astype("float32")

model = keras.Sequential(
    [Input(batch_shape=(1, 10, 1)), LSTM(8, stateful=True), Dense(1)]
)
model.compile("adam", "mse")
x, y = series[:700].reshape(-1, 10, 1), series[10:701:10].reshape(-1, 1)
for _ in range(3):
    model.layers[0].reset_state()
    model.fit(x, y, batch_size=1, epochs=1, shuffle=False, verbose=0)

# run over the history once more so that the state is warm
model.layers[0].reset_state()
model.predict(x, batch_size=1, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "warm_model.keras")
    model.save(path)
    deployed = keras.models.load_model(path)

future = series[700:800].reshape(-1, 10, 1)  # goes on where the history ended
print(deployed.predict(future, batch_size=1, verbose=0).ravel())
