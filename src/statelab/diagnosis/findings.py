"""What a probe of a stateful set-up finds."""

from typing import NamedTuple


class Finding(NamedTuple):
    """What one probe says of one set-up."""

    name: str  # of the probe
    passed: bool | None  # None: what was given does not show it
    where: str  # the offending batch, lane and step; else what was looked at, or lacks
    repair: str  # one line; empty unless the probe fails


def sound(name: str, where: str) -> Finding:
    """Return that a probe passes, and what it has looked at."""
    return Finding(name, True, where, "")


def cannot_tell(name: str, why: str) -> Finding:
    """Return that a probe cannot tell, and what it lacks."""
    return Finding(name, None, why, "")


def fails(name: str, where: str, repair: str) -> Finding:
    """Return that a probe fails, where, and how to repair it."""
    return Finding(name, False, where, repair)


# Every probe, in the order in which they are reported, and the question it looks into.
QUESTIONS = {
    "shuffle": "are samples that carry state fed in their own order?",
    "contiguity": "does each lane of a batch go on where it was in the batch before?",
    "boundary": "does a sequence's prediction depend on that sequence alone?",
    "callback": "is state reset at the batches that the reset callback is meant for?",
    "nested": "is every layer that carries state reset, nested ones as well?",
    "validation_state": "does validation begin from a state that is not training's?",
    "training_state": "does training go on from a state that is not validation's?",
    "overlap": "are the time steps of validation none of training's?",
    "scaling": "has scaling been fitted on the steps of training alone?",
    "order": "are predictions the same whatever the order of the sequences?",
    "batch_size": "are predictions the same whatever the batch size?",
    "saved_state": "is the state that is needed after loading saved?",
    "ceiling": "is no score above the best that any model could reach?",
}
