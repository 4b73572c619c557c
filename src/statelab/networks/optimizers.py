"""Optimizers in the form and with the constants of Keras."""

# pyright: reportArgumentType=false
# (Keras and TensorFlow annotate less than they take)

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

EPSILON = 1e-7
BETA_1, BETA_2 = 0.9, 0.999  # of Adam
RHO = 0.9  # of RMSprop


class Rule(NamedTuple):
    """How a weight moves. Slots are what it remembers, each of the weight's shape."""

    slots: int
    # of the rate and the number of this update, from 1 on, -> the size of the step
    scale: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    # of step size, gradient and slots -> the change, and the next slots
    change: Callable[..., tuple[tf.Tensor, tuple[tf.Tensor, ...]]]


def _adam_scale(rate, t):
    return rate * tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)


def _adam(scale, g, m, v):
    """Kingma and Ba, Adam, 2014: the last formula of section 2."""
    m = m + (g - m) * (1 - BETA_1)
    v = v + (g * g - v) * (1 - BETA_2)
    return -scale * m / (tf.sqrt(v) + EPSILON), (m, v)


def _rmsprop(scale, g, v):
    """Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012."""
    v = RHO * v + (1 - RHO) * g * g
    return -scale * g / tf.sqrt(v + EPSILON), (v,)


def _sgd(scale, g):
    return -scale * g, ()


OPTIMIZERS = {
    "adam": Rule(2, _adam_scale, _adam),
    "rmsprop": Rule(1, lambda rate, t: rate, _rmsprop),
    "sgd": Rule(0, lambda rate, t: rate, _sgd),
}

# From the share of all updates that is done to the share of the learning rate.
SCHEDULES = {
    "constant": tf.ones_like,
    "cosine": lambda done: 0.5 * (1 + tf.cos(np.float32(np.pi) * done)),
}


class Optimizer(NamedTuple):
    """How weights are updated over a whole run."""

    name: str  # a key of OPTIMIZERS
    learning_rate: float
    schedule: str  # a key of SCHEDULES
    clipnorm: float | None  # of the gradient of each of Keras's weights
    updates: int  # of the whole run, for the schedule

    @property
    def pace(self) -> tuple[float, float]:
        """What a compiled program takes as data: other values make no new program."""
        return self.learning_rate, float(self.updates)

    @property
    def rule(self) -> "Optimizer":
        """All else, which is part of a program."""
        return self._replace(learning_rate=0.0, updates=0)


def step_sizes(
    optimizer: Optimizer, pace: tf.Tensor, done: tf.Tensor, counts: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the size of each step to come, and the updates done after the last.

    Args:
        optimizer: the rule, and its options.
        pace: its learning rate, and the updates of the whole run, float32 [2].
        done: updates that each seed has had so far, int32 [seeds].
        counts: whether a batch is an update of a seed, bool [batches, seeds].

    Returns:
        float32 [batches, seeds], and int32 [seeds].
    """
    after = done + tf.cumsum(tf.cast(counts, tf.int32))
    nth = tf.cast(after, tf.float32)  # from 1 on
    learning_rate, updates = tf.unstack(pace)
    share = tf.clip_by_value((nth - 1) / updates, 0.0, 1.0)
    rate = learning_rate * SCHEDULES[optimizer.schedule](share)
    return OPTIMIZERS[optimizer.name].scale(rate, nth), after[-1]


def update(
    optimizer: Optimizer,
    scale: tf.Tensor,
    counts: tf.Tensor,
    gradients: tuple[tf.Tensor, ...],
    weights: tuple[tf.Tensor, ...],
    slots: tuple[tuple[tf.Tensor, ...], ...],
) -> tuple[tuple[tf.Tensor, ...], tuple[tuple[tf.Tensor, ...], ...]]:
    """Move the weights of each seed, except where nothing counted.

    Args:
        optimizer: the rule, and its options.
        scale: the size of this step, [seeds].
        counts: whether this batch counts for a seed, bool [seeds]; where it does not,
            weights and slots stay.
        gradients, weights: one for each matrix, [seeds, rows, columns].
        slots: those of each matrix.

    Returns:
        The weights and the slots thereafter.
    """
    change = OPTIMIZERS[optimizer.name].change
    scale, counts = scale[:, None, None], counts[:, None, None]
    moved, remembered = [], []
    for gradient, weight, before in zip(gradients, weights, slots, strict=True):
        by, after = change(scale, gradient, *before)
        moved.append(tf.where(counts, weight + by, weight))
        remembered.append(
            tuple(tf.where(counts, a, b) for a, b in zip(after, before, strict=True))
        )
    return tuple(moved), tuple(remembered)


def clip(gradient: tf.Tensor, rows: tuple[int, ...], clipnorm: float) -> tf.Tensor:
    """Scale every block of rows down to a norm of at most `clipnorm`.

    Args:
        gradient: of a matrix, [seeds, rows, columns].
        rows: of each block: Keras clips each of its weights by its own norm.
        clipnorm: the largest norm.
    """
    blocks = []
    for block in tf.split(gradient, rows, axis=1):
        norm = tf.sqrt(tf.reduce_sum(block * block, axis=(1, 2), keepdims=True))
        blocks.append(block * (clipnorm / tf.maximum(norm, clipnorm)))
    return tf.concat(blocks, axis=1)
