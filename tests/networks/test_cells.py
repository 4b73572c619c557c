import keras
import numpy as np
import pytest
import tensorflow as tf

from statelab.config.networks import CELLS
from statelab.networks import cells


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def one(*numbers: float) -> tf.Tensor:
    """One seed and one lane."""
    return tf.constant([[numbers]], tf.float32)


def test_lstm_by_hand():
    # x W + h U + b for gates i, f, g, o; h = 0.5 is no part of what follows
    (h, c), _ = cells.lstm((one(0.46, -0.08, 0.28, 1.16),), (one(0.5), one(-1.5)))
    c_by_hand = sigmoid(-0.08) * -1.5 + sigmoid(0.46) * np.tanh(0.28)
    assert c.numpy().item() == pytest.approx(c_by_hand, rel=1e-6)
    expected = sigmoid(1.16) * np.tanh(c_by_hand)
    assert h.numpy().item() == pytest.approx(expected, rel=1e-6)


def test_gru_by_hand():
    # gates z, r, g; the reset gate r scales h U + d of the candidate alone
    x, h = one(0.3, -0.4, 0.5), one(0.1, 0.9, -1.2)
    (after,), _ = cells.gru((x, h), (one(2.0),))
    z, r = sigmoid(0.4), sigmoid(0.5)
    expected = z * 2 + (1 - z) * np.tanh(0.5 + r * -1.2)
    assert after.numpy().item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_that_of_keras_for_every_seed(name):
    rng = np.random.default_rng(0)
    seeds, lanes, features, units = 3, 4, 2, 5
    cell = CELLS[name]
    columns = cell.gates * units
    kernel = rng.normal(size=(seeds, features, columns)).astype(np.float32)
    recurrent = rng.normal(size=(seeds, units, columns)).astype(np.float32)
    bias = rng.normal(size=(seeds, cell.biases, columns)).astype(np.float32)
    x = rng.normal(size=(seeds, lanes, features)).astype(np.float32)
    state = rng.normal(size=(cell.states, seeds, lanes, units)).astype(np.float32)
    projections = [x @ kernel + bias[:, :1], state[0] @ recurrent]
    if cell.biases == 1:
        projections = [sum(projections)]
    else:
        projections[1] += bias[:, 1:]
    after, _ = getattr(cells, name)(
        tuple(map(tf.constant, projections)), tuple(map(tf.constant, state))
    )
    for k in range(seeds):
        twin = getattr(keras.layers, f"{cell.keras}Cell")(units)
        twin.build((lanes, features))
        its_bias = bias[k] if cell.biases == 2 else bias[k, 0]
        twin.set_weights([kernel[k], recurrent[k], its_bias])
        _, expected = twin(x[k], [part[k] for part in state])
        for mine, theirs in zip(after, expected, strict=True):
            np.testing.assert_allclose(mine[k], theirs, atol=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_the_gradient_of_a_cell_is_that_of_automatic_differentiation(name):
    rng = np.random.default_rng(1)
    cell, shape = CELLS[name], (2, 3, 4)  # seeds, lanes, units

    def drawn(*, blocks=1):
        return tf.constant(rng.normal(size=(*shape[:2], blocks * 4)), tf.float32)

    projections = tuple(drawn(blocks=cell.gates) for _ in range(cell.biases))
    before = tuple(drawn() for _ in range(cell.states))
    d_after = tuple(drawn() for _ in range(cell.states))
    with tf.GradientTape() as tape:
        tape.watch((projections, before))
        after, gates = getattr(cells, name)(projections, before)
    expected, d_before = tape.gradient(
        after,
        (projections, before),
        output_gradients=d_after,
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    gradient, d_state = getattr(cells, f"{name}_gradient")(
        gates, before, after, d_after
    )
    # by x W + b, and by the last block of h U + d alone: the rest is as by x W + b
    np.testing.assert_allclose(gradient[0], expected[0], atol=1e-6)
    np.testing.assert_allclose(
        gradient[-1], expected[-1][..., -gradient[-1].shape[-1] :], atol=1e-6
    )
    for mine, theirs in zip(d_state, d_before, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
