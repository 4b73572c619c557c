"""Early stopping, of each network of a population by itself."""

from typing import NamedTuple

import numpy as np

from statelab.networks.architecture import Weights, seeds_of

LEAST = 1e-3  # share of the loss, by which it has to fall for training to go on


class Stopping(NamedTuple):
    """The best epoch of each network so far."""

    loss: np.ndarray  # [seeds]; on the validation split
    weights: Weights
    fallen_to: np.ndarray  # [seeds]; the loss when it last fell by `LEAST` or more
    waited: np.ndarray  # int [seeds]; epochs since then


def begin(weights: Weights) -> Stopping:
    """Return what is known before the first epoch."""
    seeds = seeds_of(weights)
    never = np.full(seeds, np.inf)
    return Stopping(never, weights, never, np.zeros(seeds, int))


def active(best: Stopping, patience: int | None) -> np.ndarray:
    """Return which networks still learn, bool [seeds].

    Args:
        best: their best epochs.
        patience: epochs that a network may go on while its loss does not fall by a
            thousandth; None for all.
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
    falls = loss < (1 - LEAST) * before.fallen_to
    return Stopping(
        loss=np.where(better, loss, before.loss),
        weights={
            name: np.where(
                better.reshape(-1, *[1] * (array.ndim - 1)), array, before.weights[name]
            )
            for name, array in weights.items()
        },
        fallen_to=np.where(falls, loss, before.fallen_to),
        waited=np.where(falls, 0, before.waited + 1),
    )
