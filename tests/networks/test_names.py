"""Each name of `config.networks` is computed here, and known to Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from statelab.config.networks import CELLS, HEADS, OPTIMIZERS, SCHEDULES
from statelab.networks import cells, heads, optimizers
from statelab.networks.optimizers import Optimizer
from statelab.training import keras_fit


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_a_function_and_a_layer(name):
    assert callable(getattr(cells, name))
    assert issubclass(getattr(keras.layers, CELLS[name].keras), keras.layers.RNN)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_computes_what_keras_does(name):
    rng = np.random.default_rng(0)
    outputs = 3 if name == "multiclass" else 1
    logits = rng.normal(size=(5, outputs)).astype(np.float32)
    target = rng.integers(0, 3 if name == "multiclass" else 2, 5).astype(np.float32)
    head = HEADS[name]
    predictions = keras.activations.get(head.activation)(tf.constant(logits))
    ours = getattr(heads, head.activation)(tf.constant(logits))
    theirs = predictions if outputs > 1 else predictions[:, 0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    for measure in (head.loss, head.score):
        ours = getattr(heads, measure)(tf.constant(logits), tf.constant(target))
        mean = keras.metrics.get(measure)(target[:, None], predictions)
        assert np.mean(ours) == pytest.approx(float(mean), rel=1e-5)
        assert np.ptp(ours) > 0


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_has_the_slots_and_takes_the_steps_of_keras(name, schedule):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(4, 1, 2, 3)).astype(np.float32)
    rule = Optimizer(name, 0.1, schedule, None, updates=4)
    counts = np.ones((4, 1), bool)
    sizes, _ = optimizers.step_sizes(
        rule, tf.constant(rule.pace), tf.zeros(1, tf.int32), tf.constant(counts)
    )
    weights = (tf.ones((1, 2, 3)),)
    slots = ((tf.zeros((1, 2, 3)),) * OPTIMIZERS[name].slots,)
    twin, variable = keras_fit.keras_optimizer(rule), keras.Variable(np.ones((2, 3)))
    for size, count, gradient in zip(sizes, counts, gradients, strict=True):
        weights, slots = optimizers.update(
            rule, size, count, (tf.constant(gradient),), weights, slots
        )
        twin.apply([tf.constant(gradient[0])], [variable])
    np.testing.assert_allclose(weights[0][0], variable.numpy(), rtol=1e-5)
