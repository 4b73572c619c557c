# fails: shuffle, contiguity
# A train_on_batch loop permutes the segments of one series anew in every epoch.
import numpy as np
from keras.layers import Dense, Input, SimpleRNN
from keras.models import Sequential
from keras.utils import set_random_seed

set_random_seed(42)
rng = np.random.default_rng(42)

# random walk, differenced
walk = np.cumsum(rng.normal(size=601)).astype("float32")
diff = np.diff(walk, prepend=walk[0])
x = diff[:600].reshape(-1, 5, 1)  # 120 segments of 5 steps
y = diff[1:601].reshape(-1, 5, 1)[:, -1]

model = Sequential()
model.add(Input(batch_shape=(1, 5, 1)))
model.add(SimpleRNN(8, stateful=True))
model.add(Dense(1))
model.compile(loss="mse", optimizer="rmsprop")

for epoch in range(2):
    model.layers[0].reset_state()
    losses = []
    for i in rng.permutation(len(x)):  # shuffling helps SGD
        losses.append(model.train_on_batch(x[i : i + 1], y[i : i + 1]))
    print(f"epoch {epoch}: {np.mean(losses):.4f}")
