"""Sizes of a network, told without TensorFlow."""

from typing import NamedTuple


class Shape(NamedTuple):
    """The sizes of a recurrent layer, in units."""

    gates: int  # blocks of columns of its kernels
    biases: int  # rows of biases
    states: int  # vectors that are its state


SHAPES = {
    "lstm": Shape(gates=4, biases=1, states=2),
    "gru": Shape(gates=3, biases=2, states=1),
    "simple_rnn": Shape(gates=1, biases=1, states=1),
}


def state_width(*, cell: str, units: int, layers: int, **_: object) -> int:
    """Return the numbers of a state: h of each layer, and of an LSTM's its c.

    Args:
        cell, units, layers: as in `models.build`.

    Example:
        >>> state_width(cell="lstm", units=10, layers=3)
        60
    """
    return SHAPES[cell].states * units * layers


def parameters(
    *, cell: str, units: int, layers: int, features: int, outputs: int, **_: object
) -> int:
    """Return the weights of a network and of its dense head.

    Args:
        cell, units, layers, features, outputs: as in `models.build`.

    Example:
        >>> parameters(cell="gru", units=2, layers=1, features=5, outputs=3)
        63
    """
    gates, biases, _states = SHAPES[cell]
    inputs = features + units * (layers - 1)  # of all recurrent layers
    rows = inputs + layers * (units + biases)
    return rows * gates * units + (units + 1) * outputs
