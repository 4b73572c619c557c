"""What a recorded training script passes on from one batch to the next.

Batches, lanes, epochs and steps are counted from 0.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from statelab.diagnosis.recording.records import Batch, Recording
from statelab.diagnosis.script import sample_origin
from statelab.diagnosis.script.sample_origin import Places

FEW_VALUES = 20  # of which fewer are taken for symbols
UNKNOWN_ORIGIN = (
    "no array of the script shows where sequences begin: keep the long series in a "
    "variable"
)


class Transition(NamedTuple):
    """Two batches that a model was fed one after the other."""

    before: int  # its number
    after: int
    into: str  # "within" a pass, "epoch", "validation", "training", "predict", "again"
    carried: np.ndarray  # bool [lanes]: begins with the state that was left
    missed: tuple[str, ...]  # layers that carry state where others begin with zeros
    zeroed: bool  # state that was left has been reset


class Script(NamedTuple):
    """A recording, and what is derived from it once."""

    recording: Recording
    transitions: list[Transition]
    places: dict[int, Places]  # of each batch


class Jump(NamedTuple):
    """A lane that goes on with the state of other steps than those before."""

    lane: int
    probe: str  # that fails: "boundary" where the lane begins a sequence; "contiguity"
    text: str  # what it reads, after what


def derive(recording: Recording) -> Script:
    """Derive from a recording what passes state on, and where samples come from."""
    steps = {}
    for model, layers in enumerate(recording.layers):
        if layers:
            for number, batch in enumerate(recording.batches):
                if batch.model == model and batch.x:
                    x = sample_origin.steps_of(batch.x)
                    if x is not None:
                        steps[number] = x
    places = sample_origin.locate(steps, recording.arrays.values())
    return Script(recording, list(_transitions(recording)), places)


def _transitions(recording: Recording) -> Iterator[Transition]:
    last: dict[int, int] = {}  # batch of each model
    for number, batch in enumerate(recording.batches):
        if not recording.layers[batch.model]:
            continue
        if batch.model in last:
            before = recording.batches[last[batch.model]]
            into = _into(recording, before, batch)
            carried, missed = _carried(recording, batch)
            yield Transition(
                last[batch.model], number, into, carried, missed, batch.zeroed
            )
        last[batch.model] = number


def _into(recording: Recording, before: Batch, after: Batch) -> str:
    call = recording.calls[after.call]
    if before.kind != after.kind:
        return "training" if after.kind == "train" else after.kind
    if before.call == after.call:
        return "within" if before.epoch == after.epoch else "epoch"
    if call.method in ("train_on_batch", "test_on_batch", "call"):
        return "within"
    return "epoch" if after.kind == "train" else "again"


def _carried(recording: Recording, batch: Batch) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return which lanes begin with what was left, and the layers that kept theirs."""
    if batch.carried is None:  # inside of one execution of several batches
        return np.ones(len(batch.x[0]) if batch.x else 1, bool), ()
    carried = np.zeros(max(map(len, batch.carried), default=0), bool)
    for lanes in batch.carried:
        carried[: len(lanes)] |= lanes
    if not batch.zeroed:
        return carried, ()
    layers = recording.layers[batch.model]
    return carried, tuple(
        layer.path
        for layer, lanes in zip(layers, batch.carried, strict=False)
        if lanes.any()
    )


def within_passes(script: Script) -> list[Transition]:
    """Return the transitions that carry state within a pass of the data."""
    return [
        transition
        for transition in script.transitions
        if transition.into == "within"
        and transition.carried.any()
        and not transition.missed
    ]


def find_jump(script: Script, transition: Transition) -> Jump | None:
    """Find the first lane that goes on with the state of other steps.

    Returns:
        None where each lane goes on where it was, or nothing is known.
    """
    if transition.before not in script.places or transition.after not in script.places:
        return None
    batches = script.recording.batches
    before, after = script.places[transition.before], script.places[transition.after]
    x = sample_origin.steps_of(batches[transition.before].x)
    timesteps = x.shape[1] if x is not None else 1
    for lane in np.flatnonzero(transition.carried):
        if lane >= min(len(before.step), len(after.step)):
            continue
        was, stop = int(before.sequence[lane]), int(before.step[lane]) + timesteps
        now, start = int(after.sequence[lane]), int(after.step[lane])
        if was < 0 or now < 0 or (was == now and stop == start):
            continue
        gap = was == now and stop < start <= stop + 2 * timesteps
        if gap and transition.into != "within":
            continue  # steps that fill no sample are left out between two sets
        return Jump(
            int(lane),
            "boundary" if start == 0 else "contiguity",
            f"reads sequence {now} from step {start} after sequence {was} up to step "
            f"{stop - 1}",
        )
    return None


def is_located(script: Script, transition: Transition) -> bool:
    """Tell whether it is known of every lane where its samples stand."""
    numbers = (transition.before, transition.after)
    return all(
        number in script.places and bool((script.places[number].sequence >= 0).all())
        for number in numbers
    )


def mostly_located(script: Script) -> bool:
    """Tell whether samples are located at most transitions within a pass."""
    carried = within_passes(script)
    located = sum(is_located(script, transition) for transition in carried)
    return located >= 0.5 * len(carried)


def samples_of(batch: Batch) -> np.ndarray:
    """Return the input that is made of steps, or else the first one, [lanes, …]."""
    x = sample_origin.steps_of(batch.x)
    return x if x is not None else batch.x[0] if batch.x else np.zeros((0, 1))


def count_values(array: np.ndarray) -> int:
    """Return how many different values an array has."""
    return len(np.unique(array))
