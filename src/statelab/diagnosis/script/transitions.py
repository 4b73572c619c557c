"""What a recorded training script passes on from one batch to the next.

Batches, lanes, epochs and steps are counted from 0.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from statelab.diagnosis.findings import Finding
from statelab.diagnosis.script import sample_origin
from statelab.diagnosis.script.recorder import Batch, Recording
from statelab.diagnosis.script.sample_origin import Places

DISTINCT = 20  # values, fewer than which are taken for symbols


class Transition(NamedTuple):
    """Two batches that a model was fed one after the other."""

    before: int  # its number
    after: int
    into: str  # "within" a pass, "epoch", "validation", "training", "predict", "again"
    carried: np.ndarray  # bool [lanes]: begins with the state that was left
    missed: tuple[str, ...]  # layers that carry state where others begin with zeros
    zeroed: bool  # state that was left has been reset


class Script(NamedTuple):
    """A recording, and what is read off it once."""

    recording: Recording
    passages: list[Transition]
    places: dict[int, Places]  # of each batch


def read(recording: Recording) -> Script:
    """Read off a recording what passes state on, and where samples come from."""
    passages = list(_passages(recording))
    steps = {}
    for model, layers in enumerate(recording.layers):
        if layers:
            for number, batch in enumerate(recording.batches):
                if batch.model == model and batch.x:
                    x = sample_origin.steps_of(batch.x)
                    if x is not None:
                        steps[number] = x
    places = sample_origin.locate(steps, recording.arrays.values())
    return Script(recording, passages, places)


def _passages(recording: Recording) -> Iterator[Transition]:
    last: dict[int, int] = {}
    for number, batch in enumerate(recording.batches):
        if not recording.layers[batch.model]:
            continue
        if batch.model in last:
            before = recording.batches[last[batch.model]]
            into = _into(recording, before, batch)
            passed_on = _carried(recording, batch)
            yield Transition(last[batch.model], number, into, *passed_on)
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


def _carried(
    recording: Recording, batch: Batch
) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """Tell which lanes begin with what was left, which layers alone do, and if any
    has been reset."""
    if batch.carried is None:  # inside of one execution of several batches
        return np.ones(len(batch.x[0]) if batch.x else 1, bool), (), False
    layers = recording.layers[batch.model]
    carried = np.zeros(max((len(each) for each in batch.carried), default=0), bool)
    for each in batch.carried:
        carried[: len(each)] |= each
    kept = tuple(
        layer.path
        for layer, each in zip(layers, batch.carried, strict=False)
        if each.any()
    )
    return carried, kept if batch.zeroed else (), batch.zeroed


def within(script: Script) -> list[Transition]:
    return [
        passage
        for passage in script.passages
        if passage.into == "within" and passage.carried.any() and not passage.missed
    ]


def crossing(script: Script, passage: Transition) -> tuple[int, str, str] | None:
    """Tell of the first lane that goes on with state of elsewhere.

    Returns:
        The lane, "boundary" where it begins a sequence, else "contiguity", and what it
        reads after what; None where each goes on or nothing is known.
    """
    if passage.before not in script.places or passage.after not in script.places:
        return None
    batches = script.recording.batches
    old, new = script.places[passage.before], script.places[passage.after]
    x = sample_origin.steps_of(batches[passage.before].x)
    timesteps = x.shape[1] if x is not None else 1
    for lane in np.flatnonzero(passage.carried):
        if lane >= min(len(old.step), len(new.step)):
            continue
        s, a = int(old.sequence[lane]), int(old.step[lane]) + timesteps
        t, b = int(new.sequence[lane]), int(new.step[lane])
        if s < 0 or t < 0 or (s == t and a == b):
            continue
        if s == t and passage.into != "within" and a < b <= a + 2 * timesteps:
            continue  # steps that fill no sample are left out between two sets
        name = "boundary" if b == 0 else "contiguity"
        text = f"reads sequence {t} from step {b} after sequence {s} up to step {a - 1}"
        return int(lane), name, text
    return None


def known(script: Script, passage: Transition) -> bool:
    """Tell whether every lane is known to go on where it was."""
    if passage.before not in script.places or passage.after not in script.places:
        return False
    known = [script.places[n].sequence for n in (passage.before, passage.after)]
    return all((each >= 0).all() for each in known)


UNKNOWN = (
    "no array of the script shows where sequences begin: keep the long series in a "
    "variable"
)


def mostly_known(script: Script) -> bool:
    """Tell whether it is known of most batches that go on where they do."""
    carried = within(script)
    return sum(known(script, each) for each in carried) >= 0.5 * len(carried)


def first(batch: Batch) -> np.ndarray:
    x = sample_origin.steps_of(batch.x)
    return x if x is not None else batch.x[0] if batch.x else np.zeros((0, 1))


def values(array: np.ndarray) -> int:
    return len(np.unique(array))


def lane(passage: Transition) -> int:
    return int(passage.carried.argmax())


def line(script: Script, call: int) -> int:
    """Return the line of the script that a call stems from."""
    calls = script.recording.calls
    parent = calls[call].parent
    while not calls[call].line and parent is not None:
        call, parent = parent, calls[parent].parent
    return calls[call].line


def at(script: Script, number: int, lane: int | None = None) -> str:
    """Say where a batch was fed."""
    batch = script.recording.batches[number]
    call = script.recording.calls[batch.call]
    here = line(script, batch.call)
    text = f"line {here}, {call.method}"
    same = [
        k
        for k, each in enumerate(script.recording.calls[: batch.call + 1])
        if each.method == call.method and line(script, k) == here
    ]
    if len(same) > 1:  # in a loop
        text += f", call {len(same) - 1}"
    if call.method == "fit":
        text += f", epoch {batch.epoch}"
    text += f", batch {batch.number}"
    return text if lane is None else f"{text}, lane {lane}"


def where(script: Script, passage: Transition) -> str:
    """Say where a passage leads, and to which lane first."""
    return at(script, passage.after, lane(passage))


def of_layers(script: Script) -> str:
    """Say how many layers carry state."""
    paths = {layer.path for layers in script.recording.layers for layer in layers}
    return f"state is in {', '.join(sorted(paths))}" if paths else "no layer has state"


def nothing(name: str, script: Script, reason: str) -> Finding:
    """Say that there is nothing to see; where no layer carries state that is sound."""
    if any(script.recording.layers):
        return Finding(name, None, reason, "")
    return Finding(name, True, "no layer has state", "")


def follows(name: str, cause: Finding) -> Finding:
    """Return what fails because something else does."""
    return Finding(name, False, f"{cause.where}: as `{cause.name}`", cause.repair)
