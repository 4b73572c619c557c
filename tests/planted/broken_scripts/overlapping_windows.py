# fails: contiguity
import keras
import numpy as np

keras.utils.set_random_seed(1)


def windows(data, look_back=5):
    x = [data[i : i + look_back] for i in range(len(data) - look_back)]
    return np.array(x), data[look_back:]


def main():
    data = np.sin(np.arange(106)[:, None] * 0.37) + np.arange(106)[:, None] * 0.01
    x, y = windows(data)
    del data
    model = keras.Sequential()
    model.add(keras.Input(batch_shape=(1, 5, 1)))
    model.add(keras.layers.SimpleRNN(4, stateful=True))
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    for _ in range(2):
        model.fit(x[:100], y[:100], epochs=1, batch_size=1, shuffle=False, verbose=0)
        model.layers[0].reset_state()


main()
