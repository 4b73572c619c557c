"""Generated tasks: sequences of which it is known what a model has to remember."""

import numpy as np

from statelab.sequences import Sequences


def first_step(*, sequences: int, length: int, rng: np.random.Generator) -> Sequences:
    """Zeros, but for a first step that is 1 in exactly half of the sequences.

    The label of a sequence, and of each of its steps, is the value of its first step.

    Args:
        sequences: how many; even.
        length: steps of each.
        rng: draws which half begins with 1.

    Returns:
        Values [sequences * length, 1] and one target for each sequence.

    Example:
        >>> first_step(sequences=2, length=3, rng=np.random.default_rng(0)).values.T
        array([[0., 0., 0., 1., 0., 0.]], dtype=float32)

    Reference:
        Philippe Remy, Stateful LSTM in Keras, 2016.
    """
    labels = rng.permutation(np.arange(sequences) % 2).astype(np.float32)
    values = np.zeros((sequences, length), np.float32)
    values[:, 0] = labels
    return Sequences(
        values=values.reshape(-1, 1),
        offsets=np.arange(sequences + 1) * length,
        targets=labels,
    )


TASKS = {"first_step": first_step}
