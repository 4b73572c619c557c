"""Keras's weights of a layer as one matrix, and back.

Its rows are those of the kernel, one for each feature; the bias; for a GRU the second,
recurrent bias; and those of the recurrent kernel, one for each unit of h. One matrix in
place of three makes for few and long loops when it is multiplied and updated.
"""

import numpy as np
import tensorflow as tf

from statelab.networks.architecture import Architecture, Weights

Matrices = tuple[tf.Tensor, ...]  # of each layer, and of the head: [seeds, rows, cols]


def pack(weights: Weights, architecture: Architecture) -> Matrices:
    """Stack the weights of each layer into a matrix.

    Args:
        weights: by name, in Keras's order, each with a leading axis of seeds.
        architecture: of the networks.

    Returns:
        Of each recurrent layer [seeds, rows, gates * units]; of the head [seeds, units
        + 1, outputs], its bias last.
    """
    *recurrent, kernel, bias = weights.values()
    stacked = []
    for layer in range(architecture.layers):
        of_x, of_h, its_bias = recurrent[3 * layer : 3 * layer + 3]
        stacked.append([of_x, _rows(its_bias, of_x), of_h])
    stacked.append([kernel, _rows(bias, kernel)])
    return tuple(tf.constant(np.concatenate(parts, axis=1)) for parts in stacked)


def _rows(bias: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return bias.reshape(len(bias), -1, kernel.shape[-1])


def unpack(matrices: Matrices, architecture: Architecture) -> list[np.ndarray]:
    """Undo `pack`: return the weights in Keras's order and shapes."""
    weights = []
    for matrix, blocks in zip(matrices, architecture.blocks, strict=True):
        cuts = np.cumsum(blocks)[:-1]
        kernel, bias, *recurrent_kernel = np.split(matrix.numpy(), cuts, axis=1)
        weights += [
            kernel,
            *recurrent_kernel,
            bias[:, 0] if bias.shape[1] == 1 else bias,
        ]
    return weights
