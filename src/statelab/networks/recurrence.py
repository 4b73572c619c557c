"""A recurrent layer over the steps of a sample, with its gradient.

Backpropagation through time is written out, for speed, in three parts: the projections
of the input are one matrix product for all steps; the loop over time holds what depends
on its order and nothing else; the gradient of the weights is one matrix product after
the loop. What is elementwise, the cell, is left to automatic differentiation.

A layer's weights are one matrix for each seed, [seeds, rows, gates * units], with a row
for each feature, a row of biases, for a GRU a row of recurrent biases, and a row for
each unit of h. One matrix in place of Keras's three makes for few and long kernels.
"""

# pyright: reportArgumentType=false, reportOptionalOperand=false
# pyright: reportReturnType=false, reportCallIssue=false
# (Keras and TensorFlow annotate less than they take)

import tensorflow as tf

from statelab.networks.cells import Cell
from statelab.networks.lane_state import State, hold_ended


def layer(
    cell: Cell,
    matrix: tf.Tensor,
    x: tf.Tensor,
    state: State,
    *,
    lengths: tf.Tensor | None,
    gradient_window: int | tf.Tensor,
    steps: tf.Tensor | None = None,
) -> tuple[tf.Tensor, State]:
    """Run a layer over all steps of a batch of samples.

    Args:
        cell: one of `cells.CELLS`.
        matrix: the weights, [seeds, rows, gates * units].
        x: [timesteps, seeds, lanes, features].
        state: before the first step, each [seeds, lanes, units].
        lengths: valid steps of each sample, [seeds, lanes]: state is held after them;
            None where all have `timesteps`.
        gradient_window: steps that the gradient reaches back; it divides `timesteps`,
            and is counted from the first one.
        steps: of every sample, where the rest of `timesteps` is padding, which is not
            gone through. The gradient window is then counted back from the last one.

    Returns:
        Outputs [timesteps, seeds, lanes, units], and the state after the last step.

    Reference:
        Werbos, Backpropagation through time: what it does and how to do it, 1990; with
        a shorter gradient window, Williams and Peng, An efficient gradient-based
        algorithm for on-line training of recurrent network trajectories, 1990.
    """
    if x.shape[0] > 1:
        return _scan(cell, matrix, x, state, lengths, gradient_window, steps)
    if cell.projections == 1:  # a single product
        projections = (tf.concat([with_one(x[0]), state[0]], -1) @ matrix,)
    else:
        projections = _two_products(with_one(x[0]), _state_rows(cell, state[0]), matrix)
    state = _advance(cell, projections, state, 0, lengths)
    return state[0][None], state


@tf.custom_gradient
def _two_products(x, h, matrix):
    """Multiply x with the upper rows of a matrix, and h with the lower ones."""
    rows = x.shape[-1]
    for_x, for_h = matrix[:, :rows], matrix[:, rows:]

    def gradient(d_x_projected, d_h_projected):
        if x.shape[1] == 1:  # of one lane, it is elementwise: a part of the update
            upper = tf.range(matrix.shape[1])[:, None] < rows
            column = tf.linalg.matrix_transpose(tf.concat([x, h], -1))
            d_matrix = column * tf.where(upper, d_x_projected, d_h_projected)
        else:
            parts = [
                tf.matmul(x, d_x_projected, transpose_a=True),
                tf.matmul(h, d_h_projected, transpose_a=True),
            ]
            d_matrix = tf.concat(parts, axis=1)
        return (
            tf.matmul(d_x_projected, for_x, transpose_b=True),
            tf.matmul(d_h_projected, for_h, transpose_b=True),
            d_matrix,
        )

    return (x @ for_x, h @ for_h), gradient


