"""Probes: what a recorded script feeds along each lane, one sample after another."""

from collections import Counter

import numpy as np

from statelab.diagnosis import continuity
from statelab.diagnosis.continuity import Smoothness
from statelab.diagnosis.findings import Finding
from statelab.diagnosis.script import sample_origin, transitions
from statelab.diagnosis.script.transitions import Script, Transition


def shuffle(script: Script) -> Finding:
    """Look for samples that are mixed, with state carried from one to the next."""
    recording = script.recording
    within = [
        passage
        for passage in script.passages
        if passage.into == "within"
        and passage.carried.any()
        and recording.batches[passage.after].kind == "train"
    ]
    for passage in within:
        call = recording.calls[recording.batches[passage.after].call]
        if call.shuffle and call.data in ("arrays", "Sequence"):
            return Finding(
                "shuffle",
                False,
                f"{transitions.where(script, passage)}: `fit` shuffles by "
                "default, and state goes on to whichever sample is next",
                "pass `shuffle=False` to `fit`",
            )
    mixed = _followed_by_others(script, within)
    if mixed is not None:
        passage, count, of = mixed
        return Finding(
            "shuffle",
            False,
            f"{transitions.where(script, passage)}: another sample follows "
            f"than in the epoch before; so it is with {count} of {of}",
            "feed samples in one order, without `Dataset.shuffle` or a permutation",
        )
    jumps = _jumps(script, within)
    if len(jumps) >= 5 and len(set(jumps.values())) > 0.5 * len(within):
        first = within[next(iter(jumps))]
        return Finding(
            "shuffle",
            False,
            f"{transitions.where(script, first)}: samples come in no order, in "
            f"{len(jumps)} of {len(within)} batches",
            "feed the samples of a sequence in their order, not in a permutation",
        )
    fed = {recording.calls[recording.batches[p.after].call].data for p in within}
    if fed <= {"arrays", "Sequence"} or transitions.mostly_known(script):
        return Finding("shuffle", True, transitions.of_layers(script), "")
    return Finding("shuffle", None, f"fed by {fed.pop()}; {transitions.UNKNOWN}", "")


def _jumps(script: Script, within: list[Transition]) -> dict[int, int]:
    """Return by how many steps a lane jumps, for each passage where one does."""
    found = {}
    for place, passage in enumerate(within):
        if transitions.crossing(script, passage) is not None:
            lane = transitions.lane(passage)
            old, new = script.places[passage.before], script.places[passage.after]
            if old.sequence[lane] == new.sequence[lane]:
                found[place] = int(new.step[lane] - old.step[lane])
    return found


def _followed_by_others(
    script: Script, within: list[Transition]
) -> tuple[Transition, int, int] | None:
    """Find samples that are followed by one sample, and then by another."""
    batches = script.recording.batches
    if sum(len(batches[p.after].key) for p in within) == 0:
        return None
    seen: Counter[tuple[int, int, bytes]] = Counter()
    rows = {}
    for passage in within:
        for number in (passage.before, passage.after):
            if number not in rows and batches[number].x:
                rows[number] = [
                    row.tobytes() for row in transitions.first(batches[number])
                ]
    for number, keys in rows.items():
        batch = batches[number]
        seen.update((batch.call, batch.epoch, key) for key in keys)
    followed: dict[bytes, bytes] = {}
    other, total, first = 0, 0, None
    for passage in within:
        if passage.before not in rows or passage.after not in rows:
            continue
        batch = batches[passage.before]
        if script.recording.calls[batch.call].method in ("call", "train_on_batch"):
            continue
        for lane, (key, next_key) in enumerate(
            zip(rows[passage.before], rows[passage.after], strict=False)
        ):
            alone = seen[batch.call, batch.epoch, key] == 1
            if not alone or lane >= len(passage.carried) or not passage.carried[lane]:
                continue
            if key in followed:
                total += 1
                if followed[key] != next_key:
                    other, first = other + 1, first or passage
            followed[key] = next_key
    if first is not None and other >= 3 and other > 0.2 * total:
        return first, other, total
    return None


