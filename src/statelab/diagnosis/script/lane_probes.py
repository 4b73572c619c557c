"""Probes: what a recorded script feeds along each lane, one sample after another."""

from collections import Counter

import numpy as np

from statelab.diagnosis import continuity
from statelab.diagnosis.continuity import Smoothness
from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound
from statelab.diagnosis.script import describe, sample_origin, transitions
from statelab.diagnosis.script.transitions import Jump, Script, Transition

IN_LANES = (
    "keep each sequence in one lane, without overlap: lane i of a batch must go on "
    "where lane i of the batch before has stopped"
)


def shuffle(script: Script) -> Finding:
    """Look for samples that are mixed, with state carried from one to the next."""
    recording = script.recording
    within = [
        transition
        for transition in script.transitions
        if transition.into == "within"
        and transition.carried.any()
        and recording.batches[transition.after].kind == "train"
    ]
    for transition in within:
        call = recording.calls[recording.batches[transition.after].call]
        if call.shuffle and call.data in ("arrays", "Sequence"):
            return fails(
                "shuffle",
                f"{describe.transition(script, transition)}: `fit` shuffles by "
                "default, and state goes on to whichever sample is next",
                "pass `shuffle=False` to `fit`",
            )
    mixed = _followed_by_others(script, within)
    if mixed is not None:
        transition, count, total = mixed
        return fails(
            "shuffle",
            f"{describe.transition(script, transition)}: another sample follows "
            f"than in the epoch before; so it is with {count} of {total}",
            "feed samples in one order, without `Dataset.shuffle` or a permutation",
        )
    jumps = _jump_lengths(script, within)
    if len(jumps) >= 5 and len(set(jumps.values())) > 0.5 * len(within):
        first = within[next(iter(jumps))]
        return fails(
            "shuffle",
            f"{describe.transition(script, first)}: samples come in no order, in "
            f"{len(jumps)} of {len(within)} batches",
            "feed the samples of a sequence in their order, not in a permutation",
        )
    data = {recording.calls[recording.batches[t.after].call].data for t in within}
    if data <= {"arrays", "Sequence"} or transitions.mostly_located(script):
        return sound("shuffle", describe.layers(script))
    reason = f"fed by {data.pop()}; {transitions.UNKNOWN_ORIGIN}"
    return cannot_tell("shuffle", reason)


def _jump_lengths(script: Script, within: list[Transition]) -> dict[int, int]:
    """Return by how many steps a lane jumps, for each transition where one does."""
    lengths = {}
    for place, transition in enumerate(within):
        if transitions.find_jump(script, transition) is not None:
            lane = describe.first_lane(transition)
            before = script.places[transition.before]
            after = script.places[transition.after]
            if before.sequence[lane] == after.sequence[lane]:
                lengths[place] = int(after.step[lane] - before.step[lane])
    return lengths


def _followed_by_others(
    script: Script, within: list[Transition]
) -> tuple[Transition, int, int] | None:
    """Find samples that are followed by one sample, and then by another.

    Returns:
        The first such transition, how many samples are, and of how many.
    """
    batches = script.recording.batches
    if sum(len(batches[t.after].key) for t in within) == 0:
        return None
    rows = _row_keys(script, within)
    times_fed: Counter[tuple[int, int, bytes]] = Counter()
    for number, keys in rows.items():
        batch = batches[number]
        times_fed.update((batch.call, batch.epoch, key) for key in keys)
    follower: dict[bytes, bytes] = {}
    changed, total, first = 0, 0, None
    for transition in within:
        if transition.before not in rows or transition.after not in rows:
            continue
        batch = batches[transition.before]
        if script.recording.calls[batch.call].method in ("call", "train_on_batch"):
            continue
        for lane, (key, next_key) in enumerate(
            zip(rows[transition.before], rows[transition.after], strict=False)
        ):
            once = times_fed[batch.call, batch.epoch, key] == 1
            lanes = len(transition.carried)
            if not once or lane >= lanes or not transition.carried[lane]:
                continue
            if key in follower:
                total += 1
                if follower[key] != next_key:
                    changed, first = changed + 1, first or transition
            follower[key] = next_key
    if first is not None and changed >= 3 and changed > 0.2 * total:
        return first, changed, total
    return None


