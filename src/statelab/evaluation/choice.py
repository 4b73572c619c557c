"""Which variant of a mode is the best, and so is compared with the other mode."""

from collections.abc import Sequence

import numpy as np

from statelab.config.modes import AGAIN
from statelab.data.sequences import Sequences, head_of
from statelab.evaluation import common_steps
from statelab.io.predictions import Predictions
from statelab.networks import scores
from statelab.samples.windows import Windows, rewindow


def choose(
    sequences: Sequences, windows: Windows, predictions: Sequence[Predictions]
) -> int:
    """Return which of the variants of a mode is the best on validation.

    Without a validation split it is chosen on train, which favours what fits train too
    well. Test is not looked at.

    Args:
        sequences: the time steps and their targets.
        windows: as they are in use.
        predictions: of every variant, what is in use first.

    Returns:
        Its number, the earlier one where two tie. The same again from other seeds is
        there to show noise, and is never chosen.
    """
    if len(predictions) == 1:
        return 0
    tables = {
        common_steps.layout_of(one): rewindow(windows, **one.layout)
        for one in predictions
    }
    for split in ("validation", "train"):
        step, numbers = common_steps.of(sequences, tables, split)
        if len(step):
            break
    else:
        return 0
    target = common_steps.targets(sequences, step)
    score = scores.OF_HEAD[head_of(sequences.targets)[0]].main

    def quality(number: int) -> float:
        one = predictions[number]
        if one.variant == AGAIN:
            return -np.inf
        chosen = one.predictions[:, numbers[common_steps.layout_of(one)]]
        return score.sign * float(score.function(chosen, target).mean())

    return max(range(len(predictions)), key=quality)