def contiguity(script: Script) -> Finding:
    """Look for lanes that do not go on where they were in the batch before."""
    within = transitions.within(script)
    if not any(passage.carried.any() for passage in script.passages):
        return Finding("contiguity", True, "no state is carried", "")
    if not within:
        return Finding("contiguity", True, "no state is carried within a pass", "")
    mixed = shuffle(script)
    if mixed.passed is False:
        return transitions.follows("contiguity", mixed)
    wrong = []
    for passage in within:
        crossing = transitions.crossing(script, passage)
        if crossing is not None and crossing[1] == "contiguity":
            wrong.append((passage, crossing))
    if wrong:
        passage, (lane, _, text) = wrong[0]
        return Finding(
            "contiguity",
            False,
            f"{transitions.at(script, passage.after, lane)}: {text}; so it is in "
            f"{len(wrong):,} of {len(within):,} batches",
            _LANES,
        )
    again = _read_again(script, within)
    if again is not None:
        return again
    known = sum(transitions.known(script, passage) for passage in within)
    if known > 0.5 * len(within):
        return Finding("contiguity", True, f"{known:,} batches go on in lanes", "")
    jumping = smoothness(script, within)
    if jumping is None:
        return Finding(
            "contiguity", None, "no array of the script shows where samples stand", ""
        )
    inside, along, flat = jumping
    if along > 3 * inside and flat <= 2 * inside:
        passage = within[0]
        return Finding(
            "contiguity",
            False,
            f"{transitions.at(script, passage.after, 0)}, step 0: jumps by {along:.2g} "
            f"of the spread, where samples one after another go on by {flat:.2g}",
            _LANES,
        )
    if along <= 2 * inside:
        return Finding("contiguity", True, "values go on smoothly along lanes", "")
    return Finding("contiguity", None, "samples go on in no order", "")


_LANES = (
    "lay each sequence along one lane, without overlap: lane i of a batch must go on "
    "where lane i of the batch before has stopped"
)


def _pairs(script: Script, within: list[Transition]) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of lanes that carry state, and those that follow them."""
    before, after = [], []
    batches, count = script.recording.batches, 0
    for passage in within:
        old = sample_origin.steps_of(batches[passage.before].x)
        new = sample_origin.steps_of(batches[passage.after].x)
        if old is None or new is None or old.shape != new.shape:
            continue
        if before and old.shape[1:] != before[0].shape[1:]:
            continue
        lanes = passage.carried[: len(old)]
        before.append(old[: len(lanes)][lanes])
        after.append(new[: len(lanes)][lanes])
        count += len(before[-1])
        if count > 500:
            break
    if not before:
        return np.zeros((0, 1, 1)), np.zeros((0, 1, 1))
    return np.concatenate(before), np.concatenate(after)


def _read_again(script: Script, within: list[Transition]) -> Finding | None:
    """Find windows that overlap: a lane's sample begins with the end of the last."""
    before, after = _pairs(script, within)
    found = continuity.overlap(before, after)
    if found is None:
        return None
    steps, _ = found
    return Finding(
        "contiguity",
        False,
        f"{transitions.at(script, within[0].after, 0)}, steps 0 to {steps - 1}: the "
        f"lane has read them in the batch before: windows overlap by {steps} of "
        f"{before.shape[1]} steps",
        "with state carried, cut sequences into pieces that follow each other",
    )


def smoothness(script: Script, within: list[Transition]) -> Smoothness | None:
    """Return how far values go along lanes, from sample to sample, and inside them."""
    before, after = _pairs(script, within)
    if transitions.values(before) < transitions.DISTINCT:
        return None
    batches = script.recording.batches
    fed = [sample_origin.steps_of(batches[p.before].x) for p in within[:200]]
    rows = [x for x in fed if x is not None and x.shape[1:] == before.shape[1:]]
    return continuity.smoothness(rows, before, after)
