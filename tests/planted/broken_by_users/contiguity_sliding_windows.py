# fails: contiguity
# Sliding windows in a row: a batch's rows are neighbours, not lanes that go on.
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(7)
look_back = 15
batch_size = 32


def create_dataset(dataset, look_back=1):
    dataX, dataY = [], []
    for i in range(len(dataset) - look_back):
        dataX.append(dataset[i : i + look_back])
        dataY.append(dataset[i + look_back, 0])
    return np.array(dataX), np.array(dataY)


data = np.cumsum(np.random.default_rng(7).normal(size=(655, 1)), axis=0)
data = data / 30
trainX, trainY = create_dataset(data, look_back)  # 640 windows = 20 batches


class ResetStatesCallback(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.layers[0].reset_state()


model = keras.Sequential()
model.add(layers.Input(batch_shape=(batch_size, look_back, 1)))
model.add(layers.LSTM(4, stateful=True))
model.add(layers.Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(
    trainX,
    trainY,
    epochs=4,
    batch_size=batch_size,
    shuffle=False,  # stateful!
    callbacks=[ResetStatesCallback()],
    verbose=0,
)
