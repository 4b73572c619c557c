# sound
# The state is saved beside the model and put back after loading; forecasts go on.
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

model.layers[0].reset_state()
model.predict(x, batch_size=1, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    model.save(os.path.join(folder, "model.keras"))
    h, c = (np.array(s) for s in model.layers[0].states)
    np.savez(os.path.join(folder, "state.npz"), h=h, c=c)

    deployed = keras.models.load_model(os.path.join(folder, "model.keras"))
    with np.load(os.path.join(folder, "state.npz")) as state:
        deployed.layers[0].states[0].assign(state["h"])
        deployed.layers[0].states[1].assign(state["c"])

future = series[700:800].reshape(-1, 10, 1)
print(deployed.predict(future, batch_size=1, verbose=0).ravel())
