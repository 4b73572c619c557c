"""The stock Keras model: its layers, its initial weights, and where they are kept."""

# pyright: reportArgumentType=false
# (Keras and TensorFlow annotate less than they take)

import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

LAYERS = {"lstm": keras.layers.LSTM}

Weights = dict[str, np.ndarray]  # name in Keras's order -> [seeds, ...]


def build(
    *,
    cell: str,
    units: int,
    layers: int,
    features: int,
    seed: int = 0,
    timesteps: int | None = None,
    batch_size: int | None = None,
    stateful: bool = False,
) -> keras.Model:
    """Build stacked recurrent layers and one sigmoid output at the last time step.

    Args:
        cell: a key of `LAYERS`.
        units: of each recurrent layer.
        layers: recurrent layers, one on top of the other.
        features: of the input.
        seed: of the initial weights.
        timesteps: of the input; None for any.
        batch_size: of the input; None for any. Keras needs it where `stateful`.
        stateful: let the layers carry state from a batch to the next.

    Returns:
        A model from [batch, timesteps, features] to [batch, 1].
    """
    seeds = iter(np.random.SeedSequence(seed).generate_state(2 * layers + 1).tolist())
    model = keras.Sequential(
        [keras.Input(batch_shape=(batch_size, timesteps, features))]
    )
    for layer in range(layers):
        model.add(
            LAYERS[cell](
                units,
                return_sequences=layer < layers - 1,
                stateful=stateful,
                kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
                recurrent_initializer=keras.initializers.Orthogonal(seed=next(seeds)),
                name=f"{cell}_{layer}",
            )
        )
    model.add(
        keras.layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
            name="dense",
        )
    )
    return model


def initial_weights(
    seeds: range, *, cell: str, units: int, layers: int, features: int
) -> Weights:
    """Return the weights that `build` draws for each seed.

    Args:
        seeds: one network for each.
        cell, units, layers, features: as in `build`.

    Returns:
        Weights by name, in Keras's order, each with a leading axis of seeds.
    """
    models = [
        build(cell=cell, units=units, layers=layers, features=features, seed=seed)
        for seed in seeds
    ]
    names = [_name(variable) for variable in models[0].weights]
    populations = zip(*(model.get_weights() for model in models), strict=True)
    return {name: np.stack(each) for name, each in zip(names, populations, strict=True)}


def _name(variable: keras.Variable) -> str:
    """Return `lstm_0/kernel` for `sequential/lstm_0/lstm_cell/kernel`."""
    layer, name = (
        variable.path.split("/")[-3::2]
        if "_cell" in variable.path
        else (variable.path.split("/")[-2:])
    )
    return f"{layer}/{name}"


def write(folder: Path, weights: Weights, architecture: Mapping[str, object]) -> None:
    """Write weights and the arguments of `build` that they belong to."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "weights.npz", **weights)
    (folder / "model.json").write_text(json.dumps(architecture, indent=2) + "\n")


def load(folder: Path, *, network: int = 0) -> keras.Model:
    """Return one trained network as a stateless Keras model of any batch and length.

    Args:
        folder: where `write` put the weights.
        network: which seed's, counted from 0.
    """
    model = build(**json.loads((folder / "model.json").read_text()))
    with np.load(folder / "weights.npz") as weights:
        model.set_weights([weights[name][network] for name in weights.files])
    return model
