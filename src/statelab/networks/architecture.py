"""The architecture of a network and its sizes, without TensorFlow."""

from typing import NamedTuple

import numpy as np

from statelab.config.networks import CELLS, Cell

Weights = dict[str, np.ndarray]  # name in Keras's order -> [seeds, ...]


def seeds_of(weights: Weights) -> int:
    """Return how many networks there are."""
    return len(next(iter(weights.values())))


class Architecture(NamedTuple):
    """Cell, head and sizes of a network, as `keras_models.build` takes them.

    Example:
        >>> network = Architecture("gru", "multiclass", 1, 2, features=5, outputs=3)
        >>> network.state_width, network.parameters
        (2, 63)
    """

    cell: str  # a key of config.networks.CELLS
    head: str  # a key of config.networks.HEADS
    layers: int
    units: int
    features: int
    outputs: int

    @property
    def sizes(self) -> Cell:
        """The sizes of its cell."""
        return CELLS[self.cell]

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """Rows of each of Keras's weights in each matrix: kernel, bias, recurrent."""
        inputs = [self.features] + [self.units] * (self.layers - 1)
        return [(rows, self.sizes.biases, self.units) for rows in inputs] + [
            (self.units, 1)
        ]

    @property
    def state_width(self) -> int:
        """Numbers of a state: h of each layer, and of an LSTM's its c."""
        return self.sizes.states * self.units * self.layers

    @property
    def parameters(self) -> int:
        """Weights of all layers and of the dense head."""
        *recurrent, head = (sum(rows) for rows in self.blocks)
        return sum(recurrent) * self.sizes.gates * self.units + head * self.outputs
