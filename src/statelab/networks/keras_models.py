"""The stock Keras model: its layers, its initial weights, and where they are kept."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false
# (Keras and TensorFlow annotate less than they take)

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from statelab.networks import saving
from statelab.networks.architecture import Weights
from statelab.samples.scaling import Scaling

LAYERS = {
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,
    "simple_rnn": keras.layers.SimpleRNN,
}
ACTIVATIONS = {"binary": "sigmoid", "multiclass": "softmax", "regression": None}


def build(
    *,
    cell: str,
    units: int,
    layers: int,
    features: int,
    head: str = "binary",
    outputs: int = 1,
    seed: int = 0,
    timesteps: int | None = None,
    batch_size: int | None = None,
    stateful: bool = False,
    return_sequences: bool = False,
    scaling: Scaling | None = None,
) -> keras.Model:
    """Build stacked recurrent layers and a dense head on the last time step.

    Args:
        cell: a key of `LAYERS`.
        units: of each recurrent layer.
        layers: recurrent layers, one on top of the other.
        features: of the input.
        head: a key of `ACTIVATIONS`.
        outputs: of the head; classes, where there are more than two.
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
    model = keras.Sequential(
        [keras.Input(batch_shape=(batch_size, timesteps, features))]
    )
    for layer in _layers(
        cell=cell,
        units=units,
        layers=layers,
        head=head,
        outputs=outputs,
        seed=seed,
        scaling=scaling,
        return_sequences=return_sequences,
        stateful=stateful,
    ):
        model.add(layer)
    return model


def _layers(
    *,
    cell: str,
    units: int,
    layers: int,
    scaling: Scaling | None,
    return_sequences: bool,
    head: str = "binary",
    outputs: int = 1,
    seed: int = 0,
    **recurrent: Any,
) -> list[keras.Layer]:
    """Return the layers of `build`, with options of the recurrent ones."""
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * layers + 1).tolist())
    stack: list[keras.Layer] = []
    if scaling is not None:
        stack.append(keras.layers.Rescaling(1.0, (-scaling.mean).tolist()))
        stack.append(keras.layers.Rescaling((1 / scaling.scale).tolist()))
    for layer in range(layers):
        stack.append(
            LAYERS[cell](
                units,
                return_sequences=return_sequences or layer < layers - 1,
                kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
                recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
                name=f"{cell}_{layer}",
                **recurrent,
            )
        )
    stack.append(
        keras.layers.Dense(
            outputs,
            activation=ACTIVATIONS[head],
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            name="dense",
        )
    )
    if scaling is not None and head == "regression":
        spread, centre = scaling.target_scale.item(), scaling.target_mean.item()
        stack.append(keras.layers.Rescaling(spread, centre))
    return stack


def initial_weights(
    seeds: range, *, forget_bias: str = "unit", longest: int = 0, **architecture: Any
) -> Weights:
    """Return the weights that `build` draws for each seed.

    Args:
        seeds: one network for each.
        forget_bias: `unit`, Keras's own: each unit of an LSTM forgets within a few
            steps. `chrono`: each within a number of steps of its own, up to `longest`;
            `chrono_133`, say, up to 133.
        longest: steps of the longest sequence, for `chrono`.
        architecture: cell, units, layers, features, head and outputs, as in `build`.

    Returns:
        Weights by name, in Keras's order, each with a leading axis of seeds.

    Reference:
        Tallec and Ollivier, Can recurrent neural networks warp time?, 2018.
    """
    weights = {k: v.copy() for k, v in _drawn(seeds, **architecture).items()}
    if forget_bias != "unit":
        longest = int(forget_bias.removeprefix("chrono").strip("_") or longest)
        units = architecture["units"]
        rngs = [np.random.default_rng((seed, 2)) for seed in seeds]
        for layer in range(architecture["layers"]):
            steps = [rng.uniform(1, max(longest - 1, 1), units) for rng in rngs]
            bias = weights[f"lstm_{layer}/bias"]  # of the gates i, f, g and o
            bias[:, units : 2 * units] = np.log(steps)
            bias[:, :units] = -np.log(steps)
    return weights


@functools.lru_cache(maxsize=8)  # Keras takes a while, and a search asks again
def _drawn(seeds: range, **architecture: Any) -> Weights:
    models = [build(seed=seed, **architecture) for seed in seeds]
    populations = zip(*(model.get_weights() for model in models), strict=True)
    names = weight_names(**architecture)
    return dict(zip(names, map(np.stack, populations), strict=True))


@functools.cache
def weight_names(**architecture: Any) -> list[str]:
    """Return the names of the weights that `build` makes, in Keras's order."""
    return [_name(variable) for variable in build(**architecture).weights]


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
        folder, network: as in `read`.
        stateful: let the layers carry state from a batch to the next.
        batch_size: of the input; None for any. Keras needs it where `stateful`.

    Raises:
        UserError: as in `read`.
    """
    found = saving.read(folder, network=network)
    model = build(
        **found.architecture,
        scaling=found.scaling,
        stateful=stateful,
        batch_size=batch_size,
    )
    model.set_weights([array[0] for array in found.weights.values()])
    return model


def with_state(folder: Path, *, network: int = 0) -> keras.Model:
    """Return one trained network as a stock Keras model that is handed its state.

    Nothing is kept between calls. A sequence fed in pieces, each with the state that
    the one before has left, is answered as it would be whole.

    Args:
        folder, network: as in `read`.

    Returns:
        A model from [batch, timesteps, features] and a state [batch, width] to answers
        [batch, timesteps, outputs] and the state after the last step. A state is h of
        the first layer, of an LSTM its c, and so on, each `units` wide.

    Raises:
        UserError: as in `read`.
    """
    found = saving.read(folder, network=network)
    features = found.architecture.pop("features")
    stack = _layers(
        **found.architecture,
        scaling=found.scaling,
        return_sequences=True,
        return_state=True,
    )
    recurrent = [layer for layer in stack if isinstance(layer, keras.layers.RNN)]
    parts = np.size(recurrent[0].state_size)  # tensors of a layer's state
    vectors = len(recurrent) * parts
    x = keras.Input((None, features))
    state = keras.Input((vectors * found.architecture["units"],))
    before = keras.ops.split(state, vectors, axis=1)
    answers, after = x, []
    for layer in stack:
        if layer in recurrent:
            given = before[len(after) : len(after) + parts]
            answers, *states = layer(answers, initial_state=given)
            after += states
        else:
            answers = layer(answers)
    model = keras.Model([x, state], [answers, keras.ops.concatenate(after, axis=1)])
    model.set_weights([array[0] for array in found.weights.values()])
    return model
