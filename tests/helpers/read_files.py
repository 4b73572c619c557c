"""Reading a file of sequences, and what is read off it."""

import numpy as np

from statelab.data import sources

ROLES = {"sequence": "id", "time": "time", "target": "target", "features": None}


def load(path, source="csv", columns=(), **changes) -> sources.Read:
    asked = {
        "horizon": 0,
        "max_gap": None,
        "missing": "error",
        "target_type": "auto",
        "label": "each_step",
        **changes,
    }
    roles = {**ROLES, **dict(columns)}
    return sources.load(source=source, path=path, columns=roles, **asked)


def steps(found: sources.Read) -> list[list[list[float]]]:
    """The values of each sequence."""
    values, offsets, _ = found.sequences
    return [part.tolist() for part in np.split(np.array(values), offsets[1:-1])]


def targets(found: sources.Read) -> list[list[float]]:
    """The targets of each sequence."""
    _, offsets, known = found.sequences
    return [part.tolist() for part in np.split(known, offsets[1:-1])]
