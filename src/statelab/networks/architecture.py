"""The architecture of a network and its sizes, without TensorFlow."""

from typing import NamedTuple

import numpy as np

Weights = dict[str, np.ndarray]  # name in Keras's order -> [seeds, ...]


class CellSizes(NamedTuple):
    """The sizes of a recurrent layer, in units."""

    gates: int  # blocks of columns of its kernels
    biases: int  # rows of biases
    states: int  # vectors that are its state


CELL_SIZES = {
    "lstm": CellSizes(gates=4, biases=1, states=2),
    "gru": CellSizes(gates=3, biases=2, states=1),
    "simple_rnn": CellSizes(gates=1, biases=1, states=1),
}


class Architecture(NamedTuple):
    """Cell, head and sizes of a network, as `keras_models.build` takes them.

    Example:
        >>> network = Architecture("gru", "multiclass", 1, 2, features=5, outputs=3)
        >>> network.state_width, network.parameters
        (2, 63)
    """

    cell: str  # a key of CELL_SIZES
    head: str  # binary | multiclass | regression
    layers: int
    units: int
    features: int
    outputs: int

    @property
    def sizes(self) -> CellSizes:
        """The sizes of its cell."""
        return CELL_SIZES[self.cell]

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
