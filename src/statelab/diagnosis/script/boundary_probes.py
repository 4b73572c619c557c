"""Probes: whether a recorded script carries state over a border.

Borders stand between sequences, between passes of the data, and between training and
validation.
"""

from collections import Counter, defaultdict

import numpy as np

from statelab.diagnosis import continuity
from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound
from statelab.diagnosis.script import (
    describe,
    lane_probes,
    prediction_probes,
    reset_probes,
    sample_origin,
    transitions,
)
from statelab.diagnosis.script.transitions import Script, Transition

RESET = "reset state before a sequence begins: `layer.reset_state()`"


def boundary(script: Script) -> Finding:
    """Look for state that is carried from one sequence to another."""
    if not any(transition.carried.any() for transition in script.transitions):
        return sound("boundary", "no state is carried")
    for probe in (reset_probes.nested, reset_probes.callback, prediction_probes.order):
        cause = probe(script)
        if cause.passed is False:
            return describe.caused_by("boundary", cause)
    shuffled = lane_probes.shuffle(script).passed is False
    restart = None if shuffled else _restart(script)
    for transition in script.transitions:
        if not transition.carried.any() or transition.missed:
            continue
        if transition.into == "within":
            crossed = (
                None if shuffled else _sequence_border(script, transition, restart)
            )
        else:
            crossed = _pass_border(script, transition)
        if crossed is not None:
            lane, text = crossed
            return fails(
                "boundary",
                f"{describe.batch(script, transition.after, lane)}, step 0: {text} "
                f"with the state that {describe.batch(script, transition.before)} has "
                "left",
                RESET,
            )
    if shuffled:
        return cannot_tell("boundary", "samples are shuffled")
    separate = _separate_samples(script)
    if separate is not None:
        return separate
    if transitions.mostly_located(script):
        count = sum(
            transitions.is_located(script, transition)
            and transitions.find_jump(script, transition) is None
            for transition in transitions.within_passes(script)
        )
        return sound("boundary", f"{count:,} batches go on in sequences")
    return cannot_tell("boundary", transitions.UNKNOWN_ORIGIN)


def _sequence_border(
    script: Script, transition: Transition, restart: Transition | None
) -> tuple[int, str] | None:
    """Tell which lane of a pass of training begins a sequence, and with what."""
    if script.recording.batches[transition.after].kind != "train":
        return None
    jump = transitions.find_jump(script, transition)
    if jump is not None:
        return (jump.lane, jump.text) if jump.probe == "boundary" else None
    if transition is restart and not transitions.is_located(script, transition):
        return describe.first_lane(transition), "reads the first batch again"
    return None


def _pass_border(script: Script, transition: Transition) -> tuple[int, str] | None:
    """Tell whether a transition from pass to pass begins anew, and which lane first."""
    kind = script.recording.batches[transition.after].kind
    text = ""
    if transition.into == "epoch" and _is_new_pass(script, transition):
        text = "begins a new pass of the data"
    elif transition.into == "predict" and not _may_go_on(script, transition):
        text = "begins to predict"
    elif transition.into == "again" and kind == "validation":
        if _is_same_data(script, transition):
            text = "is evaluated on the same data again"
    return (describe.first_lane(transition), text) if text else None


def _separate_samples(script: Script) -> Finding | None:
    """Find samples, smooth within, that go on in no order: sequences of their own."""
    within = [
        t
        for t in transitions.within_passes(script)
        if script.recording.batches[t.after].kind == "train"
    ]
    if lane_probes.contiguity(script).passed is not None or not within:
        return None
    change = lane_probes.smoothness(script, within)
    if change is None or min(change.along, change.flat) < 5 * change.inside:
        return None
    return fails(
        "boundary",
        f"{describe.transition(script, within[0])}, step 0: values jump by "
        f"{change.along:.2g} of the spread, and by {change.inside:.2g} within "
        "samples: a sequence of its own begins with what another has left",
        RESET,
    )


def _restart(script: Script) -> Transition | None:
    """Find where a loop over batches comes to its first batch again, with state."""
    batches = script.recording.batches
    times_fed: dict[int, Counter[bytes]] = defaultdict(Counter)  # to each model
    first: dict[int, bytes] = {}
    for transition in script.transitions:
        before, after = batches[transition.before], batches[transition.after]
        if before.kind == "train":
            first.setdefault(before.model, before.key)
            times_fed[before.model][before.key] += 1
        method = script.recording.calls[after.call].method
        if transition.into != "within" or method not in ("train_on_batch", "call"):
            continue
        again = after.key == first.get(after.model) and transition.carried.any()
        if after.kind != "train" or not again or transition.missed:
            continue
        counts = times_fed[after.model]
        if len(counts) > 3 and len(set(counts.values())) == 1:
            return transition
    return None


