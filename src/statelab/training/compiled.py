"""Trains a population of networks, one for each seed, in compiled chunks of batches.

The compiled unit is a chunk (`xla_program`): a loop over a fixed number of batches that
resets lanes, runs the networks, and updates their weights. Here is the loop on the host
around it: it reads what the next chunk needs, and keeps what the last one has left.

Every core is used: a population is trained in parts side by side, and where there is
one network alone and its batches are large, it is their lanes that are. A GPU trains a
population in one part, or in as many as its memory asks for, one after another.

The updates are those of stock Keras for the same plan: `keras_fit` is the slow twin.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from statelab.config.networks import OPTIMIZERS
from statelab.networks import devices, keras_models, lane_state, matrices
from statelab.networks.architecture import Architecture, Weights, seeds_of
from statelab.networks.lane_state import State
from statelab.networks.matrices import Matrices
from statelab.samples.chunks import Chunk, ChunkReader
from statelab.training import sizing, xla_program
from statelab.training.options import TrainOptions


class TrainState(NamedTuple):
    """All that the next chunk of a training depends on."""

    matrices: Matrices
    slots: tuple[Matrices, ...]  # of the optimizer, for each matrix
    updates: tf.Tensor  # int32 [seeds]
    state: State  # of each layer in turn, each [seeds, lanes, units]
    batch: int  # batches done of this pass
    batches: int  # of this pass
    sums: np.ndarray  # float64 [3, seeds]: of loss, score and weight, in this pass

    @property
    def loss(self) -> np.ndarray:
        """The mean over this pass, of weights as they moved, [seeds]."""
        return _mean(self.sums[0], self.sums[2])

    @property
    def score(self) -> np.ndarray:
        """The mean accuracy, or absolute error, over this pass, [seeds]."""
        return _mean(self.sums[1], self.sums[2])


def _mean(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)


def start(weights: Weights, options: TrainOptions) -> TrainState:
    """Return a training that has not begun, from initial weights.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        options: what they will be trained by.
    """
    packed = matrices.pack(weights, options.architecture)
    slots = OPTIMIZERS[options.optimizer.name].slots
    seeds = seeds_of(weights)
    return TrainState(
        matrices=packed,
        slots=tuple(tuple(tf.zeros_like(m) for _ in range(slots)) for m in packed),
        updates=tf.zeros(seeds, tf.int32),
        state=(),
        batch=0,
        batches=0,
        sums=np.zeros((3, seeds)),
    )


def train(
    state: TrainState,
    reader: ChunkReader,
    options: TrainOptions,
    *,
    active: np.ndarray | None = None,
    until: int | None = None,
    after_chunk: Callable[[TrainState], None] = lambda _: None,
) -> TrainState:
    """Train every network of a population over one pass.

    Args:
        state: where the training stands. A pass that is done is followed by a new one,
            from a state of zeros; one that is not goes on.
        reader: of the batches. Where it pads samples, how long they are is data, and so
            is the gradient window, counted back from their last time step: others are
            trained by the program that is compiled already.
        options: as in `start`.
        active: which networks learn, bool [seeds]; None for all.
        until: batches of the pass after which to stop; None for all.
        after_chunk: is called after each chunk, with where the training stands.

    Returns:
        Where the training stands after the pass.
    """
    seeds, batches = state.sums.shape[1], reader.batches
    learns = tf.constant(np.ones(seeds) if active is None else active, tf.float32)
    program = xla_program.train_chunk(_program(reader, options, seeds))
    window = options.gradient_window or reader.sample_lengths[1]
    extent = _extent(reader, window)
    pace = tf.constant(options.optimizer.pace)
    if state.batch == state.batches:
        state = state._replace(
            state=lane_state.zeros(options.architecture, seeds, reader.lanes),
            batch=0,
            batches=batches,
            sums=np.zeros((3, seeds)),
        )
    # of padded samples chunks of one size: another size were another program
    most = sizing.MAX_CHUNK if reader.padded_to else batches
    size = sizing.chunk_size(reader, options.architecture, seeds, most)
    end = batches if until is None else min(until, batches)
    while state.batch < end:
        count = min(size, end - state.batch)
        chunk = reader.read(state.batch, state.batch + size)
        chunk.weight[count:] = 0  # what comes after `until` is not learned from
        carried, sums = program(
            xla_program.Carried(*state[:4]),
            learns,
            _on_device(chunk),
            tf.constant(count),
            pace,
            extent,
        )
        state = TrainState(
            *carried,
            batch=state.batch + count,
            batches=batches,
            sums=state.sums + np.asarray(sums, np.float64).T,
        )
        after_chunk(state)
    return state


def predict(
    weights: Weights, reader: ChunkReader, architecture: Architecture
) -> np.ndarray:
    """Return each network's predictions for the samples of a plan.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        reader: of the batches of one plan. State begins with zeros, whatever was
            trained before.
        architecture: of the networks.

    Returns:
        float32 [seeds, predictions]: probabilities of class 1, or values, scaled as the
        reader scales targets; of more classes, [seeds, predictions, classes]. NaN for
        predictions outside the plan.
    """
    packed = matrices.pack(weights, architecture)
    seeds = seeds_of(weights)
    program = xla_program.predict_chunk(
        architecture,
        reader.predicted_steps,
        reader.ragged,
        1 if devices.current().is_gpu else sizing.CORES,
        reader.timesteps,
    )
    extent = _extent(reader, reader.sample_lengths[1])
    state = lane_state.zeros(architecture, seeds, reader.lanes)
    size = sizing.chunk_size(reader, architecture, seeds, reader.batches)
    predictions = reader.no_predictions(seeds, architecture.outputs)
    for start in range(0, reader.batches, size):
        count = min(size, reader.batches - start)
        chunk = _on_device(reader.read(start, start + size))
        state, outputs = program(packed, state, chunk, tf.constant(count), extent)
        reader.scatter(outputs.numpy(), start, predictions)
    return predictions


def weights_of(state: TrainState, architecture: Architecture) -> Weights:
    """Return the weights by Keras's names, in Keras's order and shapes."""
    names = keras_models.weight_names(architecture)
    return dict(zip(names, matrices.unpack(state.matrices, architecture), strict=True))


def state_of(state: TrainState) -> list[np.ndarray]:
    """Return the state after the last batch, h and c of each layer in turn.

    Each is [seeds, lanes, units].
    """
    return [part.numpy() for part in state.state]


def _program(
    reader: ChunkReader, options: TrainOptions, seeds: int
) -> xla_program.Program:
    architecture, optimizer, window, cores = options
    timesteps, predicted = reader.timesteps, reader.predicted_steps
    flops = reader.lanes * sizing.flops(architecture, timesteps, predicted)
    update = sizing.update_bytes(architecture, reader.lanes)
    device = devices.current()
    split = flops > sizing.SPLIT_FLOPS and not device.is_gpu
    return xla_program.Program(
        architecture=architecture,
        optimizer=optimizer.rule,
        gradient_window=None if reader.padded_to else window or timesteps,
        ragged=reader.ragged,
        lanes_apart=seeds == 1 < reader.lanes and split,
        parts=sizing.population_parts(
            seeds,
            cores,
            flops=flops,
            update=update if timesteps == 1 else None,
            memory=reader.lanes * sizing.kept_bytes(architecture, timesteps),
            card=device.memory,
        ),
        cores=1 if device.is_gpu else cores,
        timesteps=timesteps,
    )


def _extent(reader: ChunkReader, gradient_window: int) -> tf.Tensor | None:
    """Return the time steps of padded samples and the gradient window, as data."""
    if reader.padded_to is None:
        return None
    return tf.constant([reader.sample_lengths[1], gradient_window])


def _on_device(chunk: Chunk) -> xla_program.Tensors:
    return xla_program.Tensors(*map(tf.constant, chunk))
