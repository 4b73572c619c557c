"""Stock Keras layers given their initial state by hand: the twin of every plan.

A stateful Keras layer resets all lanes of a batch together. One that is handed its
state can reset each lane by itself, hold it where a sample has ended, and cut the
gradient anywhere: so this is what the compiled trainer is held against.
"""

import keras
import numpy as np
import tensorflow as tf

from statelab.config.networks import CELLS
from statelab.data.sequences import present, targets_at
from statelab.samples.plans import expand
from statelab.samples.windows import locate_samples, sample_lengths
from statelab.training.keras_fit import keras_optimizer

LOSSES = {
    "binary": lambda y, z: keras.ops.binary_crossentropy(
        y, z[..., 0], from_logits=True
    ),
    "multiclass": lambda y, z: keras.ops.sparse_categorical_crossentropy(
        tf.cast(y, tf.int32), z, from_logits=True
    ),
    "regression": lambda y, z: (y - z[..., 0]) ** 2,
}


def train(
    weights,
    sequences,
    windows,
    plans,
    *,
    network,
    optimizer,
    gradient_window=None,
    burn_in=0,
):
    """Train each network by itself on plan after plan, one for each epoch.

    Args:
        weights: by name, each with a leading axis of seeds.

    Returns:
        Of each network its weights, the mean loss of each epoch, and the state at the
        end. What is traced for the first serves the others.
    """
    _, timesteps = sample_lengths(windows)
    window = gradient_window or timesteps
    unanswered = timesteps - windows.answered.max()
    rule = keras_optimizer(optimizer)
    kind = getattr(keras.layers, CELLS[network.cell].keras)
    recurrent = [
        kind(network.units, return_sequences=True, return_state=True)
        for _ in range(network.layers)
    ]
    dense = keras.layers.Dense(network.outputs)
    lanes = plans[0].lanes

    def forward(x, mask, state):
        parts = []
        for start in range(0, timesteps, window):
            outputs, valid = (
                x[:, start : start + window],
                mask[:, start : start + window],
            )
            state = [[tf.stop_gradient(part) for part in each] for each in state]
            for k, layer in enumerate(recurrent):
                outputs, *state[k] = layer(outputs, initial_state=state[k], mask=valid)
            parts.append(outputs)
        return dense(tf.concat(parts, axis=1)[:, unanswered:]), state

    zero = [
        [tf.zeros((lanes, network.units))] * (2 if network.cell == "lstm" else 1)
        for _ in recurrent
    ]
    for k, layer in enumerate(recurrent):
        inputs = network.units if k else network.features
        layer.build((lanes, None, inputs))
    dense.build((lanes, network.units))
    variables = [v for layer in [*recurrent, dense] for v in layer.trainable_variables]

    @tf.function
    def step(x, mask, y, weight, reset, state):
        state = [
            [tf.where(reset[:, None], tf.zeros_like(part), part) for part in each]
            for each in state
        ]
        with tf.GradientTape() as tape:
            logits, state = forward(x, mask, state)
            loss = tf.reduce_sum(weight * LOSSES[network.head](y, logits))
            mean = loss / tf.maximum(tf.reduce_sum(weight), 1e-9)
        if tf.reduce_sum(weight) > 0:
            gradients = tape.gradient(mean, variables)
            rule.apply_gradients(zip(gradients, variables, strict=True))
        return loss, state

    rule.build(variables)
    begun = [variable.numpy() for variable in rule.variables]
    steps = np.arange(timesteps)

    def one_pass(plan):
        state, total, count = zero, 0.0, 0.0
        written = expand(plan, 0, plan.batches)
        for sample, reset, counts in zip(*written, strict=True):
            at = locate_samples(windows, np.maximum(sample, 0))
            index = np.minimum(at.first[:, None] + steps, len(sequences.values) - 1)
            asked = index[:, unanswered:]
            target = targets_at(
                sequences, np.repeat(at.sequence[:, None], asked.shape[1], 1), asked
            )
            begins = sequences.offsets[at.sequence]
            weight = np.float32(
                counts[:, None]
                & (steps[unanswered:] < at.length[:, None])
                & (asked - begins[:, None] >= burn_in)
                & present(target)
            )
            count += weight.sum()
            loss, state = step(
                sequences.values[index],
                steps < at.length[:, None],
                np.maximum(target, 0).astype(np.float32),
                weight,
                reset,
                state,
            )
            total += float(loss)
        return total / count, state

    def one_network(initial):
        for variable, value in zip(variables, initial, strict=True):
            variable.assign(value)
        for variable, value in zip(rule.variables, begun, strict=True):
            variable.assign(value)
        passes = [one_pass(plan) for plan in plans]
        state = [part.numpy() for each in passes[-1][1] for part in each]
        trained = [variable.numpy() for variable in variables]
        return trained, [loss for loss, _ in passes], state

    return [one_network(initial) for initial in zip(*weights.values(), strict=True)]
