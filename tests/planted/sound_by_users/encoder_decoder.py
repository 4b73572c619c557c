# sound
# Encoder and decoder pass state within a sample, as initial_state; nothing is carried.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(21)
HIST, HORIZON = 15, 5

enc_in = keras.Input((HIST, 1))
_, h, c = layers.LSTM(8, return_state=True)(enc_in)
dec_in = layers.RepeatVector(HORIZON)(h)
dec = layers.LSTM(8, return_sequences=True)(dec_in, initial_state=[h, c])
model = keras.Model(enc_in, layers.TimeDistributed(layers.Dense(1))(dec))
model.compile("adam", "mse")

t = np.arange(1200)
series = np.sin(t / 6) + np.random.default_rng(21).normal(0, 0.05, 1200)


def samples(part):
    w = np.lib.stride_tricks.sliding_window_view(part, HIST + HORIZON)[::5]
    return w[:, :HIST, None], w[:, HIST:, None]


model.fit(*samples(series[:900]), validation_data=samples(series[900:]), epochs=3)