def _row_keys(script: Script, within: list[Transition]) -> dict[int, list[bytes]]:
    """Return the bytes of each sample, by the number of its batch."""
    batches = script.recording.batches
    rows = {}
    for transition in within:
        for number in (transition.before, transition.after):
            if number not in rows and batches[number].x:
                samples = transitions.samples_of(batches[number])
                rows[number] = [row.tobytes() for row in samples]
    return rows


def contiguity(script: Script) -> Finding:
    """Look for lanes that do not go on where they were in the batch before."""
    within = transitions.within_passes(script)
    if not any(transition.carried.any() for transition in script.transitions):
        return sound("contiguity", "no state is carried")
    if not within:
        return sound("contiguity", "no state is carried within a pass")
    mixed = shuffle(script)
    if mixed.passed is False:
        return describe.caused_by("contiguity", mixed)
    wrong: list[tuple[Transition, Jump]] = []
    for transition in within:
        jump = transitions.find_jump(script, transition)
        if jump is not None and jump.probe == "contiguity":
            wrong.append((transition, jump))
    if wrong:
        transition, jump = wrong[0]
        return fails(
            "contiguity",
            f"{describe.batch(script, transition.after, jump.lane)}: {jump.text}; so "
            f"it is in {len(wrong):,} of {len(within):,} batches",
            IN_LANES,
        )
    overlap = _overlap(script, within)
    if overlap is not None:
        return overlap
    located = sum(transitions.is_located(script, transition) for transition in within)
    if located > 0.5 * len(within):
        return sound("contiguity", f"{located:,} batches go on in lanes")
    return _smooth_contiguity(script, within)


def _smooth_contiguity(script: Script, within: list[Transition]) -> Finding:
    """Judge by the values, where nothing shows where samples stand."""
    change = smoothness(script, within)
    if change is None:
        return cannot_tell(
            "contiguity", "no array of the script shows where samples stand"
        )
    inside, along, flat = change
    if along > 3 * inside and flat <= 2 * inside:
        return fails(
            "contiguity",
            f"{describe.batch(script, within[0].after, 0)}, step 0: jumps by "
            f"{along:.2g} of the spread, where samples one after another go on by "
            f"{flat:.2g}",
            IN_LANES,
        )
    if along <= 2 * inside:
        return sound("contiguity", "values go on smoothly along lanes")
    return cannot_tell("contiguity", "samples go on in no order")


def _pairs(script: Script, within: list[Transition]) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of lanes that carry state, and those that follow them."""
    before, after = [], []
    batches, count = script.recording.batches, 0
    for transition in within:
        was = sample_origin.steps_of(batches[transition.before].x)
        now = sample_origin.steps_of(batches[transition.after].x)
        if was is None or now is None or was.shape != now.shape:
            continue
        if before and was.shape[1:] != before[0].shape[1:]:
            continue
        lanes = transition.carried[: len(was)]
        before.append(was[: len(lanes)][lanes])
        after.append(now[: len(lanes)][lanes])
        count += len(before[-1])
        if count > 500:
            break
    if not before:
        return np.zeros((0, 1, 1)), np.zeros((0, 1, 1))
    return np.concatenate(before), np.concatenate(after)


def _overlap(script: Script, within: list[Transition]) -> Finding | None:
    """Find windows that overlap: a lane's sample begins with the end of the last."""
    before, after = _pairs(script, within)
    overlap = continuity.overlap(before, after)
    if overlap is None:
        return None
    steps, _ = overlap
    return fails(
        "contiguity",
        f"{describe.batch(script, within[0].after, 0)}, steps 0 to {steps - 1}: the "
        f"lane has read them in the batch before: windows overlap by {steps} of "
        f"{before.shape[1]} steps",
        "with state carried, cut sequences into segments that follow each other",
    )


def smoothness(script: Script, within: list[Transition]) -> Smoothness | None:
    """Return how far values go along lanes, from sample to sample, and inside them."""
    before, after = _pairs(script, within)
    if transitions.count_values(before) < transitions.FEW_VALUES:
        return None
    batches = script.recording.batches
    inputs = [sample_origin.steps_of(batches[t.before].x) for t in within[:200]]
    rows = [x for x in inputs if x is not None and x.shape[1:] == before.shape[1:]]
    return continuity.smoothness(rows, before, after)
