"""Reading a file of sequences, and what is read off it."""

import numpy as np
from project_params import generate

from statelab.data import sources

ROLES = {"sequence": "id", "time": "time", "target": "target", "features": None}


def load(path, source="csv", columns=(), **changes) -> sources.Loaded:
    roles = {**ROLES, **dict(columns)}
    return sources.load(
        generate(source=source, path=str(path), columns=roles, **changes)
    )


def steps(loaded: sources.Loaded) -> list[list[list[float]]]:
    """The values of each sequence."""
    values, offsets, _ = loaded.sequences
    return [part.tolist() for part in np.split(np.array(values), offsets[1:-1])]


def targets(loaded: sources.Loaded) -> list[list[float]]:
    """The targets of each sequence."""
    _, offsets, known = loaded.sequences
    return [part.tolist() for part in np.split(known, offsets[1:-1])]
