"""How steeply predictions change with inputs: the gradient of outputs by inputs."""

import numpy as np
import tensorflow as tf

from statelab.networks import matrices
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.recurrence import layer, with_one

LANES = 64  # samples of a batch


def by_lag(
    weights: Weights,
    network: Architecture,
    inputs: np.ndarray,
    lag: np.ndarray,
    length: np.ndarray,
) -> np.ndarray:
    """Return the slope of each network's last prediction by its inputs at each lag.

    For values the slope is ‖∂y/∂x‖, the norm over the features of x; for classes it is
    of the log-odds of the predicted class in place of y: a probability near 1 is flat,
    whatever it rests on. An input that is read several times, as windows overlap,
    counts with all of them.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        network: their architecture.
        inputs: the input at each lag, scaled, float32 [samples, lags, features].
        lag: of each input in the order of reading, int [samples, reads].
        length: reads of each sample, [samples]; state is held behind them.

    Returns:
        [seeds, samples, lags].
    """
    packed = matrices.pack(weights, network)
    samples = len(inputs)
    lanes = min(LANES, samples)
    slopes = []
    for start in range(0, samples, lanes):
        batch = np.arange(start, start + lanes) % samples  # of one shape: compiled once
        of_batch = _slopes(
            network,
            packed,
            tf.constant(inputs[batch], tf.float32),
            tf.constant(lag[batch], tf.int32),
            tf.constant(length[batch], tf.int32),
        )
        slopes.append(of_batch.numpy())
    return np.concatenate(slopes, axis=1)[:, :samples]


@tf.function(jit_compile=True, autograph=False)
def _slopes(network, matrices, inputs, lag, length):
    *recurrent, head = matrices
    seeds = head.shape[0]
    zeros = tf.zeros((seeds, inputs.shape[0], network.units))
    lengths = tf.broadcast_to(length, (seeds, inputs.shape[0]))
    x = tf.broadcast_to(inputs, (seeds, *inputs.shape))
    h = zeros
    with tf.GradientTape() as tape:
        tape.watch(x)
        read = tf.gather(x, tf.broadcast_to(lag, (seeds, *lag.shape)), batch_dims=2)
        outputs = tf.transpose(read, (2, 0, 1, 3))  # [reads, seeds, lanes, features]
        for matrix in recurrent:
            outputs, (h, *_) = layer(
                network.cell,
                matrix,
                outputs,
                (zeros,) * network.sizes.states,
                lengths=lengths,
                gradient_window=lag.shape[1],
            )
        predicted = tf.reduce_sum(_log_odds(with_one(h) @ head))
    return tf.norm(tape.gradient(predicted, x), axis=-1)


def _log_odds(logits: tf.Tensor) -> tf.Tensor:
    """Return the value, or the log-odds of a class, from logits [..., outputs]."""
    if logits.shape[-1] == 1:
        return tf.squeeze(logits, axis=-1)
    best = tf.one_hot(tf.argmax(logits, axis=-1), logits.shape[-1], on_value=-np.inf)
    return tf.reduce_max(logits, axis=-1) - tf.reduce_logsumexp(logits + best, axis=-1)
