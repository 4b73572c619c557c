"""Trained networks on disk: weights, their architecture and their scaling."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.errors import UserError
from statelab.io import files
from statelab.networks.architecture import Architecture, Weights
from statelab.samples.scaling import Scaling

DATA_FILE = "data.json"  # beside the weights: how to read and cut more of the same data


class TrainedNetworks(NamedTuple):
    """Trained networks, as `write` left them."""

    weights: Weights  # with a leading axis of seeds
    architecture: Architecture
    scaling: Scaling | None


def write(
    folder: Path,
    weights: Weights,
    architecture: Architecture,
    scaling: Scaling | None = None,
) -> None:
    """Write weights.npz, and model.json with their architecture and scaling.

    Args:
        folder: where they go.
        weights: by name, in Keras's order, each with a leading axis of seeds.
        architecture: of the networks.
        scaling: of what they were trained on.
    """
    with files.atomic_write(folder / "weights.npz") as stream:
        np.savez(stream, **weights)  # pyright: ignore[reportArgumentType]
    model: dict[str, Any] = {"architecture": architecture._asdict(), "scaling": None}
    if scaling is not None:
        parts = scaling._asdict().items()
        model["scaling"] = {name: part.tolist() for name, part in parts}
    with files.atomic_write(folder / "model.json") as stream:
        stream.write((json.dumps(model, indent=2) + "\n").encode())


def read(folder: Path, *, network: int | None = 0) -> TrainedNetworks:
    """Read one trained network, or all.

    Args:
        folder: where `write` put the weights.
        network: which seed's, counted from 0; None for all.

    Raises:
        UserError: there is no such model, or no such network in it.
    """
    if not (folder / "model.json").exists():
        raise UserError(f"{folder}: holds no model. Run `dvc repro` to train it")
    model = json.loads((folder / "model.json").read_text())
    with np.load(folder / "weights.npz") as weights:
        count = len(weights[weights.files[0]])
        if network is not None and not 0 <= network < count:
            raise UserError(
                f"{folder}: `network` must be from 0 to {count - 1}, one for each "
                f"seed. Received: {network}"
            )
        some = slice(None) if network is None else slice(network, network + 1)
        chosen = {name: weights[name][some] for name in weights.files}
    scaling = model["scaling"]
    if scaling is not None:
        scaling = Scaling(**{k: np.asarray(v, np.float32) for k, v in scaling.items()})
    return TrainedNetworks(chosen, Architecture(**model["architecture"]), scaling)
