# sound: test follows training in time, and so does state
import keras
import numpy as np

keras.utils.set_random_seed(1)
series = np.cumsum(np.random.default_rng(2).normal(size=400)).astype("float32")
x = series.reshape(-1, 1, 1)
model = keras.Sequential(
    [
        keras.Input(batch_shape=(1, 1, 1)),
        keras.layers.LSTM(3, stateful=True),
        keras.layers.Dense(1),
    ]
)
model.compile("adam", "mse")
for _ in range(2):
    model.layers[0].reset_state()
    model.fit(x[:100], x[1:101, 0], batch_size=1, shuffle=False, verbose=0)
print(model.predict(x[100:150], batch_size=1, verbose=0).ravel()[:3])
