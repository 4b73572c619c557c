"""Trains a population of networks, one for each seed, in compiled chunks of batches.

The compiled unit is a chunk: a loop over a fixed number of batches that resets lanes,
steps the network, and updates the weights, all of them loop variables. A host loop
gathers what the chunk reads, following the plan, and keeps what it leaves behind.

Every core is used: a population is trained in parts side by side, and where there is
one network alone and its batches are large, it is their lanes that are.

The same updates as stock Keras gives for the same plan: `reference` is the slow twin.
"""

# pyright: reportArgumentType=false, reportCallIssue=false
# (Keras and TensorFlow annotate less than they take)

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from statelab.data.sequences import Sequences
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.cells import CELLS, State
from statelab.networks.optimizers import OPTIMIZERS, Optimizer
from statelab.samples import chunks, plans
from statelab.samples.chunks import Chunk
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling
from statelab.samples.windows import (
    Windows,
    first_predictions,
    locate_samples,
    predicted_steps,
    sample_lengths,
)
from statelab.training import sizing, xla_program


class TrainState(NamedTuple):
    """All that the next chunk of a run depends on."""

    matrices: xla_program.Matrices
    slots: tuple[tuple[tf.Tensor, ...], ...]  # of the optimizer, for each matrix
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


def start(weights: Weights, network: Architecture, optimizer: Optimizer) -> TrainState:
    """Return a run that has not begun, from initial weights.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        network: their shape.
        optimizer: what they will be moved by.
    """
    matrices = pack(weights, network)
    slots = OPTIMIZERS[optimizer.name].slots
    seeds = matrices[0].shape[0]
    return TrainState(
        matrices=matrices,
        slots=tuple(tuple(tf.zeros_like(m) for _ in range(slots)) for m in matrices),
        updates=tf.zeros(seeds, tf.int32),
        state=(),
        batch=0,
        batches=0,
        sums=np.zeros((3, seeds)),
    )


def train(
    run: TrainState,
    sequences: Sequences,
    windows: Windows,
    followed: Sequence[Plan],
    *,
    network: Architecture,
    optimizer: Optimizer,
    gradient_window: int | None = None,
    burn_in: int = 0,
    scaling: Scaling | None = None,
    active: np.ndarray | None = None,
    after_chunk: Callable[[TrainState], None] = lambda _: None,
    until: int | None = None,
    padded_to: int | None = None,
    cores: int = sizing.CORES,
) -> TrainState:
    """Train every network of a population over one pass of its plan.

    Args:
        run: where it stands. A pass that is done is followed by a new one, from a
            state of zeros; one that is not goes on.
        sequences: the steps and their targets, which may be memory-mapped.
        windows: the samples that the plans are of.
        followed: a plan for each seed, or a single one that all of them follow.
        network: its shape.
        optimizer: how to update.
        gradient_window: steps that the gradient reaches back; None for a whole sample.
        burn_in: steps at the beginning of a sequence that do not count in the loss.
        scaling: of features and targets; the loss is that of scaled ones.
        active: which networks learn, bool [seeds]; None for all.
        after_chunk: is told after each chunk where the run stands.
        until: batches of the pass after which to stop; None for all.
        padded_to: steps that windows, which are answered at their last step, are padded
            to. How long they are is data then, and so is the gradient window, counted
            back from the last step: others are trained by the program that is compiled
            already. None: by one of their own.
        cores: that share the work.

    Returns:
        Where the run stands after the pass.
    """
    seeds = run.sums.shape[1]
    batches, lanes = max(each.batches for each in followed), followed[0].lanes
    shortest, timesteps = sample_lengths(windows)
    learns = tf.constant(np.ones(seeds) if active is None else active, tf.float32)
    answered = predicted_steps(windows)
    flops = lanes * sizing.flops(network, timesteps, answered)
    large = seeds == 1 < lanes and flops > sizing.SPLIT_FLOPS
    window = gradient_window or timesteps
    chunk = xla_program.train_chunk(
        network,
        optimizer.rule,
        None if padded_to else window,
        shortest < timesteps,
        large,
        cores,
        padded_to or timesteps,
    )
    pace = tf.constant(optimizer.pace)
    extent = tf.constant([timesteps, window]) if padded_to else None
    if run.batch == run.batches:
        run = run._replace(
            state=_zero_state(network, seeds, lanes),
            batch=0,
            batches=batches,
            sums=np.zeros((3, seeds)),
        )
    size = sizing.chunk_size(
        sizing.MAX_CHUNK
        if padded_to
        else batches,  # of one size, or it were another program
        seeds,
        len(followed),
        lanes,
        padded_to or timesteps,
        answered,
        network,
    )
    end = batches if until is None else min(until, batches)
    while run.batch < end:
        count = min(size, end - run.batch)
        now = [plans.expand(each, run.batch, run.batch + size) for each in followed]
        read = chunks.gather(sequences, windows, now, timesteps, burn_in, scaling)
        read.weight[count:] = 0  # what comes after `until` is not learned from
        matrices, slots, updates, state, sums = chunk(
            run.matrices,
            run.slots,
            run.updates,
            run.state,
            learns,
            _on_device(read, padded_to),
            tf.constant(count),
            pace,
            extent,
        )
        sums = run.sums + np.asarray(sums, np.float64).T
        done = run.batch + count
        run = TrainState(matrices, slots, updates, state, done, batches, sums)
        after_chunk(run)
    return run