def _scan(cell, matrix, x, state, lengths, gradient_window, steps):
    timesteps, seeds, lanes, features = x.shape
    cut = steps is not None or gradient_window < timesteps
    steps = timesteps if steps is None else steps
    units = state[0].shape[-1]
    rows = features + 1  # of the matrix, for the input and its bias

    def array(size, width):
        shape = (seeds, lanes, width)
        return tf.TensorArray(tf.float32, size, element_shape=shape)

    @tf.custom_gradient
    def scan(matrix, x, *state):
        for_input, for_state = matrix[:, :rows], matrix[:, rows:]
        inputs = with_one(x)
        x_projected = tf.einsum("tsbf,sfg->tsbg", inputs, for_input)

        def forward(t, state, kept, states):
            projections = _projections(
                cell, x_projected[t], _state_rows(cell, state[0]) @ for_state
            )
            state = _advance(cell, projections, state, t, lengths)
            kept = kept.write(t, projections[-1])
            return t + 1, state, kept, _write(states, t + 1, state)

        empty = tuple(array(timesteps + 1, units) for _ in state)
        _, after, kept, states = tf.while_loop(
            lambda t, *_: t < steps,
            forward,
            (0, state, array(timesteps, cell.gates * units), _write(empty, 0, state)),
            maximum_iterations=timesteps,
        )
        kept, states = kept.stack(), tuple(each.stack() for each in states)

        def gradient(d_outputs, *d_after):
            transposed = tf.linalg.matrix_transpose(
                for_state[:, cell.projections - 1 :]  # of h, without its bias
            )

            def backward(t, d_after, d_kept):
                d_after = (d_after[0] + d_outputs[t], *d_after[1:])
                before = tuple(each[t] for each in states)
                projections = (
                    (kept[t],) if cell.projections == 1 else (x_projected[t], kept[t])
                )
                with tf.GradientTape() as tape:
                    tape.watch((projections, before))
                    after = _advance(cell, projections, before, t, lengths)
                d_projections, (d_h, *d_rest) = tape.gradient(
                    after,
                    (projections, before),
                    output_gradients=d_after,
                    unconnected_gradients="zero",
                )
                d_before = (d_h + d_projections[-1] @ transposed, *d_rest)
                if cut:
                    first = (steps - t) % gradient_window == 0
                    d_before = tuple(
                        tf.where(first, tf.zeros_like(d), d) for d in d_before
                    )
                return t - 1, d_before, _write(d_kept, t, d_projections)

            empty = tuple(
                array(timesteps, cell.gates * units) for _ in range(cell.projections)
            )
            _, d_state, d_kept = tf.while_loop(
                lambda t, *_: t >= 0,
                backward,
                (steps - 1, d_after, empty),
                maximum_iterations=timesteps,
            )
            d_kept = [each.stack() for each in d_kept]
            h = _state_rows(cell, states[0][:-1])
            d_matrix = tf.concat(
                [
                    tf.einsum("tsbf,tsbg->sfg", inputs, d_kept[0]),
                    tf.einsum("tsbu,tsbg->sug", h, d_kept[-1]),
                ],
                axis=1,
            )
            d_x = tf.einsum("tsbg,sfg->tsbf", d_kept[0], for_input[:, :features])
            return (d_matrix, d_x, *d_state)

        return (states[0][1:], *after), gradient

    outputs, *after = scan(matrix, x, *state)
    return outputs, tuple(after)


def _write(arrays, t, tensors):
    return tuple(
        each.write(t, tensor) for each, tensor in zip(arrays, tensors, strict=True)
    )


def _projections(cell: Cell, x: tf.Tensor, h: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return (x + h,) if cell.projections == 1 else (x, h)


def _advance(cell, projections, state, t, lengths) -> State:
    after = cell.advance(projections, state)
    if lengths is None:
        return after
    return hold_ended(after, state, t, lengths)


def sizes_of(tensor: tf.Tensor) -> tuple[int, ...]:
    """Return the sizes of a tensor, which are all known when it is compiled."""
    return tuple(tensor.shape)  # pyright: ignore[reportReturnType]


def with_one(x: tf.Tensor) -> tf.Tensor:
    """Append a feature that is 1 everywhere: its weights are the biases."""
    return tf.concat([x, tf.ones_like(x[..., :1])], -1)


def _state_rows(cell: Cell, h: tf.Tensor) -> tf.Tensor:
    """Return what the lower rows of the matrix multiply: h, with a 1 for its bias."""
    if cell.projections == 1:
        return h
    return tf.concat([tf.ones_like(h[..., :1]), h], -1)
