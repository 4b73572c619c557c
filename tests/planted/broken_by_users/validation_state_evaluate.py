# fails: validation_state
# evaluate() on other sequences goes on from the state in which training has ended.
import keras
import numpy as np

keras.utils.set_random_seed(14)
rng = np.random.default_rng(14)
N, SEGMENTS, STEPS = 10, 6, 5


def sequences():
    """10 sequences, one per lane: predict the running mean."""
    s = rng.uniform(0, 1, size=(N, SEGMENTS * STEPS, 1))
    m = np.cumsum(s, axis=1) / np.arange(1, SEGMENTS * STEPS + 1)[:, None]

    def cut(a):
        return a.reshape(N, SEGMENTS, STEPS, 1).swapaxes(0, 1).reshape(-1, STEPS, 1)

    return cut(s), cut(m)


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

for _ in range(6):
    model.get_layer("gru").reset_state()
    model.fit(x_train, y_train, epochs=1, batch_size=N, shuffle=False, verbose=0)

loss, mae = model.evaluate(x_test, y_test, batch_size=N, verbose=0)
print("test loss", loss, "test mae", mae)
