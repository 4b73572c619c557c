# sound
# Reset before fit and before evaluate in a loop over epochs; lanes are whole sequences.
import keras
import numpy as np

keras.utils.set_random_seed(14)
rng = np.random.default_rng(14)
N, SEGMENTS, STEPS = 10, 6, 5


def sequences():
    s = rng.uniform(0, 1, size=(N, SEGMENTS * STEPS, 1))
    m = np.cumsum(s, axis=1) / np.arange(1, SEGMENTS * STEPS + 1)[:, None]
    shape = (N, SEGMENTS, STEPS, 1)
    x, y = (a.reshape(shape).swapaxes(0, 1).reshape(-1, STEPS, 1) for a in (s, m))
    return x, y


x_train, y_train = sequences()
x_test, y_test = sequences()

model = keras.Sequential(
    [
        keras.layers.Input(batch_shape=(N, STEPS, 1)),
        keras.layers.GRU(8, stateful=True, return_sequences=True, name="gru"),
        keras.layers.Dense(1),
    ]
)
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
gru = model.get_layer("gru")
for i in range(5):
    gru.reset_state()
    model.fit(x_train, y_train, epochs=1, batch_size=N, shuffle=False, verbose=0)
    gru.reset_state()
    loss, mae = model.evaluate(x_test, y_test, batch_size=N, verbose=0)
    print(f"epoch {i} test loss {loss:.4f} mae {mae:.4f}")
