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

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from statelab.data.sequences import Sequences
from statelab.networks import keras_models
from statelab.networks.cells import CELLS, State
from statelab.networks.heads import HEADS
from statelab.networks.keras_models import Weights
from statelab.networks.optimizers import OPTIMIZERS, Optimizer, clip, step_sizes, update
from statelab.networks.recurrence import layer, with_one
from statelab.samples import chunks, plans
from statelab.samples import windows as windows_
from statelab.samples.chunks import Chunk
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows

CHUNK_FLOPS = 2e9  # some tenths of a second, so that progress is seen
CHUNK_VALUES = 1 << 22  # that a chunk reads, so that its memory stays small
MAX_CHUNK = 16384  # batches
ANSWERING = 100  # lanes for answers, at most: where none sees another, more are faster
ANSWERING_VALUES = 1 << 27  # of all states of a batch of answers, at most
SPLIT_FLOPS = 5e7  # of an update, above which its lanes are worth a core each
CORES = len(os.sched_getaffinity(0))

Matrices = tuple[
    tf.Tensor, ...
]  # of each layer, and of the head: [seeds, rows, columns]


class Network(NamedTuple):
    """The shape of a network, as `models.build` makes it."""

    cell: str  # a key of CELLS
    head: str  # a key of HEADS
    layers: int
    units: int
    features: int
    outputs: int

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """Rows of each of Keras's weights in each matrix: kernel, bias, recurrent."""
        inputs = [self.features] + [self.units] * (self.layers - 1)
        biases = CELLS[self.cell].projections
        return [(rows, biases, self.units) for rows in inputs] + [(self.units, 1)]


class Run(NamedTuple):
    """All that the next chunk of a run depends on."""

    matrices: Matrices
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


def start(weights: Weights, network: Network, optimizer: Optimizer) -> Run:
    """Return a run that has not begun, from initial weights.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        network: their shape.
        optimizer: what they will be moved by.
    """
    matrices = pack(weights, network)
    slots = OPTIMIZERS[optimizer.name].slots
    seeds = matrices[0].shape[0]
    return Run(
        matrices=matrices,
        slots=tuple(tuple(tf.zeros_like(m) for _ in range(slots)) for m in matrices),
        updates=tf.zeros(seeds, tf.int32),
        state=(),
        batch=0,
        batches=0,
        sums=np.zeros((3, seeds)),
    )


def train(
    run: Run,
    sequences: Sequences,
    windows: Windows,
    followed: Sequence[Plan],
    *,
    network: Network,
    optimizer: Optimizer,
    gradient_window: int | None = None,
    burn_in: int = 0,
    scaling: Scaling | None = None,
    active: np.ndarray | None = None,
    after_chunk: Callable[[Run], None] = lambda _: None,
    until: int | None = None,
    padded_to: int | None = None,
    cores: int = CORES,
) -> Run:
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
    shortest, timesteps = windows_.lengths(windows)
    learns = tf.constant(np.ones(seeds) if active is None else active, tf.float32)
    answered = windows_.answered(windows)
    flops = lanes * _flops(network, timesteps, answered)
    large = seeds == 1 < lanes and flops > SPLIT_FLOPS
    window = gradient_window or timesteps
    chunk = _train_chunk(
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
    size = _chunk_size(
        MAX_CHUNK if padded_to else batches,  # of one size, or it were another program
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
        run = Run(matrices, slots, updates, state, done, batches, sums)
        after_chunk(run)
    return run


def predict(
    weights: Weights,
    sequences: Sequences,
    windows: Windows,
    plan: Plan,
    network: Network,
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
    shortest, timesteps = windows_.lengths(windows)
    answered = windows_.answered(windows)
    chunk = _predict_chunk(
        network, answered, shortest < timesteps, padded_to or timesteps
    )
    extent = tf.constant([timesteps, timesteps]) if padded_to else None
    state = _zero_state(network, seeds, lanes)
    size = _chunk_size(
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
        number = windows_.first_answers(windows, sample)[..., None] + nth
        length = windows_.locate(windows, sample).length[..., None]
        used = (nth < length) & (now.sample >= 0)[..., None]
        grid = np.moveaxis(grid.numpy(), 1, 3)  # [batches, lanes, answered, seeds, …]
        answers[:, number[used]] = grid[used].swapaxes(0, 1)
    return answers


def answering_lanes(
    network: Network,
    windows: Windows,
    sequence: np.ndarray,
    *,
    seeds: int,
    stateful: bool,
) -> int:
    """Return in how many lanes some sequences are answered best; it changes no answer.

    Args:
        network: its shape.
        windows: how they are cut.
        sequence: which they are.
        seeds: networks that answer them.
        stateful: a sequence stays in one lane; else samples are spread over all.
    """
    samples = windows.samples[sequence + 1] - windows.samples[sequence]
    used = len(sequence) if stateful else int(samples.sum())
    kept = CELLS[network.cell].gates + CELLS[network.cell].states + 1
    each = seeds * windows_.lengths(windows)[1] * network.units * kept
    return max(min(ANSWERING, used, ANSWERING_VALUES // each), 1)


def weights_of(run: Run, network: Network) -> Weights:
    """Return the weights of a run by Keras's names, in Keras's order and shapes."""
    names = keras_models.weight_names(**network._asdict())
    return dict(zip(names, _unpack(run.matrices, network), strict=True))


def state_of(run: Run) -> list[np.ndarray]:
    """Return the state after the last batch, h and c of each layer in turn.

    Each is [seeds, lanes, units].
    """
    return [part.numpy() for part in run.state]


# --- the compiled chunks --------------------------------------------------------------


@functools.cache
def _train_chunk(
    network: Network,
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
def _predict_chunk(
    network: Network, answered: int, ragged: bool, _timesteps: int
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


# --- between the host and the device --------------------------------------------------


def _on_device(chunk: Chunk, padded_to: int | None) -> Chunk:
    if padded_to is not None:
        more = padded_to - chunk.x.shape[3]
        x = np.pad(chunk.x, [(0, 0)] * 3 + [(0, more), (0, 0)])
        chunk = chunk._replace(x=x)
    return Chunk(*map(tf.constant, chunk))


def _chunk_size(
    batches: int,
    seeds: int,
    populations: int,
    lanes: int,
    timesteps: int,
    answered: int,
    network: Network,
) -> int:
    """Return the batches of a chunk, for a pass of some."""
    flops = seeds * lanes * _flops(network, timesteps, answered)
    values = populations * lanes * (timesteps * network.features + answered)
    values += seeds * lanes * answered * network.outputs
    # A power of two above the batches, which may vary from pass to pass.
    most = min(MAX_CHUNK, 2 ** batches.bit_length())
    return int(max(min(CHUNK_FLOPS / flops, CHUNK_VALUES / values, most), 1))


def _flops(network: Network, timesteps: int, answered: int) -> int:
    """Floating point operations of one sample in one update, about."""
    gates = CELLS[network.cell].gates
    rows = sum(sum(block) for block in network.blocks[:-1])
    head = answered * sum(network.blocks[-1]) * network.outputs
    return 6 * (timesteps * rows * gates * network.units + head)


def _zero_state(network: Network, seeds: int, lanes: int) -> State:
    shape = (seeds, lanes, network.units)
    return tuple(
        tf.zeros(shape) for _ in range(network.layers * CELLS[network.cell].states)
    )


def pack(weights: Weights, network: Network) -> Matrices:
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


def _unpack(matrices: Matrices, network: Network) -> list[np.ndarray]:
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
