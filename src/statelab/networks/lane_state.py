"""The state that each lane of a batch carries: its zeros, its resets, and its holding.

A state is a tuple of tensors [seeds, lanes, units]: of each layer in turn h, and of an
LSTM also c. It is a value that goes from one batch to the next; nothing keeps it.
"""

import tensorflow as tf

from statelab.networks.architecture import Architecture

State = tuple[tf.Tensor, ...]  # each [seeds, lanes, units]; of a layer h comes first


def zeros(architecture: Architecture, seeds: int, lanes: int) -> State:
    """Return the state before anything is read."""
    parts = architecture.layers * architecture.sizes.states
    shape = (seeds, lanes, architecture.units)
    return tuple(tf.zeros(shape) for _ in range(parts))


def reset_lanes(state: State, reset: tf.Tensor) -> State:
    """Set the state of some lanes to zero, and leave that of the others.

    This is where a reset happens, before each batch, in training and in prediction.
    Which lanes are reset before which batch is said by a plan: `samples.plans.expand`.

    Args:
        state: after the batch before, each [seeds, lanes, units].
        reset: bool [plans, lanes]; plans is 1, or the number of seeds.
    """
    chosen = reset[:, :, None]
    return tuple(tf.where(chosen, tf.zeros_like(part), part) for part in state)


def hold_ended(
    after: State, before: State, t: int | tf.Tensor, lengths: tf.Tensor
) -> State:
    """Keep the state of lanes whose sample has ended: what follows is padding.

    Args:
        after: step t, each [seeds, lanes, units].
        before: step t, likewise.
        t: a time step of the sample, from 0 on.
        lengths: time steps of each sample, int [seeds, lanes].
    """
    valid = (t < lengths)[:, :, None]
    return tuple(tf.where(valid, a, b) for a, b in zip(after, before, strict=True))
