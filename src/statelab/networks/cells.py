"""Recurrent cells as pure functions of one time step, in the letters of their papers.

A cell does not see the input x or the state h themselves, but their *projections*:
their products with the kernels, biases added. Those of x do not depend on the order of
time, so that a whole sample's are one matrix product (`recurrence`); what is left to a
cell is elementwise. σ is the logistic function, ∘ the elementwise product.

Each cell of `config.networks.CELLS` is a function of the same name, and its gradient is
another one, `lstm_gradient` say. That is written out, as what a cell has worked out on
the way forward then need not be worked out again on the way back.
"""

import numpy as np
import tensorflow as tf

from statelab.networks.lane_state import State

Projections = tuple[tf.Tensor, ...]  # each [seeds, lanes, gates * units]
# What the gradient of a time step needs: the gates, [seeds, lanes, gates * units]; of a
# GRU also what its reset gate multiplies, [seeds, lanes, units].
Gates = tuple[tf.Tensor, ...]


def lstm(projections: Projections, state: State) -> tuple[State, Gates]:
    r"""Advance an LSTM by one time step.

        i = σ(x Wᵢ + h Uᵢ + bᵢ)        f = σ(x W_f + h U_f + b_f)
        g = tanh(x W_g + h U_g + b_g)  o = σ(x Wₒ + h Uₒ + bₒ)
        c' = f ∘ c + i ∘ g             h' = o ∘ tanh(c')

    Args:
        projections: x W + h U + b, [seeds, lanes, 4 * units], in Keras's order i, f, g,
            o.
        state: h and c, each [seeds, lanes, units].

    Returns:
        The next h and c; and i, f, g and o.

    Example:
        >>> z = tf.constant([[[0.0, 100.0, 0.0, 100.0]]])  # keep c, show it
        >>> (h, c), _ = lstm((z,), (tf.zeros((1, 1, 1)), tf.ones((1, 1, 1))))
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
    gates = tf.sigmoid(z * twice) * twice - (twice - 1)
    i, f, g, o = tf.split(gates, 4, axis=-1)
    c = f * c + i * g
    return (o * tf.tanh(c), c), (gates,)


def lstm_gradient(
    gates: Gates, before: State, after: State, d_after: State
) -> tuple[Gates, State]:
    r"""Go back by one time step. With δ the gradient by what stands behind it,

        δc' = δc' + δh' ∘ o ∘ (1 - tanh² c')      δc = δc' ∘ f
        δzᵢ = δc' ∘ g ∘ i ∘ (1 - i)               δz_f = δc' ∘ c ∘ f ∘ (1 - f)
        δz_g = δc' ∘ i ∘ (1 - g²)                 δzₒ = δh' ∘ tanh c' ∘ o ∘ (1 - o)

    Args:
        gates: as `lstm` gives them.
        before, after: the state before the step and after it.
        d_after: the gradient of the loss by the state after it.

    Returns:
        The gradient by the projections; and by the state before, save for what passes
        through the projections.

    Example:
        >>> half, zero, one = (tf.fill((1, 1, 1), v) for v in (0.5, 0.0, 1.0))
        >>> gates = tf.concat([half, one, one, half], -1)
        >>> (d_z,), (_, d_c) = lstm_gradient(
        ...     (gates,), (zero, one), (zero, zero), (zero, one))
        >>> d_z.numpy().ravel().tolist(), float(d_c[0, 0, 0])  # c' passes i and f
        ([0.25, 0.0, 0.0, 0.0], 1.0)
    """
    (gate,) = gates
    i, f, g, o = tf.split(gate, 4, axis=-1)
    d_h, d_c = d_after
    shown = tf.tanh(after[1])
    d_c = d_c + d_h * o * (1 - shown * shown)
    d_gate = tf.concat([d_c * g, d_c * before[1], d_c * i, d_h * shown], -1)
    d_z = d_gate * _slope(gate, tanh=[0, 0, 1, 0])
    return (d_z,), (tf.zeros_like(d_h), d_c * f)


def gru(projections: Projections, state: State) -> tuple[State, Gates]:
    r"""Advance a GRU by one time step, its reset gate after the product, as in Keras.

        z = σ(x W_z + b_z + h U_z + d_z)  r = σ(x Wᵣ + bᵣ + h Uᵣ + dᵣ)
        g = tanh(x W_g + b_g + r ∘ (h U_g + d_g))
        h' = z ∘ h + (1 - z) ∘ g

    Args:
        projections: x W + b and h U + d, each [seeds, lanes, 3 * units], in Keras's
            order z, r, g.
        state: h alone, [seeds, lanes, units].

    Returns:
        The next h; and z, r and g, and h U_g + d_g.

    Example:
        >>> x, h = tf.constant([[[-100.0, 0.0, 0.5]]]), tf.zeros((1, 1, 3))
        >>> (after,), _ = gru((x, h), (tf.ones((1, 1, 1)),))
        >>> round(float(after[0, 0, 0]), 4)  # tanh 0.5
        0.4621

    Reference:
        Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014, in
        the form of version 1 of the paper, which cuDNN computes.
    """
    x, h_projected = projections
    (h,) = state
    units: int = h.shape[-1]  # pyright: ignore[reportAssignmentType]
    both = 2 * units  # columns of z and r: one kernel for both
    gates = tf.sigmoid(x[:, :, :both] + h_projected[:, :, :both])
    z, r = tf.split(gates, 2, axis=-1)
    candidate = h_projected[:, :, both:]
    g = tf.tanh(x[:, :, both:] + r * candidate)
    return (z * h + (1 - z) * g,), (tf.concat([gates, g], -1), candidate)


def gru_gradient(
    gates: Gates, before: State, after: State, d_after: State
) -> tuple[Gates, State]:
    r"""Go back by one time step. With a_g what g is the tanh of,

        δa_g = δh' ∘ (1 - z) ∘ (1 - g²)
        δa_z = δh' ∘ (h - g) ∘ z ∘ (1 - z)
        δaᵣ = δa_g ∘ (h U_g + d_g) ∘ r ∘ (1 - r)
        δh = δh' ∘ z

    Args:
        gates: as `gru` gives them.
        before, after, d_after: as in `lstm_gradient`.

    Returns:
        The gradient by x W + b, and by h U_g + d_g, which is δa_g ∘ r: that by the rest
        of h U + d is the same as by x W + b. And the gradient by the state before, save
        for what passes through the projections.

    Example:
        >>> zero, one = tf.zeros((1, 1, 1)), tf.ones((1, 1, 1))
        >>> gates = tf.concat([zero, one / 2, zero], -1), 4 * one
        >>> (d_x, d_candidate), _ = gru_gradient(gates, (one,), (zero,), (one,))
        >>> d_x.numpy().ravel().tolist(), float(d_candidate[0, 0, 0])
        ([0.0, 1.0, 1.0], 0.5)
    """
    del after  # nothing is worked out from it
    gate, candidate = gates
    z, r, g = tf.split(gate, 3, axis=-1)
    (d_h,), (h,) = d_after, before
    d_g = d_h * (1 - z)
    d_candidate = d_g * (1 - g * g)
    d_gate = tf.concat([d_h * (h - g), d_candidate * candidate, d_g], -1)
    d_x_projected = d_gate * _slope(gate, tanh=[0, 0, 1])
    return (d_x_projected, d_candidate * r), (d_h * z,)


def _slope(gate: tf.Tensor, tanh: list[int]) -> tf.Tensor:
    """Return the derivative of all gates at once: σ' = σ(1 - σ), tanh' = 1 - tanh².

    Args:
        gate: [seeds, lanes, gates * units].
        tanh: 1 for a gate that is a tanh, else 0.
    """
    units = gate.shape[-1] // len(tanh)  # pyright: ignore[reportOptionalOperand]
    return (1 - gate) * (gate + np.repeat(np.array(tanh, np.float32), units))


def simple_rnn(projections: Projections, state: State) -> tuple[State, Gates]:
    """Advance a simple recurrent network by one time step.

        h' = tanh(x W + h U + b)

    Args:
        projections: x W + h U + b, [seeds, lanes, units].
        state: h alone, which is in the projections already.

    Returns:
        The next h; and the same again, as what its gradient needs.

    Example:
        >>> (h,), _ = simple_rnn((tf.constant([[[0.5]]]),), ())
        >>> round(float(h[0, 0, 0]), 4)
        0.4621

    Reference:
        Elman, Finding Structure in Time, 1990.
    """
    (z,) = projections
    h = tf.tanh(z)
    return (h,), (h,)


def simple_rnn_gradient(
    gates: Gates, before: State, after: State, d_after: State
) -> tuple[Gates, State]:
    """Go back by one time step: δz = δh' ∘ (1 - h'²).

    Args:
        gates: as `simple_rnn` gives them: h'.
        before, after, d_after: as in `lstm_gradient`.

    Returns:
        The gradient by the projections; and by the state before, which is 0: all of it
        passes through the projections.

    Example:
        >>> half = tf.fill((1, 1, 1), 0.5)
        >>> (d_z,), _ = simple_rnn_gradient((half,), (half,), (half,), (half,))
        >>> float(d_z[0, 0, 0])
        0.375
    """
    del before, after
    (h,), (d_h,) = gates, d_after
    return (d_h * (1 - h * h),), (tf.zeros_like(d_h),)
