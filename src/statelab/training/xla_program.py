"""The compiled program: a loop over a chunk of batches that trains, or predicts."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from statelab.config.networks import HEADS
from statelab.networks import heads
from statelab.networks.architecture import Architecture
from statelab.networks.lane_state import State, reset_lanes
from statelab.networks.matrices import Matrices
from statelab.networks.optimizers import Optimizer, clip, step_sizes, update
from statelab.networks.recurrence import as_loop, layer, sizes_of, with_one
from statelab.training import xla_options

xla_options.choose()


class Program(NamedTuple):
    """What a program is compiled for: another value makes another program."""

    architecture: Architecture
    optimizer: Optimizer  # `Optimizer.rule`
    gradient_window: int | None  # time steps; None where it is data
    ragged: bool  # samples differ in length
    lanes_apart: bool  # cores share lanes; else seeds
    parts: int  # of a population, each trained by a program
    cores: int  # how many programs run at once
    timesteps: int  # of a sample, padding included


class Carried(NamedTuple):
    """What a chunk of batches takes over from the one before, and hands on."""

    matrices: Matrices
    slots: tuple[Matrices, ...]  # of the optimizer, for each matrix
    updates: tf.Tensor  # int32 [seeds]
    state: State  # each [seeds, lanes, units]


class Tensors(NamedTuple):
    """A `Chunk` on the device; of a batch of it, without the axis of batches."""

    x: tf.Tensor  # float32 [batches, plans, lanes, timesteps, features]
    length: tf.Tensor  # int32 [batches, plans, lanes]
    target: tf.Tensor  # float32 [batches, plans, lanes, predicted]
    reset: tf.Tensor  # bool [batches, plans, lanes]
    weight: tf.Tensor  # float32 [batches, plans, lanes, predicted]; in the loss


_compiled = functools.partial(tf.function, jit_compile=True, autograph=False)


# --- training -------------------------------------------------------------------------


@functools.cache
def train_chunk(program: Program) -> Callable[..., Any]:
    """Return the program that trains on the first batches of a chunk.

    Returns:
        A function of what is `Carried`; which seeds learn, 1 or 0, float32 [seeds]; a
        chunk, as `Tensors`; how many of its batches are trained on, int32; the
        `Optimizer.pace`; and, where samples are padded, their time steps and the
        gradient window, int32 [2]. It gives what is `Carried` on, and the sums of loss,
        score and weight over the chunk, [seeds, 3].
    """
    loop = functools.partial(_loop, program)
    if program.lanes_apart:  # then the halves of an update are compiled
        return tf.function(loop, autograph=False)
    return _seeds_side_by_side(_compiled(loop), program)


def _loop(
    program: Program,
    carried: Carried,
    learns: tf.Tensor,
    chunk: Tensors,
    batches: tf.Tensor,
    pace: tf.Tensor,
    extent: tf.Tensor | None,
) -> tuple[Carried, tf.Tensor]:
    """Train on the first `batches` of a chunk.

    Args:
        program: what is compiled.
        carried, learns, chunk, batches, pace, extent: as `train_chunk` says.
    """
    gradient = functools.partial(_gradient, program)
    apply = functools.partial(_apply, program)
    cores = 1
    if program.lanes_apart:
        gradient, apply, cores = _compiled(gradient), _compiled(apply), program.cores
    # What does not depend on the weights is worked out for all batches at once.
    weight = chunk.weight * learns[:, None, None]  # [batches, seeds, lanes, predicted]
    total = tf.reduce_sum(weight, axis=(2, 3))
    scale, updates = step_sizes(program.optimizer, pace, carried.updates, total > 0)
    share = tf.math.divide_no_nan(weight, total[:, :, None, None])
    size, seeds, lanes, predicted = sizes_of(weight)
    sizes = _shares(lanes, cores)
    parts = _split(chunk._replace(weight=share), sizes, axis=2)

    def body(batch, matrices, slots, states, logits):
        results = [
            gradient(matrices, state, Tensors(*(f[batch] for f in part)), extent)
            for state, part in zip(states, parts, strict=True)
        ]
        gradients, states, new = zip(*results, strict=True)
        matrices, slots = apply(scale[batch], total[batch], gradients, matrices, slots)
        logits = tuple(
            array.write(batch, part) for array, part in zip(logits, new, strict=True)
        )
        return batch + 1, matrices, slots, states, logits

    logits = tuple(
        tf.TensorArray(
            tf.float32,
            size,
            element_shape=(seeds, part, predicted, program.architecture.outputs),
        )
        for part in sizes
    )
    states = tuple(_split(carried.state, sizes, axis=1))
    _, matrices, slots, states, logits = tf.while_loop(
        lambda batch, *_: batch < batches,
        body,
        (0, carried.matrices, carried.slots, states, logits),
    )
    logits = tf.concat([part.stack() for part in logits], axis=2)
    target = tf.broadcast_to(chunk.target, weight.shape)
    head = HEADS[program.architecture.head]
    loss, score = getattr(heads, head.loss), getattr(heads, head.score)
    sums = [
        tf.reduce_sum(weight * values, axis=(0, 2, 3))
        for values in (loss(logits, target), score(logits, target), 1.0)
    ]
    carried = Carried(matrices, slots, updates, _join(states, axis=1))
    return carried, tf.stack(sums, axis=1)


def _gradient(
    program: Program,
    matrices: Matrices,
    state: State,
    batch: Tensors,
    extent: tf.Tensor | None,
) -> tuple[Any, State, tf.Tensor]:
    """Return the gradients, the state after a batch, and its logits.

    Args:
        program: what is compiled.
        matrices: the weights.
        state: before the batch.
        batch: what it holds; a weight is a share of the loss that is minimised.
        extent: as `train_chunk` says.
    """
    *_, predicted = sizes_of(batch.weight)
    architecture = program.architecture
    with tf.GradientTape() as tape:
        tape.watch(matrices)
        logits, state = _forward(
            architecture,
            matrices,
            state,
            batch,
            predicted=predicted,
            ragged=program.ragged,
            gradient_window=program.gradient_window,
            extent=extent,
        )
        target = tf.broadcast_to(batch.target, batch.weight.shape)
        # Seeds share no weight: the gradient of their sum is each one's own gradient.
        losses = getattr(heads, HEADS[architecture.head].loss)(logits, target)
        loss = tf.reduce_sum(batch.weight * losses)
    return tape.gradient(loss, matrices), state, logits


def _apply(
    program: Program,
    scale: tf.Tensor,
    total: tf.Tensor,
    parts: tuple[Matrices, ...],
    matrices: Matrices,
    slots: tuple[Matrices, ...],
) -> tuple[Matrices, tuple[Matrices, ...]]:
    """Update the weights by the gradients, which add up over the parts of a batch.

    Args:
        program: what is compiled.
        scale: the size of the batch's step, [seeds].
        total: the weight of the batch in the loss, [seeds].
        parts: gradients, of some of its lanes each.
        matrices, slots: of the weights and of the optimizer, before the update.

    Returns:
        Both, after it.
    """
    optimizer = program.optimizer
    gradients = tuple(tf.add_n(of_parts) for of_parts in zip(*parts, strict=True))
    if optimizer.clipnorm is not None:
        blocks = program.architecture.blocks
        gradients = tuple(
            clip(gradient, rows, optimizer.clipnorm)
            for gradient, rows in zip(gradients, blocks, strict=True)
        )
    counts = total > 0
    return update(optimizer, scale, counts, gradients, matrices, slots)


def _seeds_side_by_side(chunk_program: Callable[..., Any], program: Program) -> Any:
    """Train a population in parts, as many of them at once as there are cores."""

    @tf.function(autograph=False)
    def side_by_side(carried, learns, chunk, batches, pace, extent):
        seeds = carried.updates.shape[0]
        sizes = _shares(seeds, program.parts)
        shared = chunk.weight.shape[1] < seeds  # one plan, which all networks follow
        pieces = zip(
            _split(carried, sizes, axis=0),
            _split(learns, sizes, axis=0),
            [chunk] * len(sizes) if shared else _split(chunk, sizes, axis=1),
            strict=True,
        )
        results = []
        for nth, each in enumerate(pieces):  # no more at once than there are cores
            before = results[nth - program.cores] if nth >= program.cores else ()
            with tf.control_dependencies(tf.nest.flatten(before)):
                results.append(chunk_program(*each, batches, pace, extent))
        return _join(results, axis=0)

    return side_by_side


def _shares(count: int, parts: int) -> list[int]:
    """Return how many of `count` each part has.

    Example:
        >>> _shares(5, 2)
        [3, 2]
    """
    return [len(part) for part in np.array_split(range(count), min(parts, count))]


def _split(structure: Any, sizes: list[int], axis: int) -> list[Any]:
    """Cut every tensor of a structure into as many pieces, a structure of each."""
    pieces = [tf.split(tensor, sizes, axis) for tensor in tf.nest.flatten(structure)]
    return [
        tf.nest.pack_sequence_as(structure, [piece[part] for piece in pieces])
        for part in range(len(sizes))
    ]


def _join(structures: Any, axis: int) -> Any:
    """Undo `_split`."""
    return tf.nest.map_structure(lambda *parts: tf.concat(parts, axis), *structures)


# --- prediction -----------------------------------------------------------------------


@functools.cache
def predict_chunk(
    architecture: Architecture,
    predicted: int,
    ragged: bool,
    cores: int,
    _timesteps: int,
) -> Callable[..., Any]:
    """Return the program that predicts the first batches of a chunk.

    Args:
        architecture: of the networks.
        predicted: time steps at the end of a sample that are predicted.
        ragged: samples differ in length.
        cores: that share the networks.
        _timesteps: of a sample, padding included: each has a program of its own.

    Returns:
        A function of the matrices; the state; a chunk as `Tensors`, how many of its
        batches are predicted, and the extent, as in `train_chunk`. It gives the state
        thereafter, and predictions [batches, seeds, lanes, predicted], of several
        classes [..., classes].
    """

    @_compiled
    def predict_chunk(matrices, state, chunk, batches, extent):
        size, _, lanes, timesteps, _ = chunk.x.shape
        seeds = matrices[0].shape[0]
        shape = (seeds, lanes, predicted, architecture.outputs)

        def body(number, state, outputs):
            if timesteps == 1:  # then this is the loop of the products
                state = as_loop(number, state)
            logits, state = _forward(
                architecture,
                matrices,
                state,
                Tensors(*(field[number] for field in chunk)),
                predicted=predicted,
                ragged=ragged,
                gradient_window=timesteps,
                extent=extent,
            )
            return number + 1, state, outputs.write(number, logits)

        outputs = tf.TensorArray(tf.float32, size, element_shape=shape)
        _, state, outputs = tf.while_loop(
            lambda number, *_: number < batches, body, (0, state, outputs)
        )
        activation = getattr(heads, HEADS[architecture.head].activation)
        return state, activation(outputs.stack())

    @tf.function(autograph=False)
    def side_by_side(matrices, state, chunk, batches, extent):
        sizes = _shares(matrices[0].shape[0], cores)
        parts = zip(_split(matrices, sizes, 0), _split(state, sizes, 0), strict=True)
        results = [predict_chunk(*part, chunk, batches, extent) for part in parts]
        states, outputs = zip(*results, strict=True)
        return _join(states, axis=0), tf.concat(outputs, axis=1)

    return side_by_side


# --- both -----------------------------------------------------------------------------


def _forward(
    architecture: Architecture,
    matrices: Matrices,
    state: State,
    batch: Tensors,
    *,
    predicted: int,
    ragged: bool,
    gradient_window: int | None,
    extent: tf.Tensor | None,
) -> tuple[tf.Tensor, State]:
    """Reset lanes, and run a batch of samples through the networks.

    Args:
        architecture: of the networks.
        matrices: the weights.
        state: after the batch before.
        batch: the samples.
        predicted: time steps at the end of a sample that are predicted.
        ragged: samples differ in length.
        gradient_window: time steps that the gradient reaches back.
        extent: of padded samples the time steps that there are, and the gradient
            window, in place of that above; None where there is no padding.

    Returns:
        Logits of the predicted steps, [seeds, lanes, predicted, outputs], and the state
        after the batch.
    """
    steps, window = None, gradient_window
    if extent is not None:
        steps, window = tf.unstack(extent)
    *recurrent, head = matrices
    parts = architecture.sizes.states  # of a layer's state
    _, lanes, timesteps, features = sizes_of(batch.x)
    x = tf.transpose(batch.x, (2, 0, 1, 3))  # [timesteps, plans, lanes, features]
    outputs = tf.broadcast_to(x, (timesteps, head.shape[0], lanes, features))
    state = reset_lanes(state, batch.reset)
    after = ()
    for index, matrix in enumerate(recurrent):
        outputs, new = layer(
            architecture.cell,
            matrix,
            outputs,
            state[index * parts : (index + 1) * parts],
            lengths=batch.length if ragged else None,
            gradient_window=window,  # pyright: ignore[reportArgumentType]
            steps=steps,
        )
        after += new
    if predicted == 1:
        h = after[-parts]  # of the last layer
        return (with_one(h) @ head)[:, :, None], after
    h = with_one(outputs[timesteps - predicted :])
    return tf.einsum("tsbu,suo->sbto", h, head), after
