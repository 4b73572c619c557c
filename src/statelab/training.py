"""Trains a population of networks, one for each seed, in compiled chunks of batches.

The compiled unit is a chunk: a while loop over a fixed number of batches that gathers
samples, resets lanes, steps the network, and updates the weights. A host loop feeds it
slices of the plan. State, weights and moments are loop variables; weights are one flat
vector for each seed, so that an update is a few fused kernels.

The same updates as stock Keras gives for the same plan: `reference` is the slow twin.
"""

# pyright: reportArgumentType=false
# (Keras and TensorFlow annotate less than they take)

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from statelab import cells
from statelab.layouts import Plan
from statelab.models import Weights

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Keras's defaults for Adam
CHUNK_FLOPS = 2e8  # about a tenth of a second, so that progress is seen
MAX_CHUNK = 4096  # batches


class Samples(NamedTuple):
    """What a plan indexes: flat steps, and the windows into them."""

    values: np.ndarray  # float32 [steps, features]
    first: np.ndarray  # int [samples]; a flat step
    length: np.ndarray  # int [samples]; steps
    target: np.ndarray  # float32 [samples]


class Optimizer(NamedTuple):
    """How weights are updated over a whole run."""

    name: str  # a key of OPTIMIZERS
    learning_rate: float
    schedule: str  # a key of SCHEDULES
    clipnorm: float | None  # of the gradient of each weight, as in Keras
    updates: int


class Network(NamedTuple):
    """The shape of a network, as `models.build` makes it."""

    cell: str
    layers: int
    names: tuple[str, ...]  # of the weights
    shapes: tuple[tuple[int, ...], ...]  # of the weights, without the axis of seeds
    timesteps: int
    ragged: bool  # some samples are shorter than `timesteps`
    gradient_window: int  # steps


class Epoch(NamedTuple):
    """What an epoch left behind; loss and accuracy are of the weights as they moved."""

    weights: Weights
    loss: np.ndarray  # float64 [seeds]
    accuracy: np.ndarray  # float64 [seeds]
    state: list[np.ndarray]  # of each layer in turn, h and c [seeds, lanes, units]


def fit(
    weights: Weights,
    samples: Samples,
    plans: Callable[[int], Sequence[Plan]],
    *,
    cell: str,
    layers: int,
    epochs: int,
    optimizer: Optimizer,
    gradient_window: int | None,
    report: Callable[[int, int], None],
) -> Iterator[Epoch]:
    """Train every network of a population on its own plan.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        samples: what the plans index.
        plans: from the number of an epoch to one plan for each seed, or to a single
            plan that all of them follow.
        cell: a key of `cells.CELLS`.
        layers: recurrent layers.
        epochs: passes over the plans.
        optimizer: how to update.
        gradient_window: steps that the gradient reaches back; None for a whole sample.
        report: called now and then with the batches done and the batches in all.

    Yields:
        After each epoch, the weights and the running loss and accuracy.
    """
    network = _network(weights, samples, cell, layers, gradient_window)
    train = _train_chunk(network, optimizer)
    data = _on_device(samples)
    flat = _flatten(weights)
    moments = (flat, tf.zeros_like(flat), tf.zeros_like(flat), tf.zeros(len(flat)))
    for epoch in range(epochs):
        plan = _stack(plans(epoch), seeds=len(flat))
        state = _initial_state(network, plan)
        totals = np.zeros((3, len(flat)))
        done = 0
        for chunk, batches in _chunks(plan, network):
            moments, state, sums = train(data, moments, state, chunk, batches)
            done += int(batches)
            totals += np.asarray(sums, np.float64)
            report(epoch * plan.batches + done, epochs * plan.batches)
        loss, correct, weight = totals
        yield Epoch(
            weights=_unflatten(moments[0], network),
            loss=loss / weight,
            accuracy=correct / weight,
            state=[part.numpy() for part in state],
        )


def predict(
    weights: Weights,
    samples: Samples,
    plan: Plan,
    *,
    cell: str,
    layers: int,
) -> np.ndarray:
    """Return each network's answer to each sample of a plan, from frozen weights.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        samples: what the plan indexes.
        plan: state starts from zero, whatever was trained before.
        cell: a key of `cells.CELLS`.
        layers: recurrent layers.

    Returns:
        Probabilities, float32 [seeds, samples]; NaN for samples outside the plan.
    """
    network = _network(weights, samples, cell, layers, None)
    answer = _predict_chunk(network)
    data = _on_device(samples)
    flat = _flatten(weights)
    stacked = _stack([plan], seeds=len(flat))
    state = _initial_state(network, stacked)
    outputs = []
    for chunk, batches in _chunks(stacked, network):
        state, probabilities = answer(data, flat, state, chunk, batches)
        outputs.append(probabilities.numpy())
    grid = np.concatenate(outputs, axis=1)[:, : len(plan.sample)]  # [S, batches, lanes]
    answers = np.full((len(flat), len(samples.first)), np.nan, np.float32)
    used = plan.weight > 0
    answers[:, plan.sample[used]] = grid[:, used]
    return answers


