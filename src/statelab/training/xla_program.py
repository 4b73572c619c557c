"""The compiled program: a loop over a chunk of batches that trains, or predicts."""

# pyright: reportArgumentType=false, reportCallIssue=false
# (Keras and TensorFlow annotate less than they take)

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from statelab.networks.architecture import Architecture
from statelab.networks.cells import CELLS
from statelab.networks.heads import HEADS
from statelab.networks.optimizers import Optimizer, clip, step_sizes, update
from statelab.networks.recurrence import layer, with_one

Matrices = tuple[
    tf.Tensor, ...
]  # of each layer, and of the head: [seeds, rows, columns]


# --- the compiled chunks --------------------------------------------------------------


@functools.cache
def train_chunk(
    network: Architecture,
    optimizer: Optimizer,
    window: int | None,
    ragged: bool,
    lanes_apart: bool,
    cores: int,
    _timesteps: int,  # of a sample: each has a program of its own
) -> Callable[..., Any]:
    gradient = functools.partial(_gradient, network, window, ragged)
    apply = functools.partial(_apply, network, optimizer)
    if lanes_apart:
        loop = functools.partial(
            _loop, network, optimizer, _compiled(gradient), _compiled(apply), cores
        )
        return tf.function(loop, autograph=False)
    loop = functools.partial(_loop, network, optimizer, gradient, apply, 1)
    return _seeds_side_by_side(_compiled(loop), cores)


_compiled = functools.partial(tf.function, jit_compile=True, autograph=False)


class _Step(NamedTuple):
    """What one update reads of its batch."""

    x: tf.Tensor  # [populations, lanes, timesteps, features]
    length: tf.Tensor  # [populations, lanes]
    target: tf.Tensor  # [populations, lanes, answered]
    reset: tf.Tensor  # [populations, lanes]
    share: tf.Tensor  # [seeds, lanes, answered]; of the loss that is minimised


def _loop(
    network,
    optimizer,
    gradient,
    apply,
    cores,
    matrices,
    slots,
    updates,
    state,
    learns,
    read,
    batches,
    pace,
    extent,
):
    """Train on the first `batches` of what is read, lanes shared out to some cores."""
    # What does not depend on the weights is worked out for all batches at once.
    weight = read.weight * learns[:, None, None]  # [batches, seeds, lanes, answered]
    total = tf.reduce_sum(weight, axis=(2, 3))
    scale, after = step_sizes(optimizer, pace, updates, total > 0)
    share = tf.math.divide_no_nan(weight, total[..., None, None])
    size, seeds, lanes, answered = weight.shape
    shares = _shares(lanes, cores)
    steps = _split(_Step(*read[:4], share=share), shares, axis=2)

    def body(batch, matrices, slots, states, logits):
        found = [
            gradient(matrices, state, step, batch, extent)
            for state, step in zip(states, steps, strict=True)
        ]
        gradients, states, new = zip(*found, strict=True)
        matrices, slots = apply(scale, total, batch, gradients, matrices, slots)
        logits = tuple(
            each.write(batch, part) for each, part in zip(logits, new, strict=True)
        )
        return batch + 1, matrices, slots, states, logits

    logits = tuple(
        tf.TensorArray(
            tf.float32,
            size,
            element_shape=(seeds, part, answered, network.outputs),
        )
        for part in shares
    )
    _, matrices, slots, states, logits = tf.while_loop(
        lambda batch, *_: batch < batches,
        body,
        (0, matrices, slots, tuple(_split(state, shares, axis=1)), logits),
    )
    logits = tf.concat([part.stack() for part in logits], axis=2)
    target = tf.broadcast_to(read.target, weight.shape)
    head = HEADS[network.head]
    sums = [
        tf.reduce_sum(weight * each, axis=(0, 2, 3))
        for each in (head.loss(logits, target), head.score(logits, target), 1.0)
    ]
    return matrices, slots, after, _join(states, axis=1), tf.stack(sums, axis=1)


def _gradient(network, window, ragged, matrices, state, steps, batch, extent):
    """Return the gradients, the state after a batch, and its logits."""
    now = _Step(*(field[batch] for field in steps))
    with tf.GradientTape() as tape:
        tape.watch(matrices)
        answered = now.share.shape[-1]
        logits, state = _forward(
            network, window, answered, ragged, matrices, state, now, extent
        )
        target = tf.broadcast_to(now.target, now.share.shape)
        # Seeds share no weight: the gradient of their sum is each one's own gradient.
        loss = tf.reduce_sum(now.share * HEADS[network.head].loss(logits, target))
    return tape.gradient(loss, matrices), state, logits


