"""How a population of networks is trained: what stays the same from pass to pass."""

from typing import NamedTuple

from statelab.config.settings import ModelSettings
from statelab.data.sequences import Sequences, head_of
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.training import sizing


class TrainOptions(NamedTuple):
    """What every network of a population has in common."""

    architecture: Architecture
    optimizer: Optimizer
    gradient_window: int | None = None  # time steps; None for a whole sample
    cores: int = sizing.CORES  # that share the work


def architecture_for(sequences: Sequences, model: ModelSettings) -> Architecture:
    """Return the network that section `model` describes, with the head that suits the
    targets."""
    head, outputs = head_of(sequences.targets)
    return Architecture(
        cell=model.cell,
        head=head,
        layers=model.layers,
        units=model.units,
        features=sequences.values.shape[1],
        outputs=outputs,
    )
