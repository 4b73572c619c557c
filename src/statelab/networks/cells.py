"""Recurrent cells as pure functions of one time step, in the letters of their papers.

A cell does not see the input x or the state h themselves, but their *projections*:
their products with the kernels, biases added. Those of x do not depend on the order of
time, so that a whole sample's are one matrix product (`recurrence`); what is left to a
cell is elementwise. σ is the logistic function, ∘ the elementwise product.

Each cell of `config.networks.CELLS` is a function of the same name.
"""

import numpy as np
import tensorflow as tf

from statelab.networks.lane_state import State

Projections = tuple[tf.Tensor, ...]  # each [seeds, lanes, gates * units]


def lstm(projections: Projections, state: State) -> State:
    r"""Advance an LSTM by one time step.

        i = σ(x Wᵢ + h Uᵢ + bᵢ)        f = σ(x W_f + h U_f + b_f)
        g = tanh(x W_g + h U_g + b_g)  o = σ(x Wₒ + h Uₒ + bₒ)
        c' = f ∘ c + i ∘ g             h' = o ∘ tanh(c')

    Args:
        projections: x W + h U + b, [seeds, lanes, 4 * units], in Keras's order i, f, g,
            o.
        state: h and c, each [seeds, lanes, units].

    Returns:
        The next h and c.

    Example:
        >>> z = tf.constant([[[0.0, 100.0, 0.0, 100.0]]])  # keep c, show it
        >>> h, c = lstm((z,), (tf.zeros((1, 1, 1)), tf.ones((1, 1, 1))))
        >>> round(float(h[0, 0, 0]), 4), float(c[0, 0, 0])
        (0.7616, 1.0)

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; with the forget gate
        of Gers, Schmidhuber and Cummins, Learning to Forget, 2000.
    """
    (z,) = projections
    _, c = state
    # One kernel for all gates in place of four: tanh(z) = 2 σ(2z) - 1.
    units: int = c.shape[-1]  # pyright: ignore[reportAssignmentType]
    twice = np.repeat(np.array([1, 1, 2, 1], np.float32), units)
    i, f, g, o = tf.split(tf.sigmoid(z * twice), 4, axis=-1)
    c = f * c + i * (2 * g - 1)
    return o * tf.tanh(c), c


def gru(projections: Projections, state: State) -> State:
    r"""Advance a GRU by one time step, its reset gate after the product, as in Keras.

        z = σ(x W_z + b_z + h U_z + d_z)  r = σ(x Wᵣ + bᵣ + h Uᵣ + dᵣ)
        g = tanh(x W_g + b_g + r ∘ (h U_g + d_g))
        h' = z ∘ h + (1 - z) ∘ g

    Args:
        projections: x W + b and h U + d, each [seeds, lanes, 3 * units], in Keras's
            order z, r, g.
        state: h alone, [seeds, lanes, units].

    Returns:
        The next h.

    Example:
        >>> x, h = tf.constant([[[-100.0, 0.0, 0.5]]]), tf.zeros((1, 1, 3))
        >>> round(float(gru((x, h), (tf.ones((1, 1, 1)),))[0][0, 0, 0]), 4)  # tanh 0.5
        0.4621

    Reference:
        Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014, in
        the form of version 1 of the paper, which cuDNN computes.
    """
    x, h_projected = projections
    (h,) = state
    units: int = h.shape[-1]  # pyright: ignore[reportAssignmentType]
    both = 2 * units  # columns of z and r: one kernel for both
    z, r = tf.split(tf.sigmoid(x[:, :, :both] + h_projected[:, :, :both]), 2, axis=-1)
    return (z * h + (1 - z) * tf.tanh(x[:, :, both:] + r * h_projected[:, :, both:]),)


def simple_rnn(projections: Projections, state: State) -> State:
    """Advance a simple recurrent network by one time step.

        h' = tanh(x W + h U + b)

    Args:
        projections: x W + h U + b, [seeds, lanes, units].
        state: h alone, which is in the projections already.

    Returns:
        The next h.

    Example:
        >>> simple_rnn((tf.constant([[[0.5]]]),), ())[0].numpy().round(4)
        array([[[0.4621]]], dtype=float32)

    Reference:
        Elman, Finding Structure in Time, 1990.
    """
    (z,) = projections
    return (tf.tanh(z),)
