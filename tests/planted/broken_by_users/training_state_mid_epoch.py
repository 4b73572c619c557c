# fails: training_state, validation_state
# Every 10 batches validation runs on training's state; training goes on at its end.
import keras
import numpy as np

keras.utils.set_random_seed(16)
rng = np.random.default_rng(16)
x = rng.integers(0, 2, size=(4, 400, 1)).astype("float32")
y = np.roll(x, 3, axis=1)  # say what came three steps ago
x_val = rng.integers(0, 2, size=(4, 80, 1)).astype("float32")
y_val = np.roll(x_val, 3, axis=1)

model = keras.Sequential(
    [
        keras.Input(batch_shape=(4, 8, 1)),
        keras.layers.LSTM(8, stateful=True, return_sequences=True),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy")

for epoch in range(2):
    model.layers[0].reset_state()
    for step, t in enumerate(range(0, 400, 8)):
        loss = model.train_on_batch(x[:, t : t + 8], y[:, t : t + 8])
        if step % 10 == 9:
            val = [
                model.test_on_batch(x_val[:, s : s + 8], y_val[:, s : s + 8])
                for s in range(0, 80, 8)
            ]
            print(f"epoch {epoch} step {step} loss {loss:.3f} val {np.mean(val):.3f}")