# --- the compiled chunks --------------------------------------------------------------


@functools.cache
def _train_chunk(network: Network, optimizer: Optimizer) -> Callable[..., Any]:
    def loss_of(flat, x, lengths, state, target, weight):
        logits, state = _forward(network, flat, x, lengths, state)
        losses = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)  # [S, B]
        total = tf.reduce_sum(weight, axis=-1)
        mean = tf.math.divide_no_nan(tf.reduce_sum(weight * losses, axis=-1), total)
        correct = tf.cast((logits > 0) == (target > 0.5), tf.float32)
        sums = (
            tf.reduce_sum(weight * losses, axis=-1),
            tf.reduce_sum(weight * correct, axis=-1),
            total,
        )
        # Seeds share no weight: the gradient of their sum is each one's own gradient.
        return tf.reduce_sum(mean), state, sums

    @tf.function(jit_compile=True, autograph=False)
    def train_chunk(data, moments, state, chunk, batches):
        def train_step(batch, moments, state, sums):
            x, lengths, target, reset, weight = _read(network, data, chunk, batch)
            state = _reset(state, reset)
            with tf.GradientTape() as tape:
                tape.watch(moments[0])
                loss, state, new = loss_of(
                    moments[0], x, lengths, state, target, weight
                )
            gradient = tape.gradient(loss, moments[0])
            if optimizer.clipnorm is not None:
                gradient = _clip(network, gradient, optimizer.clipnorm)
            updated = OPTIMIZERS[optimizer.name](optimizer, gradient, *moments)
            counts = new[2] > 0  # no weight, no update
            moments = tuple(
                tf.where(
                    tf.reshape(counts, [-1] + [1] * (after.ndim - 1)), after, before
                )
                for after, before in zip(updated, moments, strict=True)
            )
            sums = tuple(a + b for a, b in zip(sums, new, strict=True))
            return batch + 1, moments, state, sums

        zero = tf.zeros(moments[0].shape[0])
        _, moments, state, sums = tf.while_loop(
            lambda batch, *_: batch < batches,
            train_step,
            (0, moments, state, (zero, zero, zero)),
        )
        return moments, state, sums

    return train_chunk


@functools.cache
def _predict_chunk(network: Network) -> Callable[..., Any]:
    @tf.function(jit_compile=True, autograph=False)
    def predict_chunk(data, flat, state, chunk, batches):
        seeds, size, lanes = chunk.sample.shape

        def predict_step(batch, state, outputs):
            x, lengths, _, reset, _ = _read(network, data, chunk, batch)
            logits, state = _forward(network, flat, x, lengths, _reset(state, reset))
            return batch + 1, state, outputs.write(batch, tf.sigmoid(logits))

        outputs = tf.TensorArray(tf.float32, size, element_shape=(seeds, lanes))
        _, state, outputs = tf.while_loop(
            lambda batch, *_: batch < batches, predict_step, (0, state, outputs)
        )
        return state, tf.transpose(outputs.stack(), [1, 0, 2])

    return predict_chunk


def _read(network: Network, data: Samples, chunk: Plan, batch: tf.Tensor):
    """Gather what a batch reads: x [S, B, T, F], and [S, B] of the rest."""
    sample = chunk.sample[:, batch]
    steps = tf.gather(data.first, sample)[..., None] + tf.range(network.timesteps)
    return (
        tf.gather(data.values, tf.minimum(steps, data.values.shape[0] - 1)),
        tf.gather(data.length, sample),
        tf.gather(data.target, sample),
        chunk.reset[:, batch],
        chunk.weight[:, batch],
    )


def _reset(state: cells.State, reset: tf.Tensor) -> cells.State:
    return tuple(
        tf.where(reset[..., None], tf.zeros_like(part), part) for part in state
    )


def _forward(
    network: Network,
    flat: tf.Tensor,
    x: tf.Tensor,
    lengths: tf.Tensor,
    state: cells.State,
) -> tuple[tf.Tensor, cells.State]:
    """Run a batch of samples through the network: logits [S, B] and the next state."""
    *recurrent, kernel, bias = _split(network, flat)
    step = cells.CELLS[network.cell]
    parts = cells.STATE_SIZES[network.cell]
    tensors = cells.WEIGHT_COUNTS[network.cell]

    def time_step(t, state):
        if network.gradient_window < network.timesteps:
            cut = t % network.gradient_window == 0
            state = tuple(tf.where(cut, tf.stop_gradient(s), s) for s in state)
        output, after = x[:, :, t], ()
        for layer in range(network.layers):
            output, new = step(
                recurrent[layer * tensors : (layer + 1) * tensors],
                output,
                state[layer * parts : (layer + 1) * parts],
            )
            after += new
        if network.ragged:
            valid = (t < lengths)[..., None]
            after = tuple(
                tf.where(valid, new, old) for new, old in zip(after, state, strict=True)
            )
        return t + 1, after

    _, state = tf.while_loop(
        lambda t, _: t < network.timesteps,
        time_step,
        (0, state),
        maximum_iterations=network.timesteps,
    )
    top = state[(network.layers - 1) * parts]  # h of the last layer is its output
    return (top @ kernel + bias[:, None])[..., 0], state