def _apply(network, optimizer, scale, total, batch, parts, matrices, slots):
    """Update the weights by the gradients, which add up over the parts of a batch."""
    gradients = [tf.add_n(each) for each in zip(*parts, strict=True)]
    if optimizer.clipnorm is not None:
        gradients = [
            clip(each, rows, optimizer.clipnorm)
            for each, rows in zip(gradients, network.blocks, strict=True)
        ]
    counts = total[batch] > 0
    return update(optimizer, scale[batch], counts, gradients, matrices, slots)


def _forward(network, window, answered, ragged, matrices, state, now, extent):
    """Run a batch of samples through a network: logits of their last steps, and state.

    Of padded samples, `extent` says how many steps there are, and the gradient window.
    Logits are [seeds, lanes, answered, outputs].
    """
    steps, window = (None, window) if extent is None else tf.unstack(extent)
    *recurrent, head = matrices
    cell = CELLS[network.cell]
    _, lanes, timesteps, features = now.x.shape
    x = tf.transpose(now.x, (2, 0, 1, 3))  # [timesteps, populations, lanes, features]
    outputs = tf.broadcast_to(x, (timesteps, head.shape[0], lanes, features))
    zero = now.reset[..., None]
    state = tuple(tf.where(zero, tf.zeros_like(part), part) for part in state)
    after = ()
    for index, matrix in enumerate(recurrent):
        outputs, new = layer(
            cell,
            matrix,
            outputs,
            state[index * cell.states : (index + 1) * cell.states],
            lengths=now.length if ragged else None,
            gradient_window=window,
            steps=steps,
        )
        after += new
    if answered == 1:
        h = after[-cell.states]  # of the last layer
        return (with_one(h) @ head)[:, :, None], after
    h = with_one(outputs[timesteps - answered :])
    return tf.einsum("tsbu,suo->sbto", h, head), after


def _seeds_side_by_side(chunk, cores):
    """Let every core train its part of the population."""

    @tf.function(autograph=False)
    def side_by_side(
        matrices, slots, updates, state, learns, read, batches, pace, extent
    ):
        seeds = updates.shape[0]
        sizes = _shares(seeds, cores)
        shared = read.weight.shape[1] < seeds
        parts = zip(
            *(
                _split(each, sizes, axis=0)
                for each in (matrices, slots, updates, state, learns)
            ),
            [read] * len(sizes) if shared else _split(read, sizes, axis=1),
            strict=True,
        )
        found = [chunk(*part, batches, pace, extent) for part in parts]
        return _join(found, axis=0)

    return side_by_side


def _shares(count: int, cores: int) -> list[int]:
    """Return how many of `count` each core takes.

    Example:
        >>> _shares(5, 2)
        [3, 2]
    """
    return [len(part) for part in np.array_split(range(count), min(cores, count))]


def _split(structure, sizes, axis):
    pieces = [tf.split(each, sizes, axis) for each in tf.nest.flatten(structure)]
    return [
        tf.nest.pack_sequence_as(structure, [piece[part] for piece in pieces])
        for part in range(len(sizes))
    ]


def _join(structures, axis):
    return tf.nest.map_structure(lambda *each: tf.concat(each, axis), *structures)


@functools.cache
def predict_chunk(
    network: Architecture, answered: int, ragged: bool, _timesteps: int
) -> Callable[..., Any]:
    @_compiled
    def predict_chunk(matrices, state, read, batches, extent):
        size, _, lanes, timesteps, _ = read.x.shape
        seeds = matrices[0].shape[0]
        shape = (seeds, lanes, answered, network.outputs)

        def body(batch, state, outputs):
            now = _Step(*(field[batch] for field in read))
            logits, state = _forward(
                network, timesteps, answered, ragged, matrices, state, now, extent
            )
            return batch + 1, state, outputs.write(batch, logits)

        outputs = tf.TensorArray(tf.float32, size, element_shape=shape)
        _, state, outputs = tf.while_loop(
            lambda batch, *_: batch < batches, body, (0, state, outputs)
        )
        return state, HEADS[network.head].answer(outputs.stack())

    return predict_chunk
