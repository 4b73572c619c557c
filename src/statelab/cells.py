"""Recurrent cells as pure functions of one time step."""

import tensorflow as tf

State = tuple[tf.Tensor, ...]


def lstm(
    weights: list[tf.Tensor], x: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    r"""Advance an LSTM by one time step.

        i = σ(x Wᵢ + h Uᵢ + bᵢ)      f = σ(x W_f + h U_f + b_f)
        g = tanh(x W_g + h U_g + b_g)  o = σ(x Wₒ + h Uₒ + bₒ)
        c' = f ∘ c + i ∘ g           h' = o ∘ tanh(c')

    All arguments have a leading axis of seeds: one network for each.

    Args:
        weights: kernel [seeds, features, 4 units], recurrent kernel
            [seeds, units, 4 units] and bias [seeds, 4 units], in Keras's order and
            gate order i, f, g, o.
        x: [seeds, lanes, features].
        state: h and c, each [seeds, lanes, units].

    Returns:
        The output [seeds, lanes, units], and the next (h, c).

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; with the forget gate
        of Gers, Schmidhuber and Cummins, Learning to Forget, 2000.
    """
    kernel, recurrent_kernel, bias = weights
    h, c = state
    z = x @ kernel + h @ recurrent_kernel + bias[:, None]  # [S, B, 4U]
    i, f, g, o = tf.split(z, 4, axis=-1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    h = tf.sigmoid(o) * tf.tanh(c)
    return h, (h, c)


CELLS = {"lstm": lstm}
STATE_SIZES = {"lstm": 2}  # tensors of [seeds, lanes, units] that make up a state
WEIGHT_COUNTS = {"lstm": 3}  # tensors that make up a layer's weights
