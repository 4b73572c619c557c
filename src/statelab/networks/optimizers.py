"""Optimizers in the form and with the constants of Keras.

A step changes a weight w by its gradient g. A rule is split in two: the size η of the
step, which depends on the number of the update alone, and the change, which depends on
the gradient and on the *slots*, what the rule remembers of each weight. The sizes of
all steps of a chunk are worked out at once, before its loop.

Each optimizer and schedule of `config.networks` is a function of the same name; `_size`
is appended to that of η, where it is not the learning rate itself.
"""

from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from statelab.networks.matrices import Matrices

EPSILON = 1e-7
BETA_1, BETA_2 = 0.9, 0.999  # of Adam
RHO = 0.9  # of RMSprop


class Rule(Protocol):
    """Gives the change of a weight, and the next slots."""

    def __call__(
        self, size: tf.Tensor, g: tf.Tensor, *slots: tf.Tensor
    ) -> tuple[tf.Tensor, Matrices]: ...


class Optimizer(NamedTuple):
    """How weights are updated over a whole training."""

    name: str  # a key of config.networks.OPTIMIZERS
    learning_rate: float
    schedule: str  # a key of config.networks.SCHEDULES
    clipnorm: float | None  # of the gradient of each of Keras's weights
    updates: int  # of the whole training, for the schedule

    @property
    def pace(self) -> tuple[float, float]:
        """What a compiled program takes as data: other values make no new program."""
        return self.learning_rate, float(self.updates)

    @property
    def rule(self) -> "Optimizer":
        """All else, which is part of a program."""
        return self._replace(learning_rate=0.0, updates=0)


# --- rules: what a step adds to a weight, and the next slots --------------------------


def adam(
    size: tf.Tensor, g: tf.Tensor, m: tf.Tensor, v: tf.Tensor
) -> tuple[tf.Tensor, Matrices]:
    """Adam, in the form of the last formula of section 2 of the paper.

        m' = m + (1 - β₁) (g - m)    v' = v + (1 - β₂) (g² - v)
        Δw = -η m' / (√v' + ε)       η as in `adam_size`

    Args:
        size: η, [seeds, 1, 1].
        g: the gradient of a matrix, [seeds, rows, columns].
        m, v: its first and second moments, likewise.

    Returns:
        Δw, and m' and v'.

    Reference:
        Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014.
    """
    m = m + (g - m) * (1 - BETA_1)
    v = v + (g * g - v) * (1 - BETA_2)
    return -size * m / (tf.sqrt(v) + EPSILON), (m, v)


def adam_size(rate: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """Return η = α √(1 - β₂ᵗ) / (1 - β₁ᵗ), which takes the bias out of the moments.

    Args:
        rate: α at each update.
        t: the number of each update, from 1 on, in the same shape.
    """
    return rate * tf.sqrt(1 - tf.pow(BETA_2, t)) / (1 - tf.pow(BETA_1, t))


def rmsprop(size: tf.Tensor, g: tf.Tensor, v: tf.Tensor) -> tuple[tf.Tensor, Matrices]:
    """RMSprop: v' = ρ v + (1 - ρ) g², Δw = -η g / √(v' + ε).

    Args:
        size: η, the learning rate, [seeds, 1, 1].
        g: the gradient of a matrix, [seeds, rows, columns].
        v: its second moment, likewise.

    Returns:
        Δw, and v'.

    Reference:
        Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012.
    """
    v = RHO * v + (1 - RHO) * g * g
    return -size * g / tf.sqrt(v + EPSILON), (v,)


def sgd(size: tf.Tensor, g: tf.Tensor) -> tuple[tf.Tensor, Matrices]:
    """Stochastic gradient descent: Δw = -η g.

    Args:
        size: η, the learning rate, [seeds, 1, 1].
        g: the gradient of a matrix, [seeds, rows, columns].

    Returns:
        Δw, and no slots.
    """
    return -size * g, ()


# --- schedules: the share of the learning rate, by the share of updates done ----------


def constant(done: tf.Tensor) -> tf.Tensor:
    """Return 1."""
    return tf.ones_like(done)


def cosine(done: tf.Tensor) -> tf.Tensor:
    """Return (1 + cos(π done)) / 2, from 1 to 0.

    Reference:
        Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts,
        2016, without restarts.
    """
    return 0.5 * (1 + tf.cos(np.float32(np.pi) * done))


# --- what the compiled program calls --------------------------------------------------


def step_sizes(
    optimizer: Optimizer, pace: tf.Tensor, done: tf.Tensor, counts: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the size of each step to come, and the updates done after the last.

    Args:
        optimizer: the rule, and its options.
        pace: `Optimizer.pace`, float32 [2].
        done: updates that each seed has had so far, int32 [seeds].
        counts: whether a batch is an update of a seed, bool [batches, seeds].

    Returns:
        float32 [batches, seeds], and int32 [seeds].
    """
    after = done + tf.cumsum(tf.cast(counts, tf.int32))
    t = tf.cast(after, tf.float32)  # from 1 on
    learning_rate, updates = tf.unstack(pace)
    share = tf.clip_by_value((t - 1) / updates, 0.0, 1.0)
    rate = learning_rate * globals()[optimizer.schedule](share)
    size = globals().get(f"{optimizer.name}_size")
    return rate if size is None else size(rate, t), after[-1]


def update(
    optimizer: Optimizer,
    size: tf.Tensor,
    counts: tf.Tensor,
    gradients: Matrices,
    weights: Matrices,
    slots: tuple[Matrices, ...],
) -> tuple[Matrices, tuple[Matrices, ...]]:
    """Move the weights of each seed, except where nothing counted.

    Args:
        optimizer: the rule, and its options.
        size: of this step, float32 [seeds].
        counts: whether this batch counts for a seed, bool [seeds]; where it does not,
            weights and slots stay.
        gradients, weights: one for each matrix, [seeds, rows, columns].
        slots: those of each matrix.

    Returns:
        The weights and the slots thereafter.
    """
    rule: Rule = globals()[optimizer.name]
    size, counts = size[:, None, None], counts[:, None, None]
    moved, remembered = [], []
    for gradient, weight, before in zip(gradients, weights, slots, strict=True):
        by, after = rule(size, gradient, *before)
        moved.append(tf.where(counts, weight + by, weight))
        remembered.append(
            tuple(tf.where(counts, a, b) for a, b in zip(after, before, strict=True))
        )
    return tuple(moved), tuple(remembered)


def clip(gradient: tf.Tensor, rows: tuple[int, ...], clipnorm: float) -> tf.Tensor:
    """Scale every block of rows down to a norm of at most `clipnorm`.

        g' = g · c / max(‖g‖, c), of each block by itself

    Args:
        gradient: of a matrix, [seeds, rows, columns].
        rows: of each block: Keras clips each of its weights by its own norm.
        clipnorm: c, the largest norm.

    Returns:
        [seeds, rows, columns].

    Reference:
        Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural
        networks, 2013.
    """
    blocks = []
    for block in tf.split(gradient, rows, axis=1):
        norm = tf.sqrt(tf.reduce_sum(block * block, axis=(1, 2), keepdims=True))
        blocks.append(block * (clipnorm / tf.maximum(norm, clipnorm)))
    return tf.concat(blocks, axis=1)
