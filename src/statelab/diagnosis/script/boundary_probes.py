"""Probes: whether a recorded script carries state over a border.

Borders stand between sequences, between passes of the data, and between training and
validation.
"""

from collections import Counter, defaultdict

import numpy as np

from statelab.diagnosis import continuity
from statelab.diagnosis.findings import Finding
from statelab.diagnosis.script import (
    answer_probes,
    lane_probes,
    reset_probes,
    sample_origin,
    transitions,
)
from statelab.diagnosis.script.transitions import Script, Transition


def boundary(script: Script) -> Finding:
    """Look for state that is carried from one sequence to another."""
    if not any(passage.carried.any() for passage in script.passages):
        return Finding("boundary", True, "no state is carried", "")
    repair = "reset state before a sequence begins: `layer.reset_state()`"
    for probe in (reset_probes.nested, reset_probes.callback, answer_probes.order):
        cause = probe(script)
        if cause.passed is False:
            return transitions.follows("boundary", cause)
    shuffled = lane_probes.shuffle(script).passed is False
    found, restart = 0, _restarts(script)
    for passage in script.passages:
        if not passage.carried.any() or passage.missed:
            continue
        lane, text = transitions.lane(passage), ""
        kind = script.recording.batches[passage.after].kind
        if passage.into == "within":
            crossing = transitions.crossing(script, passage)
            if not shuffled and kind == "train":
                if crossing is not None and crossing[1] == "boundary":
                    lane, _, text = crossing
                elif (
                    crossing is None
                    and passage is restart
                    and not transitions.known(script, passage)
                ):
                    text = "reads the first batch again"
            found += crossing is None and transitions.known(script, passage)
        elif passage.into == "epoch" and _new_pass(script, passage):
            text = "begins a new pass of the data"
        elif passage.into == "predict" and not _may_go_on(script, passage):
            text = "begins to predict"
        elif passage.into == "again" and kind == "validation":
            if _same_data(script, passage):
                text = "is evaluated on the same data again"
        if text:
            return Finding(
                "boundary",
                False,
                f"{transitions.at(script, passage.after, lane)}, step 0: {text} with "
                f"the state that {transitions.at(script, passage.before)} has left",
                repair,
            )
    apart = _apart(script) if not shuffled else None
    if apart is not None:
        return apart
    if shuffled:
        return Finding("boundary", None, "samples are shuffled", "")
    if transitions.mostly_known(script):
        return Finding("boundary", True, f"{found:,} batches go on in sequences", "")
    return Finding("boundary", None, transitions.UNKNOWN, "")


def _apart(script: Script) -> Finding | None:
    """Find samples, smooth within, that go on in no order: sequences of their own."""
    within = [
        p
        for p in transitions.within(script)
        if script.recording.batches[p.after].kind == "train"
    ]
    if lane_probes.contiguity(script).passed is not None or not within:
        return None
    jumping = lane_probes.smoothness(script, within)
    if jumping is None or min(jumping.along, jumping.flat) < 5 * jumping.inside:
        return None
    passage = within[0]
    return Finding(
        "boundary",
        False,
        f"{transitions.where(script, passage)}, step 0: values jump by "
        f"{jumping.along:.2g} of the spread, and by {jumping.inside:.2g} within "
        "samples: a sequence of its own begins with what another has left",
        "reset state before a sequence begins: `layer.reset_state()`",
    )


def _restarts(script: Script) -> Transition | None:
    """Find where a loop over batches comes to its first batch again, with state."""
    batches = script.recording.batches
    seen: dict[int, Counter[bytes]] = defaultdict(Counter)
    first: dict[int, bytes] = {}
    for passage in script.passages:
        before, after = batches[passage.before], batches[passage.after]
        if before.kind == "train":
            first.setdefault(before.model, before.key)
            seen[before.model][before.key] += 1
        method = script.recording.calls[after.call].method
        if passage.into != "within" or method not in ("train_on_batch", "call"):
            continue
        again = after.key == first.get(after.model) and passage.carried.any()
        if after.kind != "train" or not again or passage.missed:
            continue
        counts = seen[after.model]
        if len(counts) > 3 and len(set(counts.values())) == 1:
            return passage
    return None


