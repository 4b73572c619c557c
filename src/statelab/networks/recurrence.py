"""A recurrent layer over the time steps of a sample, with its gradient.

With s(t) the state after time step t, of which h(t) is the output y(t), a layer is

    z(t) = x(t) W + b + h(t-1) U,   s(t) = cell(z(t), s(t-1)).

Its gradient is backpropagation through time. With δ the gradient of the loss by what
stands behind it, from the last step to the first,

    δh(t) = δh(t) from step t+1, and δy(t)
    δz(t), δs(t-1) = those of the cell, as `cells` writes them out
    δh(t-1) = δh(t-1) + δz(t) Uᵀ

and after the loop δW = Σ x(t)ᵀ δz(t), δU = Σ h(t-1)ᵀ δz(t) and δx(t) = δz(t) Wᵀ. A
gradient window sets δs(t-1) to zero where it ends.

It is written out for speed: what does not depend on the order of time is one matrix
product for all steps, before or after the loop. Weights are one matrix for each seed,
as in `matrices`: W, b, for a GRU its recurrent bias d, and U, one below the other.

Reference:
    Werbos, Backpropagation through time: what it does and how to do it, 1990; with a
    gradient window, Williams and Peng, An efficient gradient-based algorithm for
    on-line training of recurrent network trajectories, 1990.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from statelab.config.networks import CELLS, Cell
from statelab.networks import cells, devices
from statelab.networks.cells import Gates, Projections
from statelab.networks.lane_state import State, hold_ended

WIDE = 32  # units, above which products of several lanes are called, not compiled in


class _Scan(NamedTuple):
    """What a loop over time does not change."""

    cell: Cell
    # both of `cells`
    advance: Callable[[Projections, State], tuple[State, Gates]]
    gradient: Callable[[Gates, State, State, State], tuple[Gates, State]]
    lengths: tf.Tensor | None  # int [seeds, lanes]; None where no sample ends early
    timesteps: int
    steps: int | tf.Tensor  # of them, that are gone through
    gradient_window: int | tf.Tensor | None  # None where it never ends


def layer(
    cell: str,
    matrix: tf.Tensor,
    x: tf.Tensor,
    state: State,
    *,
    lengths: tf.Tensor | None,
    gradient_window: int | tf.Tensor,
    steps: tf.Tensor | None = None,
) -> tuple[tf.Tensor, State]:
    """Run a layer over all time steps of a batch of samples.

    Args:
        cell: a key of `config.networks.CELLS`.
        matrix: the weights, [seeds, rows, gates * units].
        x: [timesteps, seeds, lanes, features].
        state: before the first time step, each [seeds, lanes, units].
        lengths: time steps of each sample, [seeds, lanes]: state is held after them;
            None where all have `timesteps`.
        gradient_window: time steps that the gradient reaches back; it divides
            `timesteps`, and is counted from the first one.
        steps: of every sample, where the rest of `timesteps` is padding, which is not
            gone through. The gradient window is then counted back from the last one.

    Returns:
        Outputs [timesteps, seeds, lanes, units], and the state after the last step.
    """
    timesteps, *_ = sizes_of(x)
    endless = steps is None and gradient_window >= timesteps
    scan = _Scan(
        CELLS[cell],
        getattr(cells, cell),
        getattr(cells, f"{cell}_gradient"),
        lengths,
        timesteps,
        timesteps if steps is None else steps,
        None if endless else gradient_window,
    )
    if timesteps > 1:
        return _scan(scan, matrix, x, state)
    if scan.cell.biases == 1:  # a single product
        projections = (tf.concat([with_one(x[0]), state[0]], -1) @ matrix,)
    else:
        h = _state_rows(scan.cell, state[0])
        projections = _two_products(with_one(x[0]), h, matrix)
    state, _ = _advance(scan, projections, state, 0)
    return state[0][None], state


@tf.custom_gradient
def _two_products(x: tf.Tensor, h: tf.Tensor, matrix: tf.Tensor) -> Any:
    """Multiply x with the upper rows of a matrix, and h with the lower ones.

    Args:
        x: with a 1 for the bias, [seeds, lanes, features + 1].
        h: with a 1 for the recurrent bias, [seeds, lanes, 1 + units].
        matrix: [seeds, rows, gates * units].

    Returns:
        Two projections, each [seeds, lanes, gates * units], and their gradient.
    """
    rows = sizes_of(x)[-1]
    for_x, for_h = matrix[:, :rows], matrix[:, rows:]

    def gradient(d_x_projected: tf.Tensor, d_h_projected: tf.Tensor) -> tuple:
        if x.shape[1] == 1:  # of one lane, it is elementwise: a part of the update
            upper = tf.range(sizes_of(matrix)[1])[:, None] < rows
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


def _scan(
    scan: _Scan, matrix: tf.Tensor, x: tf.Tensor, state: State
) -> tuple[tf.Tensor, State]:
    """Run a layer over several time steps: two loops, and products around them.

    Args:
        scan: what does not change.
        matrix, x, state: as in `layer`.

    Returns:
        As `layer`.
    """
    features = sizes_of(x)[-1]
    rows = features + 1  # of the matrix, for the input and its bias

    @tf.custom_gradient
    def run(matrix: tf.Tensor, x: tf.Tensor, *state: tf.Tensor) -> Any:
        for_input, for_state = matrix[:, :rows], matrix[:, rows:]
        inputs = with_one(x)
        x_projected = tf.einsum("tsbf,sfg->tsbg", inputs, for_input)
        after, gates, states = _forward(scan, for_state, x_projected, state)

        def gradient(d_outputs: tf.Tensor, *d_after: tf.Tensor) -> tuple:
            d_state, d_gates = _backward(
                scan, for_state, gates, states, (d_outputs, d_after)
            )
            h = _state_rows(scan.cell, states[0][:-1])
            d_matrix = tf.concat(
                [
                    tf.einsum("tsbf,tsbg->sfg", inputs, d_gates[0]),
                    tf.einsum("tsbu,tsbg->sug", h, _of_h(d_gates)),
                ],
                axis=1,
            )
            d_x = tf.einsum("tsbg,sfg->tsbf", d_gates[0], for_input[:, :features])
            return (d_matrix, d_x, *d_state)

        return (states[0][1:], *after), gradient

    outputs, *after = run(matrix, x, *state)
    return outputs, tuple(after)


def _forward(
    scan: _Scan, for_state: tf.Tensor, x_projected: tf.Tensor, state: State
) -> tuple[State, Gates, State]:
    """Go through the time steps, from the first to the last.

    Args:
        scan: what does not change.
        for_state: the rows of the weights for h, [seeds, rows, gates * units].
        x_projected: x W + b, [timesteps, seeds, lanes, gates * units].
        state: before the first step.

    Returns:
        The state after the last step; and what `_backward` goes back by: the gates of
        each step, [timesteps, seeds, lanes, gates * units], and the state before each
        step and after the last, each [timesteps + 1, seeds, lanes, units].
    """
    timesteps, *lanes, columns = sizes_of(x_projected)
    units = sizes_of(state[0])[-1]

    def body(t, state, gates, states):
        state = as_loop(t, state)
        projections = _projections(
            scan.cell, x_projected[t], _state_rows(scan.cell, state[0]) @ for_state
        )
        state, new = _advance(scan, projections, state, t)
        return t + 1, state, _write(gates, t, new), _write(states, t + 1, state)

    # of a GRU the second is what its reset gate multiplies
    gates = tuple(
        _array(timesteps, [*lanes, size])
        for size in (columns, units)[: scan.cell.biases]
    )
    states = tuple(_array(timesteps + 1, [*lanes, units]) for _ in state)
    _, after, gates, states = tf.while_loop(
        lambda t, *_: t < scan.steps,
        body,
        (0, state, gates, _write(states, 0, state)),
        maximum_iterations=timesteps,
    )
    return after, _stack(gates), _stack(states)


def _backward(
    scan: _Scan,
    for_state: tf.Tensor,
    gates: Gates,
    states: State,
    gradients: tuple[tf.Tensor, State],
) -> tuple[State, Gates]:
    """Go back through the time steps, from the last to the first.

    Args:
        scan, for_state: as in `_forward`.
        gates, states: what it gave.
        gradients: of the loss by the outputs, [timesteps, seeds, lanes, units], and by
            the state after the last step.

    Returns:
        The gradient by the state before the first step; and by the projections of each
        step, in the shapes of the gates.
    """
    d_outputs, d_after = gradients
    cell = scan.cell
    timesteps, *_ = sizes_of(gates[0])
    transposed = tf.linalg.matrix_transpose(
        for_state[:, cell.biases - 1 :]  # of h, without its bias
    )

    def body(t, d_after, d_gates):
        d_after = as_loop(t, d_after)
        d_after = (d_after[0] + d_outputs[t], *d_after[1:])
        zeros = tuple(tf.zeros_like(d) for d in d_after)
        d_held = None
        if scan.lengths is not None:  # by a state that was held, and by one that moved
            d_held = hold_ended(zeros, d_after, t, scan.lengths)
            d_after = hold_ended(d_after, zeros, t, scan.lengths)
        before, after = (tuple(array[at] for array in states) for at in (t, t + 1))
        new, (d_h, *d_rest) = scan.gradient(
            tuple(array[t] for array in gates), before, after, d_after
        )
        d_before = (d_h + _of_h(new) @ transposed, *d_rest)
        if d_held is not None:
            d_before = tuple(a + b for a, b in zip(d_before, d_held, strict=True))
        if scan.gradient_window is not None:
            first = (scan.steps - t) % scan.gradient_window == 0  # of its window
            d_before = tuple(
                tf.where(first, zero, d)
                for zero, d in zip(zeros, d_before, strict=True)
            )
        return t - 1, d_before, _write(d_gates, t, new)

    empty = tuple(_array(timesteps, sizes_of(gate)[1:]) for gate in gates)
    _, d_state, d_gates = tf.while_loop(
        lambda t, *_: t >= 0,
        body,
        (scan.steps - 1, d_after, empty),
        maximum_iterations=timesteps,
    )
    return d_state, _stack(d_gates)


def as_loop(t: tf.Tensor, state: State) -> State:
    """Keep XLA from compiling a loop into one function where products are large.

    It compiles products into such a function as plain loops, which are slow for several
    rows and many columns. A sort it does not compile in, even where it is never done.

    Args:
        t: the time step, never negative.
        state: each [seeds, lanes, units].

    Returns:
        The state as it is.
    """
    h, *rest = state
    _, lanes, units = sizes_of(h)
    if lanes > 1 and units > WIDE and not devices.current().is_gpu:
        h = tf.cond(t < 0, lambda: tf.sort(h), lambda: h)
    return (h, *rest)


def _of_h(d_gates: Gates) -> tf.Tensor:
    """Return the gradient by what h is projected to, of that by the gates."""
    if len(d_gates) == 1:
        return d_gates[0]
    d_x_projected, d_candidate = d_gates
    units = sizes_of(d_candidate)[-1]
    d_z, d_r, _ = tf.split(d_x_projected, [units] * 3, axis=-1)
    return tf.concat([d_z, d_r, d_candidate], -1)


def _array(size: int, shape: Sequence[int]) -> tf.TensorArray:
    return tf.TensorArray(tf.float32, size, element_shape=shape)


def _write(
    arrays: tuple[tf.TensorArray, ...], t: int | tf.Tensor, tensors: State
) -> tuple[tf.TensorArray, ...]:
    return tuple(
        array.write(t, tensor) for array, tensor in zip(arrays, tensors, strict=True)
    )


def _stack(arrays: tuple[tf.TensorArray, ...]) -> tuple[tf.Tensor, ...]:
    return tuple(array.stack() for array in arrays)


def _projections(cell: Cell, x: tf.Tensor, h: tf.Tensor) -> Projections:
    """Return what a cell takes, of the projections of x and h."""
    return (x + h,) if cell.biases == 1 else (x, h)


def _advance(
    scan: _Scan, projections: Projections, state: State, t: int | tf.Tensor
) -> tuple[State, Gates]:
    """Advance by one time step, and hold the state of samples that have ended."""
    after, gates = scan.advance(projections, state)
    if scan.lengths is None:
        return after, gates
    return hold_ended(after, state, t, scan.lengths), gates


def _state_rows(cell: Cell, h: tf.Tensor) -> tf.Tensor:
    """Return what the lower rows of the matrix multiply: h, with a 1 for its bias."""
    if cell.biases == 1:
        return h
    return tf.concat([_one(h), h], -1)


def with_one(x: tf.Tensor) -> tf.Tensor:
    """Append a feature that is 1 everywhere: its weights are the biases.

    Args:
        x: [..., features].

    Returns:
        [..., features + 1].
    """
    return tf.concat([x, _one(x)], -1)


def _one(x: tf.Tensor) -> tf.Tensor:
    return tf.ones_like(x[..., :1])  # pyright: ignore[reportArgumentType]


def sizes_of(tensor: tf.Tensor) -> tuple[int, ...]:
    """Return the sizes of a tensor, which are all known when it is compiled."""
    return tuple(tensor.shape)  # pyright: ignore[reportReturnType]