def predict(
    weights: Weights,
    sequences: Sequences,
    windows: Windows,
    plan: Plan,
    network: Architecture,
    scaling: Scaling | None = None,
    padded_to: int | None = None,
) -> np.ndarray:
    """Return each network's answers to the samples of a plan, from frozen weights.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        sequences: the steps.
        windows: the samples that the plan is of.
        plan: state starts from zero, whatever was trained before.
        network: its shape.
        scaling: of features; answers are in the units of the loss.
        padded_to: as in `train`.

    Returns:
        float32 [seeds, answers]: probabilities of class 1, or values; of many classes,
        [seeds, answers, outputs]. NaN for answers outside the plan.
    """
    matrices = pack(weights, network)
    seeds, lanes = len(next(iter(weights.values()))), plan.lanes
    shortest, timesteps = sample_lengths(windows)
    answered = predicted_steps(windows)
    chunk = xla_program.predict_chunk(
        network, answered, shortest < timesteps, padded_to or timesteps
    )
    extent = tf.constant([timesteps, timesteps]) if padded_to else None
    state = _zero_state(network, seeds, lanes)
    size = sizing.chunk_size(
        plan.batches, seeds, 1, lanes, padded_to or timesteps, answered, network
    )
    each = () if network.outputs == 1 else (network.outputs,)
    answers = np.full((seeds, windows.answers[-1], *each), np.nan, np.float32)
    for start in range(0, plan.batches, size):
        count = min(size, plan.batches - start)
        now = plans.expand(plan, start, start + size)
        read = _on_device(
            chunks.gather(sequences, windows, [now], timesteps, scaling=scaling),
            padded_to,
        )
        state, grid = chunk(matrices, state, read, tf.constant(count), extent)
        sample = np.maximum(now.sample, 0)
        nth = np.arange(answered)
        number = first_predictions(windows, sample)[..., None] + nth
        length = locate_samples(windows, sample).length[..., None]
        used = (nth < length) & (now.sample >= 0)[..., None]
        grid = np.moveaxis(grid.numpy(), 1, 3)  # [batches, lanes, answered, seeds, …]
        answers[:, number[used]] = grid[used].swapaxes(0, 1)
    return answers


def weights_of(run: TrainState, network: Architecture) -> Weights:
    """Return the weights of a run by Keras's names, in Keras's order and shapes."""
    names = keras_models.weight_names(**network._asdict())
    return dict(zip(names, _unpack(run.matrices, network), strict=True))


def state_of(run: TrainState) -> list[np.ndarray]:
    """Return the state after the last batch, h and c of each layer in turn.

    Each is [seeds, lanes, units].
    """
    return [part.numpy() for part in run.state]


# --- between the host and the device --------------------------------------------------


def _on_device(chunk: Chunk, padded_to: int | None) -> Chunk:
    if padded_to is not None:
        more = padded_to - chunk.x.shape[3]
        x = np.pad(chunk.x, [(0, 0)] * 3 + [(0, more), (0, 0)])
        chunk = chunk._replace(x=x)
    return Chunk(*map(tf.constant, chunk))


def _zero_state(network: Architecture, seeds: int, lanes: int) -> State:
    shape = (seeds, lanes, network.units)
    return tuple(
        tf.zeros(shape) for _ in range(network.layers * CELLS[network.cell].states)
    )


def pack(weights: Weights, network: Architecture) -> xla_program.Matrices:
    """Stack Keras's weights of a layer, in the order of `recurrence`, into a matrix."""
    *recurrent, kernel, bias = weights.values()
    stacked = []
    for index in range(network.layers):
        kernel_, recurrent_kernel, bias_ = recurrent[3 * index : 3 * index + 3]
        stacked.append([kernel_, _rows(bias_, kernel_), recurrent_kernel])
    stacked.append([kernel, _rows(bias, kernel)])
    return tuple(tf.constant(np.concatenate(parts, axis=1)) for parts in stacked)


def _rows(bias: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return bias.reshape(len(bias), -1, kernel.shape[-1])


def _unpack(matrices: xla_program.Matrices, network: Architecture) -> list[np.ndarray]:
    """Undo `pack`: the weights of each layer in Keras's order and shapes."""
    weights = []
    for matrix, blocks in zip(matrices, network.blocks, strict=True):
        cuts = np.cumsum(blocks)[:-1]
        kernel, bias, *recurrent_kernel = np.split(matrix.numpy(), cuts, axis=1)
        weights += [
            kernel,
            *recurrent_kernel,
            bias[:, 0] if bias.shape[1] == 1 else bias,
        ]
    return weights
