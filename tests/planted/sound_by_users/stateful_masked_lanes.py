# sound
# Four stays of different length, one per lane; padding is masked and keeps state.
import keras
import numpy as np
from keras.layers import GRU, Dense, Input, Masking

keras.utils.set_random_seed(19)
rng = np.random.default_rng(19)
PAD, STEPS = -9.0, 5

stays = [rng.normal(size=(n, 2)).cumsum(axis=0) / 4 for n in (31, 17, 40, 24)]
padded = keras.utils.pad_sequences(stays, 40, "float32", padding="post", value=PAD)
target = np.array([s[-1] for s in stays])  # the last measurement
real = np.arange(40) < np.array([len(s) for s in stays])[:, None]

model = keras.Sequential(
    [
        Input(batch_shape=(4, STEPS, 2)),
        Masking(PAD),
        GRU(8, stateful=True),
        Dense(2),
    ]
)
model.compile("adam", "mse")
for _ in range(10):
    model.layers[1].reset_state()
    for t in range(0, 40, STEPS):
        # no loss where the whole segment is padding
        weight = real[:, t : t + STEPS].any(axis=1).astype("float32")
        model.train_on_batch(padded[:, t : t + STEPS], target, sample_weight=weight)
