"""How steeply answers go with what was read: the gradient of outputs by inputs."""

# pyright: reportArgumentType=false, reportCallIssue=false
# (Keras and TensorFlow annotate less than they take)

import numpy as np
import tensorflow as tf

from statelab.networks import matrices
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.cells import CELLS
from statelab.networks.recurrence import layer, with_one

LANES = 64  # samples at once


def by_lag(
    weights: Weights,
    network: Architecture,
    inputs: np.ndarray,
    lag: np.ndarray,
    length: np.ndarray,
) -> np.ndarray:
    """Return the slope of each network's last answer to what it was given at each lag.

    An answer is a value, or the log-odds of the class that is answered: a probability
    near 1 is flat, whatever it rests on. The slope is the norm over features of the
    gradient, through all reads of that lag.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        network: their shape.
        inputs: what stands at each lag, scaled, float32 [samples, lags, features].
        lag: of what is read, in the order of reading, int [samples, reads].
        length: reads of each sample, [samples]; state is held behind them.

    Returns:
        [seeds, samples, lags].
    """
    packed = matrices.pack(weights, network)
    samples = len(inputs)
    lanes = min(LANES, samples)
    slopes = []
    for start in range(0, samples, lanes):
        some = np.arange(start, start + lanes) % samples  # of one shape: compiled once
        found = _slopes(
            network,
            packed,
            tf.constant(inputs[some], tf.float32),
            tf.constant(lag[some], tf.int32),
            tf.constant(length[some], tf.int32),
        )
        slopes.append(found.numpy())
    return np.concatenate(slopes, axis=1)[:, :samples]


@tf.function(jit_compile=True, autograph=False)
def _slopes(network, matrices, inputs, lag, length):
    *recurrent, head = matrices
    cell, seeds = CELLS[network.cell], head.shape[0]
    zeros = tf.zeros((seeds, inputs.shape[0], network.units))
    lengths = tf.broadcast_to(length, (seeds, inputs.shape[0]))
    given = tf.broadcast_to(inputs, (seeds, *inputs.shape))
    h = zeros
    with tf.GradientTape() as tape:
        tape.watch(given)
        read = tf.gather(given, tf.broadcast_to(lag, (seeds, *lag.shape)), batch_dims=2)
        outputs = tf.transpose(read, (2, 0, 1, 3))  # [reads, seeds, lanes, features]
        for matrix in recurrent:
            outputs, (h, *_) = layer(
                cell,
                matrix,
                outputs,
                (zeros,) * cell.states,
                lengths=lengths,
                gradient_window=lag.shape[1],
            )
        answer = tf.reduce_sum(_answer(with_one(h) @ head))
    return tf.norm(tape.gradient(answer, given), axis=-1)


def _answer(logits: tf.Tensor) -> tf.Tensor:
    """Return the value, or the log-odds of a class, from logits [..., outputs]."""
    if logits.shape[-1] == 1:
        return logits[..., 0]
    best = tf.one_hot(tf.argmax(logits, axis=-1), logits.shape[-1], on_value=-np.inf)
    return tf.reduce_max(logits, axis=-1) - tf.reduce_logsumexp(logits + best, axis=-1)
