"""The stock Keras model: its layers, its initial weights, and trained ones loaded."""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from statelab.config.networks import CELLS, HEADS
from statelab.config.values import ForgetBias
from statelab.networks import saving
from statelab.networks.architecture import Architecture, Weights
from statelab.samples.scaling import Scaling

UNIT = ForgetBias("unit")


def build(
    architecture: Architecture,
    *,
    seed: int = 0,
    timesteps: int | None = None,
    batch_size: int | None = None,
    stateful: bool = False,
    return_sequences: bool = False,
    scaling: Scaling | None = None,
) -> keras.Model:
    """Build stacked recurrent layers and a dense head on the last time step.

    Args:
        architecture: cell, head and sizes.
        seed: of the initial weights.
        timesteps: of the input; None for any.
        batch_size: of the input; None for any. Keras needs it where `stateful`.
        stateful: let the layers carry state from a batch to the next.
        return_sequences: put the head on every time step.
        scaling: to take features and give values in the units of the sequences; None
            where they are not scaled.

    Returns:
        A model from [batch, timesteps, features] to [batch, outputs], or to [batch,
        timesteps, outputs].
    """
    shape = (batch_size, timesteps, architecture.features)
    model = keras.Sequential([keras.Input(batch_shape=shape)])
    for layer in _layers(
        architecture,
        seed=seed,
        scaling=scaling,
        return_sequences=return_sequences,
        stateful=stateful,
    ):
        model.add(layer)
    return model


def _layers(
    architecture: Architecture,
    *,
    scaling: Scaling | None,
    return_sequences: bool,
    seed: int = 0,
    stateful: bool = False,
    return_state: bool = False,
) -> list[keras.Layer]:
    """Return the layers of `build`; `return_state` is an option of recurrent ones."""
    cell, head = architecture.cell, architecture.head
    count = 2 * architecture.layers + 1
    seeds = iter(np.random.SeedSequence(seed).generate_state(count).tolist())
    stack: list[keras.Layer] = []
    if scaling is not None:
        stack.append(keras.layers.Rescaling(1.0, (-scaling.mean).tolist()))
        stack.append(keras.layers.Rescaling((1 / scaling.scale).tolist()))
    recurrent_layer = getattr(keras.layers, CELLS[cell].keras)
    for layer in range(architecture.layers):
        stack.append(
            recurrent_layer(
                architecture.units,
                return_sequences=return_sequences or layer < architecture.layers - 1,
                kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
                recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
                stateful=stateful,
                return_state=return_state,
                name=f"{cell}_{layer}",
            )
        )
    dense = keras.layers.Dense(
        architecture.outputs,
        activation=HEADS[head].activation,
        kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),  # pyright: ignore[reportArgumentType]
        name="dense",
    )
    stack.append(dense)
    if scaling is not None and head == "regression":
        spread, centre = scaling.target_scale.item(), scaling.target_mean.item()
        stack.append(keras.layers.Rescaling(spread, centre))
    return stack


def initial_weights(
    seeds: range,
    architecture: Architecture,
    *,
    forget_bias: ForgetBias = UNIT,
    longest: int = 0,
) -> Weights:
    """Return the weights that `build` draws for each seed.

    Args:
        seeds: one network for each.
        architecture: of the networks.
        forget_bias: `unit`, Keras's own: each unit of an LSTM forgets within a few
            steps. `chrono`: each within a number of steps of its own, up to `longest`;
            `chrono_133`, say, up to 133.
        longest: time steps of the longest sequence, for `chrono`.

    Returns:
        Weights by name, in Keras's order, each with a leading axis of seeds.

    Reference:
        Tallec and Ollivier, Can recurrent neural networks warp time?, 2018.
    """
    weights = {k: v.copy() for k, v in _drawn(seeds, architecture).items()}
    if forget_bias.chrono:
        units, most = architecture.units, forget_bias.longest(longest)
        rngs = [np.random.default_rng((seed, 2)) for seed in seeds]
        for layer in range(architecture.layers):
            steps = [rng.uniform(1, max(most - 1, 1), units) for rng in rngs]
            bias = weights[f"lstm_{layer}/bias"]  # of the gates i, f, g and o
            bias[:, units : 2 * units] = np.log(steps)
            bias[:, :units] = -np.log(steps)
    return weights


@functools.lru_cache(maxsize=8)  # Keras takes a while, and a search needs them again
def _drawn(seeds: range, architecture: Architecture) -> Weights:
    models = [build(architecture, seed=seed) for seed in seeds]
    populations = zip(*(model.get_weights() for model in models), strict=True)
    names = weight_names(architecture)
    return dict(zip(names, map(np.stack, populations), strict=True))


@functools.cache
def weight_names(architecture: Architecture) -> list[str]:
    """Return the names of the weights that `build` makes, in Keras's order."""
    return [_name(variable) for variable in build(architecture).weights]


def _name(variable: keras.Variable) -> str:
    """Return `lstm_0/kernel` for `sequential/lstm_0/lstm_cell/kernel`."""
    layer, name = (
        variable.path.split("/")[-3::2]
        if "_cell" in variable.path
        else (variable.path.split("/")[-2:])
    )
    return f"{layer}/{name}"


def load(
    folder: Path,
    *,
    network: int = 0,
    stateful: bool = False,
    batch_size: int | None = None,
) -> keras.Model:
    """Return one trained network as a stock Keras model of any length.

    Args:
        folder, network: as in `saving.read`.
        stateful: let the layers carry state from a batch to the next.
        batch_size: of the input; None for any. Keras needs it where `stateful`.

    Raises:
        UserError: as in `saving.read`.
    """
    trained = saving.read(folder, network=network)
    model = build(
        trained.architecture,
        scaling=trained.scaling,
        stateful=stateful,
        batch_size=batch_size,
    )
    model.set_weights([array[0] for array in trained.weights.values()])
    return model


def with_state(folder: Path, *, network: int = 0) -> keras.Model:
    """Return one trained network as a stock Keras model that is handed its state.

    Nothing is kept between calls. A sequence fed in pieces, each with the state that
    the one before has left, is predicted as it would be whole.

    Args:
        folder, network: as in `saving.read`.

    Returns:
        A model from [batch, timesteps, features] and a state [batch, width] to
        predictions [batch, timesteps, outputs] and the state after the last step. A
        state is h of the first layer, of an LSTM its c, and so on, each `units` wide.

    Raises:
        UserError: as in `saving.read`.
    """
    trained = saving.read(folder, network=network)
    architecture = trained.architecture
    stack = _layers(
        architecture, scaling=trained.scaling, return_sequences=True, return_state=True
    )
    parts = architecture.sizes.states  # tensors of a layer's state
    vectors = architecture.layers * parts
    x = keras.Input((None, architecture.features))
    state = keras.Input((architecture.state_width,))
    before: Any = keras.ops.split(state, vectors, axis=1)
    predictions, after = x, []
    for layer in stack:
        if isinstance(layer, keras.layers.RNN):
            given = before[len(after) : len(after) + parts]
            predictions, *states = layer(predictions, initial_state=given)
            after += states
        else:
            predictions = layer(predictions)
    outputs = [predictions, keras.ops.concatenate(after, axis=1)]
    model = keras.Model([x, state], outputs)
    model.set_weights([array[0] for array in trained.weights.values()])
    return model
