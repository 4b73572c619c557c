"""Early stopping, of each network of a population by itself."""

from typing import NamedTuple

import numpy as np

from statelab.networks.architecture import Weights, seeds_of


class Stopping(NamedTuple):
    """The best epoch of each network so far."""

    loss: np.ndarray  # [seeds]; on the validation split
    weights: Weights
    waited: np.ndarray  # int [seeds]; epochs since the best one


def begin(weights: Weights) -> Stopping:
    """Return what is known before the first epoch."""
    seeds = seeds_of(weights)
    return Stopping(np.full(seeds, np.inf), weights, np.zeros(seeds, int))


def active(best: Stopping, patience: int | None) -> np.ndarray:
    """Return which networks still learn, bool [seeds].

    Args:
        best: their best epochs.
        patience: epochs that a network may go on without a lower loss; None for all.
    """
    if patience is None:
        return np.ones(len(best.waited), bool)
    return best.waited < patience


def observe(before: Stopping, loss: np.ndarray, weights: Weights) -> Stopping:
    """Take note of an epoch.

    Args:
        before: what was known.
        loss: on the validation split, [seeds].
        weights: that gave it.

    Returns:
        The same with the weights of this epoch, for each network that was never better.

    Example:
        >>> one = observe(begin({"w": np.array([1, 2])}), np.array([0.5, 0.4]),
        ...               {"w": np.array([3, 4])})
        >>> two = observe(one, np.array([0.6, 0.3]), {"w": np.array([5, 6])})
        >>> two.weights["w"], two.waited
        (array([3, 6]), array([1, 0]))
    """
    better = loss < before.loss
    return Stopping(
        loss=np.where(better, loss, before.loss),
        weights={
            name: np.where(
                better.reshape(-1, *[1] * (array.ndim - 1)), array, before.weights[name]
            )
            for name, array in weights.items()
        },
        waited=np.where(better, 0, before.waited + 1),
    )