def _new_pass(script: Script, passage: Transition) -> bool:
    """Tell whether an epoch reads again what one before has read."""
    recording = script.recording
    after = recording.batches[passage.after]
    call = recording.calls[after.call]
    before = recording.batches[passage.before]
    if before.call == after.call and call.repeats:
        return True
    crossing = transitions.crossing(script, passage)
    if crossing is not None:
        return True
    if transitions.known(script, passage):
        return False
    passes: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for batch in recording.batches:
        if batch.model == after.model and batch.kind == "train":
            passes[batch.call, batch.epoch].append(batch.key)
    this = passes.pop((after.call, after.epoch))
    if (
        len(set(this)) < 3
        and np.prod([a.size for a in after.x[:1]]) < transitions.DISTINCT
    ):
        return False
    return any(keys[:3] == this[:3] for keys in passes.values())


def _may_go_on(script: Script, passage: Transition) -> bool:
    """Tell whether what is read may follow what was read before."""
    if transitions.known(script, passage):
        return transitions.crossing(script, passage) is None
    before = script.recording.batches[passage.before]
    after = script.recording.batches[passage.after]
    old, new = sample_origin.steps_of(before.x), sample_origin.steps_of(after.x)
    if old is None or new is None or old.shape[2] != new.shape[2]:
        return old is None or new is None
    fed = [
        batch.key
        for batch in script.recording.batches[: passage.after]
        if batch.model == after.model
    ]
    if after.key in fed and transitions.values(new) >= min(
        transitions.DISTINCT, new.size
    ):
        return False  # it was read before
    if len(old) != len(new) or old.shape[1] < 3:
        return False
    inside = np.abs(np.diff(old, axis=1)).mean()
    spread = old.std()
    smooth = inside < continuity.ROUGH * spread
    return bool(smooth and np.abs(new[:, 0] - old[:, -1]).mean() <= 3 * inside)


def _same_data(script: Script, passage: Transition) -> bool:
    batches = script.recording.batches
    calls: dict[int, list[bytes]] = defaultdict(list)
    for batch in batches:
        calls[batch.call].append(batch.key)
    after = batches[passage.after]
    earlier = {b.call for b in batches[: passage.after] if b.kind == after.kind}
    return any(calls[call] == calls[after.call] for call in earlier - {after.call})


def validation_state(script: Script) -> Finding:
    """Look for validation that begins from what training has left."""
    for passage in script.passages:
        before = script.recording.batches[passage.before]
        if passage.into != "validation" or before.kind != "train":
            continue
        inside = script.recording.calls[
            script.recording.batches[passage.after].call
        ].parent
        if inside is None and transitions.known(script, passage):
            if transitions.crossing(script, passage) is None:
                continue  # goes on in time
        if passage.carried.any() and not passage.missed:
            repair = (
                "reset state in `on_test_begin` of a callback, or before `evaluate`"
            )
            return _begins_with_left(script, passage, "validation_state", repair)
    if not any(p.into == "validation" for p in script.passages):
        return transitions.nothing(
            "validation_state", script, "no validation follows training"
        )
    return Finding("validation_state", True, "no state of training enters it", "")


def training_state(script: Script) -> Finding:
    """Look for training that goes on from what validation has left."""
    for passage in script.passages:
        if passage.into == "training" and passage.carried.any() and not passage.missed:
            repair = (
                "reset state, or put back what training had, before training goes on"
            )
            return _begins_with_left(script, passage, "training_state", repair)
    if not any(p.into == "training" for p in script.passages):
        return transitions.nothing(
            "training_state", script, "no training follows validation"
        )
    return Finding("training_state", True, "no state of validation enters it", "")


def _begins_with_left(
    script: Script, passage: Transition, name: str, repair: str
) -> Finding:
    where, left = (
        transitions.where(script, passage),
        transitions.at(script, passage.before),
    )
    return Finding(
        name, False, f"{where}: begins with the state that {left} has left", repair
    )
