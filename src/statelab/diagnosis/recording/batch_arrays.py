"""Copies the arrays of batches, up to a limit of memory; equal ones are kept once."""

import hashlib
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

MAX_BYTES = 200_000_000  # of all batches; later ones are not kept


class FedBatch(NamedTuple):
    """A batch on its way to a model."""

    inputs: tuple[np.ndarray, ...]
    target: np.ndarray | None  # None where there is none, or several
    weighted: bool  # samples have weights


def from_keras(batch: Any) -> FedBatch:
    """Return a batch as Keras feeds it: inputs, targets and weights."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    targets = [to_numpy(t) for t in tf.nest.flatten(y) if t is not None]
    return FedBatch(
        tuple(to_numpy(t) for t in tf.nest.flatten(x)),
        targets[0] if len(targets) == 1 else None,
        weight is not None,
    )


def to_numpy(tensor: Any) -> np.ndarray:
    """Return a tensor as an array, a ragged or sparse one filled up."""
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.to_tensor().numpy()
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.to_dense(tensor).numpy()
    return np.asarray(tensor)


class BatchArrays:
    """Copies of arrays, until `MAX_BYTES` are used."""

    def __init__(self):
        self._bytes_left = MAX_BYTES
        self._copies: dict[bytes, np.ndarray] = {}

    def reserve(self, array: np.ndarray) -> bool:
        """Count an array that is kept elsewhere; False where it does not fit."""
        if array.nbytes > self._bytes_left:
            return False
        self._bytes_left -= array.nbytes
        return True

    def keep(self, arrays: tuple) -> tuple[bytes, tuple[np.ndarray, ...]]:
        """Return a key that equal arrays share, and copies; () where memory is used."""
        keys, copies = [], []
        for array in arrays:
            plain = np.ascontiguousarray(array)
            if plain.dtype.kind == "f":
                plain = plain.astype(np.float32)  # as Keras feeds it
            key = hashlib.blake2b(
                repr((plain.shape, plain.dtype.str)).encode() + plain.tobytes(),
                digest_size=16,
            ).digest()
            keys.append(key)
            if key not in self._copies and self.reserve(plain):
                self._copies[key] = plain.copy()
            if key in self._copies:
                copies.append(self._copies[key])
        return b"".join(keys), tuple(copies) if len(copies) == len(arrays) else ()
