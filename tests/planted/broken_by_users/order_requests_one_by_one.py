# fails: order, boundary
# A service answers one sequence after the other with a stateful model of batch 1.
import keras
import numpy as np
from keras.layers import GRU, Dense, Input

keras.utils.set_random_seed(24)
rng = np.random.default_rng(24)
T = 10


def build(batch_size, stateful):
    m = keras.Sequential(
        [
            Input(batch_shape=(batch_size, T, 1)),
            GRU(6, stateful=stateful),
            Dense(1),
        ]
    )
    m.compile("adam", "mse")
    return m


# train stateless, big batches
x = rng.uniform(size=(128, T, 1)).astype("float32")
y = x.max(axis=1)
trainer = build(None, stateful=False)
trainer.fit(x, y, epochs=4, batch_size=32, verbose=0)

# serve with batch size 1
server = build(1, stateful=True)
server.set_weights(trainer.get_weights())
requests = rng.uniform(size=(6, T, 1)).astype("float32")
for i, request in enumerate(requests):
    answer = server.predict(request[None], batch_size=1, verbose=0)
    print(f"request {i}: {answer[0, 0]:.3f}")
