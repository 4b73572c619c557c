"""Reads the state that a model carries from one batch to the next."""

import keras
import numpy as np

from statelab import callbacks
from statelab.diagnosis.recording.records import Layer

State = tuple[np.ndarray, ...]  # of each layer that carries state, [lanes, values]


def read(model: keras.Model) -> State:
    """Return the state of each layer that carries state."""
    return tuple(
        np.concatenate(
            [
                np.asarray(keras.ops.convert_to_numpy(value)).reshape(
                    value.shape[0], -1
                )
                for value in keras.tree.flatten(layer.states)
            ],
            axis=1,
        )
        if layer.states
        else np.zeros((0, 0), np.float32)
        for layer in callbacks.stateful_layers(model)
    )


def layers(model: keras.Model, lanes: list[int]) -> list[Layer]:
    """Return the layers that carry state, given the rows of the state of each."""
    top_level = {id(layer) for layer in getattr(model, "layers", [])}
    return [
        Layer(str(layer.path), rows, id(layer) in top_level)
        for layer, rows in zip(callbacks.stateful_layers(model), lanes, strict=True)
    ]


def carried_over(
    left: State | None, begins: State
) -> tuple[tuple[np.ndarray, ...], bool]:
    """Compare the state that a batch begins with to what the one before has left.

    Args:
        left: after the batch before; None where there is none.
        begins: before this batch.

    Returns:
        For each layer which lanes begin with what was left, bool [lanes], and whether
        a layer that was left with state begins with zeros.

    Example:
        >>> left = np.array([[0.5], [0.25]]), np.array([[1.0]])
        >>> begins = np.array([[0.5], [0.75]]), np.array([[0.0]])
        >>> lanes, zeroed = carried_over(left, begins)
        >>> [layer.tolist() for layer in lanes], zeroed
        ([[True, False], [False]], True)
    """
    if left is None or len(left) != len(begins):
        return tuple(np.zeros(len(state), bool) for state in begins), False
    carried, zeroed = [], False
    for was, now in zip(left, begins, strict=True):
        if was.shape != now.shape or not was.any():
            carried.append(np.zeros(len(now), bool))
        else:
            carried.append((was == now).all(axis=1) & now.any(axis=1))
            zeroed |= not now.any()
    return tuple(carried), zeroed