def _is_new_pass(script: Script, transition: Transition) -> bool:
    """Tell whether an epoch reads again what one before has read."""
    recording = script.recording
    before = recording.batches[transition.before]
    after = recording.batches[transition.after]
    if before.call == after.call and recording.calls[after.call].repeats:
        return True
    if transitions.find_jump(script, transition) is not None:
        return True
    if transitions.is_located(script, transition):
        return False
    passes: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for batch in recording.batches:
        if batch.model == after.model and batch.kind == "train":
            passes[batch.call, batch.epoch].append(batch.key)
    this = passes.pop((after.call, after.epoch))
    size = np.prod([x.size for x in after.x[:1]])
    if len(set(this)) < 3 and size < transitions.FEW_VALUES:
        return False
    return any(keys[:3] == this[:3] for keys in passes.values())


def _may_go_on(script: Script, transition: Transition) -> bool:
    """Tell whether what is read may follow what was read before."""
    if transitions.is_located(script, transition):
        return transitions.find_jump(script, transition) is None
    batches = script.recording.batches
    before, after = batches[transition.before], batches[transition.after]
    was, now = sample_origin.steps_of(before.x), sample_origin.steps_of(after.x)
    if was is None or now is None or was.shape[2] != now.shape[2]:
        return was is None or now is None
    earlier = {
        batch.key for batch in batches[: transition.after] if batch.model == after.model
    }
    enough = min(transitions.FEW_VALUES, now.size)
    if after.key in earlier and transitions.count_values(now) >= enough:
        return False  # it was read before
    if len(was) != len(now) or was.shape[1] < 3:
        return False
    inside = np.abs(np.diff(was, axis=1)).mean()
    smooth = inside < continuity.ROUGH * was.std()
    return bool(smooth and np.abs(now[:, 0] - was[:, -1]).mean() <= 3 * inside)


def _is_same_data(script: Script, transition: Transition) -> bool:
    """Tell whether a call is fed the batches of an earlier one of its kind."""
    batches = script.recording.batches
    keys: dict[int, list[bytes]] = defaultdict(list)  # of each call
    for batch in batches:
        keys[batch.call].append(batch.key)
    after = batches[transition.after]
    earlier = {b.call for b in batches[: transition.after] if b.kind == after.kind}
    return any(keys[call] == keys[after.call] for call in earlier - {after.call})


def validation_state(script: Script) -> Finding:
    """Look for validation that begins from what training has left."""
    recording = script.recording
    for transition in script.transitions:
        before = recording.batches[transition.before]
        if transition.into != "validation" or before.kind != "train":
            continue
        call = recording.calls[recording.batches[transition.after].call]
        if call.parent is None and transitions.is_located(script, transition):
            if transitions.find_jump(script, transition) is None:
                continue  # goes on in time
        if transition.carried.any() and not transition.missed:
            repair = (
                "reset state in `on_test_begin` of a callback, or before `evaluate`"
            )
            return _begins_with_left(script, transition, "validation_state", repair)
    if not any(t.into == "validation" for t in script.transitions):
        return describe.nothing_to_judge(
            "validation_state", script, "no validation follows training"
        )
    return sound("validation_state", "no state of training enters it")


def training_state(script: Script) -> Finding:
    """Look for training that goes on from what validation has left."""
    into_training = [t for t in script.transitions if t.into == "training"]
    for transition in into_training:
        if transition.carried.any() and not transition.missed:
            repair = (
                "reset state, or put back what training had, before training goes on"
            )
            return _begins_with_left(script, transition, "training_state", repair)
    if not into_training:
        return describe.nothing_to_judge(
            "training_state", script, "no training follows validation"
        )
    return sound("training_state", "no state of validation enters it")


def _begins_with_left(
    script: Script, transition: Transition, name: str, repair: str
) -> Finding:
    where = describe.transition(script, transition)
    left = describe.batch(script, transition.before)
    return fails(name, f"{where}: begins with the state that {left} has left", repair)
