"""A number for each step, and for each stretch of steps: equal where they are.

Numbers of different steps are equal once in 2^64. Steps themselves would take minutes
to sort.
"""

import numpy as np


def steps(x: np.ndarray) -> np.ndarray:
    """Return a number for each step, equal where all its features are.

    Args:
        x: [sequences, steps, features].

    Returns:
        uint64 [sequences, steps].
    """
    bits = (
        np.ascontiguousarray(x.astype(np.float32) + np.float32(0))
        .view(np.uint32)
        .astype(np.uint64)
    )
    return _mixed((_mixed(bits + np.uint64(1)) * _odd(x.shape[2], 1)).sum(axis=2))


def stretches(numbers: np.ndarray, length: int) -> np.ndarray:
    """Return a number for each stretch of steps.

    Args:
        numbers: of steps, [sequences, steps].
        length: of a stretch.

    Returns:
        uint64 [sequences, steps - length + 1].
    """
    total = np.zeros((len(numbers), max(numbers.shape[1] - length + 1, 0)), np.uint64)
    numbers = numbers.astype(np.uint64)
    for step, factor in enumerate(_odd(length, 2)):
        total += numbers[:, step : step + total.shape[1]] * factor
    return _mixed(total)


def _odd(size: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed).integers(2**63, size=size, dtype=np.uint64)
    return random * np.uint64(2) + np.uint64(1)


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Spread bits over all of a number: the finalizer of splitmix64."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
