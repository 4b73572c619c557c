# sound
# The reset goes down into nested models, so the LSTM inside the encoder is found.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(6)

encoder = keras.Sequential(
    [layers.Input(batch_shape=(3, 5, 2)), layers.LSTM(6, stateful=True)], name="encoder"
)
head = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(1)])
model = keras.Sequential([encoder, head])
model.compile(optimizer="adam", loss="mae")


def reset_states(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            reset_states(layer)
        elif isinstance(layer, layers.RNN):
            layer.reset_state()


rng = np.random.default_rng(6)
for group in range(8):  # three patients at a time
    visits = rng.normal(size=(3, 20, 2)).cumsum(axis=1) / 5
    outcome = visits[:, :, 0].max(axis=1, keepdims=True)
    reset_states(model)
    for start in range(0, 20, 5):
        loss = model.train_on_batch(visits[:, start : start + 5], outcome)
    print(group, float(loss))
