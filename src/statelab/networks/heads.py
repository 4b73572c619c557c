"""Heads: predictions, losses and scores of the logits that a network gives.

Of one prediction: y is its target, p the probability of class 1 or of the right class,
z the logit, of several classes zₖ that of class k. Each name in `config.networks.HEADS`
is a function here, and means the same in Keras.
"""

import tensorflow as tf


def sigmoid(logits: tf.Tensor) -> tf.Tensor:
    """Return the probability of class 1: p = 1 / (1 + exp(-z)).

    Args:
        logits: [..., 1].

    Returns:
        [...].
    """
    return tf.sigmoid(_only(logits))


def softmax(logits: tf.Tensor) -> tf.Tensor:
    """Return the probability of each class: pₖ = exp(zₖ) / Σ exp(zⱼ).

    Args:
        logits: [..., classes].

    Returns:
        [..., classes].
    """
    return tf.nn.softmax(logits)


def linear(logits: tf.Tensor) -> tf.Tensor:
    """Return the value as it is.

    Args:
        logits: [..., 1].

    Returns:
        [...].
    """
    return _only(logits)


def binary_crossentropy(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return -y log p - (1 - y) log(1 - p), in nats.

    Args:
        logits: [..., 1].
        target: 0 or 1, float32 [...].

    Returns:
        [...].
    """
    return tf.nn.sigmoid_cross_entropy_with_logits(target, _only(logits))


def binary_accuracy(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return 1 where p > 1/2 is right, else 0; args as in `binary_crossentropy`."""
    return tf.cast((_only(logits) > 0) == (target > 0.5), tf.float32)


def sparse_categorical_crossentropy(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return -log p, in nats.

    Args:
        logits: [..., classes].
        target: a class from 0 on, float32 [...].

    Returns:
        [...].
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(target, tf.int32), logits
    )


def sparse_categorical_accuracy(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return 1 where the likeliest class is right, else 0.

    Args and returns as in `sparse_categorical_crossentropy`.
    """
    best = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return tf.cast(best == tf.cast(target, tf.int32), tf.float32)


def mean_squared_error(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return (z - y)²; its mean is taken where it is counted.

    Args:
        logits: [..., 1].
        target: [...].

    Returns:
        [...].
    """
    return (_only(logits) - target) ** 2


def mean_absolute_error(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return |z - y|; args and returns as in `mean_squared_error`."""
    return abs(_only(logits) - target)


def _only(logits: tf.Tensor) -> tf.Tensor:
    """Return the only logit of each prediction, [...]."""
    return logits[..., 0]  # pyright: ignore[reportArgumentType]
