import keras
import numpy as np
import pytest
import tensorflow as tf

from statelab import cells


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_lstm_by_hand():
    # one seed, one lane, one feature, one unit: x = 2, h = 0.5, c = -1.5
    kernel = np.float32([[[0.1, -0.2, 0.3, 0.4]]])
    recurrent = np.float32([[[0.5, 0.6, -0.7, 0.8]]])
    bias = np.float32([[0.01, 0.02, 0.03, -0.04]])
    i, f, o = sigmoid(0.2 + 0.25 + 0.01), sigmoid(-0.4 + 0.3 + 0.02), sigmoid(1.16)
    g = np.tanh(0.6 - 0.35 + 0.03)
    c = f * -1.5 + i * g
    h = o * np.tanh(c)
    output, (new_h, new_c) = cells.lstm(
        [kernel, recurrent, bias],
        np.float32([[[2]]]),
        (tf.constant([[[0.5]]]), tf.constant([[[-1.5]]])),
    )
    assert output.numpy().item() == pytest.approx(h, rel=1e-6)
    assert new_h.numpy().item() == pytest.approx(h, rel=1e-6)
    assert new_c.numpy().item() == pytest.approx(c, rel=1e-6)


def test_lstm_is_the_cell_of_keras_for_every_seed():
    rng = np.random.default_rng(0)
    seeds, lanes, features, units = 3, 4, 2, 5
    shapes = [(features, 4 * units), (units, 4 * units), (4 * units,)]
    weights = [rng.normal(size=(seeds, *s)).astype(np.float32) for s in shapes]
    x = rng.normal(size=(seeds, lanes, features)).astype(np.float32)
    h, c = rng.normal(size=(2, seeds, lanes, units)).astype(np.float32)
    _, (new_h, new_c) = cells.lstm(weights, x, (tf.constant(h), tf.constant(c)))
    for k in range(seeds):
        cell = keras.layers.LSTMCell(units)
        cell.build((lanes, features))
        cell.set_weights([each[k] for each in weights])
        _, (keras_h, keras_c) = cell(x[k], [h[k], c[k]])
        np.testing.assert_allclose(new_h[k], keras_h, atol=1e-6)
        np.testing.assert_allclose(new_c[k], keras_c, atol=1e-6)
