"""How a population of networks is trained: what stays the same from pass to pass."""

from typing import NamedTuple

from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.training import sizing


class TrainOptions(NamedTuple):
    """What every network of a population has in common."""

    architecture: Architecture
    optimizer: Optimizer
    gradient_window: int | None = None  # time steps; None for a whole sample
    cores: int = sizing.CORES  # that share the work