def _adam(optimizer: Optimizer, g, w, m, v, t):
    """Update flat weights [S, P] by Adam, in the form and the order that Keras has.

    Reference:
        Kingma and Ba, Adam, 2014: the last formula of section 2.
    """
    done = tf.minimum(t / optimizer.updates, 1.0)
    rate = optimizer.learning_rate * SCHEDULES[optimizer.schedule](done)
    t = t + 1
    m = m + (g - m) * (1 - BETA_1)
    v = v + (g * g - v) * (1 - BETA_2)
    alpha = rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
    w = w - alpha[:, None] * m / (tf.sqrt(v) + EPSILON)
    return w, m, v, t


OPTIMIZERS = {"adam": _adam}

# From the share of all updates that is done to the share of the learning rate.
SCHEDULES = {
    "constant": tf.ones_like,
    "cosine": lambda done: 0.5 * (1 + tf.cos(np.float32(np.pi) * done)),
}


def _clip(network: Network, gradient: tf.Tensor, clipnorm: float) -> tf.Tensor:
    clipped = []
    for part in _split(network, gradient):
        axes = list(range(1, part.ndim))
        norm = tf.sqrt(tf.reduce_sum(part * part, axes, keepdims=True))
        part *= clipnorm / tf.maximum(norm, clipnorm)
        clipped.append(tf.reshape(part, [part.shape[0], -1]))
    return tf.concat(clipped, axis=1)


# --- between the host and the device --------------------------------------------------


class _Stacked(NamedTuple):
    """A plan for each seed."""

    sample: np.ndarray  # int32 [seeds, batches, lanes]
    reset: np.ndarray  # bool [seeds, batches, lanes]
    weight: np.ndarray  # float32 [seeds, batches, lanes]

    @property
    def batches(self) -> int:
        return self.sample.shape[1]


def _stack(plans: Sequence[Plan], *, seeds: int) -> _Stacked:
    fields = (np.stack(field) for field in zip(*plans, strict=True))
    return _Stacked(
        *(np.broadcast_to(field, (seeds, *field.shape[1:])) for field in fields)
    )


def _chunks(plan: _Stacked, network: Network) -> Iterator[tuple[Plan, tf.Tensor]]:
    """Yield slices of one size, and how many batches of each are to be run.

    The last slice is filled up, so that it fits the program compiled for the others.
    """
    seeds, batches, lanes = plan.sample.shape
    parameters = sum(int(np.prod(shape)) for shape in network.shapes)
    flops = 6 * seeds * lanes * network.timesteps * parameters
    size = int(min(max(CHUNK_FLOPS / flops, 1), MAX_CHUNK, batches))
    for start in range(0, batches, size):
        fields = [field[:, start : start + size] for field in plan]
        count = fields[0].shape[1]
        if count < size:
            fill = ((0, 0), (0, size - count), (0, 0))
            fields = [np.pad(field, fill) for field in fields]
        yield Plan(*map(tf.constant, fields)), tf.constant(count)


def _on_device(samples: Samples) -> Samples:
    return Samples(
        values=tf.constant(samples.values),
        first=tf.constant(samples.first, tf.int32),
        length=tf.constant(samples.length, tf.int32),
        target=tf.constant(samples.target, tf.float32),
    )


def _network(
    weights: Weights,
    samples: Samples,
    cell: str,
    layers: int,
    gradient_window: int | None,
) -> Network:
    timesteps = int(samples.length.max())
    return Network(
        cell=cell,
        layers=layers,
        names=tuple(weights),
        shapes=tuple(array.shape[1:] for array in weights.values()),
        timesteps=timesteps,
        ragged=bool((samples.length < timesteps).any()),
        gradient_window=gradient_window or timesteps,
    )


def _initial_state(network: Network, plan: _Stacked) -> cells.State:
    seeds, _, lanes = plan.sample.shape
    units = network.shapes[-2][0]  # the output layer's kernel is [units, 1]
    zeros = tf.zeros((seeds, lanes, units))
    return (zeros,) * (network.layers * cells.STATE_SIZES[network.cell])


def _flatten(weights: Weights) -> tf.Tensor:
    """Return all weights of a seed as one vector, [seeds, parameters]."""
    flat = [array.reshape(len(array), -1) for array in weights.values()]
    return tf.constant(np.concatenate(flat, axis=1))


def _split(network: Network, flat: tf.Tensor) -> list[tf.Tensor]:
    sizes = [int(np.prod(shape)) for shape in network.shapes]
    return [
        tf.reshape(part, (part.shape[0], *shape))
        for part, shape in zip(tf.split(flat, sizes, 1), network.shapes, strict=True)
    ]


def _unflatten(flat: tf.Tensor, network: Network) -> Weights:
    parts = (part.numpy() for part in _split(network, flat))
    return dict(zip(network.names, parts, strict=True))
