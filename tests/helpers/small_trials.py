"""Trials of a lookback search with given scores."""

import numpy as np

from statelab.lookback.outcomes import COMPLETE, Outcome


def trial(window, scores, parts=None, *, state=COMPLETE, reset="sample", **changes):
    """Six networks by default, each a ten-thousandth better than the one before."""
    if np.isscalar(scores):
        scores = [scores + k / 1e4 for k in range(6)]
    parts = [float(np.mean(scores))] * 6 if parts is None else parts
    seconds = {"compile": 1.5, "train": 2.0, "score": 0.25, "other": 0.01}
    return Outcome(
        *("optimise", 0, window, 1, None, reset, 10, 0.02, state, 100),
        *(list(scores), list(scores), list(parts), seconds, "here"),
    )._replace(**changes)
