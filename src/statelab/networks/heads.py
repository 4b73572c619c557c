"""What a network answers: the loss, the score and the answer made of its logits."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Head(NamedTuple):
    """Functions of logits [..., outputs] and targets [...]."""

    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # -> [...]
    score: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # -> [...]
    predict: Callable[[tf.Tensor], tf.Tensor]  # -> [...], or [..., outputs] of classes


def _squared_error(logits, target):
    return (logits[..., 0] - target) ** 2


def _absolute_error(logits, target):
    return abs(logits[..., 0] - target)


def _binary_crossentropy(logits, target):
    return tf.nn.sigmoid_cross_entropy_with_logits(target, logits[..., 0])


def _binary_hit(logits, target):
    return tf.cast((logits[..., 0] > 0) == (target > 0.5), tf.float32)


def _class_crossentropy(logits, target):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.cast(target, tf.int32), logits
    )


def _class_hit(logits, target):
    best = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return tf.cast(best == tf.cast(target, tf.int32), tf.float32)


HEADS = {
    "binary": Head(
        _binary_crossentropy, _binary_hit, lambda logits: tf.sigmoid(logits[..., 0])
    ),
    "multiclass": Head(_class_crossentropy, _class_hit, tf.nn.softmax),
    "regression": Head(_squared_error, _absolute_error, lambda logits: logits[..., 0]),
}
