"""Trained networks on disk: weights, their architecture and their scaling."""

# pyright: reportArgumentType=false, reportOptionalSubscript=false
# (Keras and TensorFlow annotate less than they take)

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.errors import UserError
from statelab.io import files
from statelab.networks.architecture import Weights
from statelab.samples.scaling import Scaling


def write(
    folder: Path,
    weights: Weights,
    architecture: Mapping[str, object],
    scaling: Scaling | None = None,
) -> None:
    """Write weights, their scaling, and the arguments of `build` they belong to."""
    with files.atomic_write(folder / "weights.npz") as stream:
        np.savez(stream, **weights)
    with files.atomic_write(folder / "model.json") as stream:
        told = {"architecture": dict(architecture), "scaling": None}
        if scaling is not None:
            parts = scaling._asdict().items()
            told["scaling"] = {name: part.tolist() for name, part in parts}
        stream.write((json.dumps(told, indent=2) + "\n").encode())


class TrainedNetworks(NamedTuple):
    """Trained networks, as `write` left them."""

    weights: Weights  # with a leading axis of seeds
    architecture: dict[str, Any]  # arguments of `build`
    scaling: Scaling | None


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
    told = json.loads((folder / "model.json").read_text())
    with np.load(folder / "weights.npz") as weights:
        count = len(weights[weights.files[0]])
        if network is not None and not 0 <= network < count:
            raise UserError(
                f"{folder}: `network` must be from 0 to {count - 1}, one for each "
                f"seed. Received: {network}"
            )
        some = slice(None) if network is None else slice(network, network + 1)
        chosen = {name: weights[name][some] for name in weights.files}
    scaling = told["scaling"]
    if scaling is not None:
        scaling = Scaling(**{k: np.asarray(v, np.float32) for k, v in scaling.items()})
    return TrainedNetworks(chosen, told["architecture"], scaling)
