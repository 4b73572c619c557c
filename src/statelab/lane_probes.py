"""Probes: what a recorded script feeds along each lane, one sample after another."""

from collections import Counter

import numpy as np

from statelab import passages, provenance
from statelab.findings import Finding
from statelab.passages import Passage, Script

SMOOTH = 0.3  # of the spread: data whose steps differ by less show where rows go on


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
                f"{passages.where(script, passage)}: `fit` shuffles by "
                "default, and state goes on to whichever sample is next",
                "pass `shuffle=False` to `fit`",
            )
    mixed = _followed_by_others(script, within)
    if mixed is not None:
        passage, count, of = mixed
        return Finding(
            "shuffle",
            False,
            f"{passages.where(script, passage)}: another sample follows "
            f"than in the epoch before; so it is with {count} of {of}",
            "feed samples in one order, without `Dataset.shuffle` or a permutation",
        )
    jumps = _jumps(script, within)
    if len(jumps) >= 5 and len(set(jumps.values())) > 0.5 * len(within):
        first = within[next(iter(jumps))]
        return Finding(
            "shuffle",
            False,
            f"{passages.where(script, first)}: samples come in no order, in "
            f"{len(jumps)} of {len(within)} batches",
            "feed the samples of a sequence in their order, not in a permutation",
        )
    return Finding("shuffle", True, passages.of_layers(script), "")


def _jumps(script: Script, within: list[Passage]) -> dict[int, int]:
    """Return by how many steps a lane jumps, for each passage where one does."""
    found = {}
    for place, passage in enumerate(within):
        if passages.crossing(script, passage) is not None:
            lane = passages.lane(passage)
            old, new = script.places[passage.before], script.places[passage.after]
            if old.sequence[lane] == new.sequence[lane]:
                found[place] = int(new.step[lane] - old.step[lane])
    return found


def _followed_by_others(
    script: Script, within: list[Passage]
) -> tuple[Passage, int, int] | None:
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
                    row.tobytes() for row in passages.first(batches[number])
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
    within = passages.within(script)
    if not any(passage.carried.any() for passage in script.passages):
        return Finding("contiguity", True, "no state is carried", "")
    if not within:
        return Finding("contiguity", True, "no state is carried within a pass", "")
    mixed = shuffle(script)
    if mixed.passed is False:
        return passages.follows("contiguity", mixed)
    wrong = []
    for passage in within:
        crossing = passages.crossing(script, passage)
        if crossing is not None and crossing[1] == "contiguity":
            wrong.append((passage, crossing))
    if wrong:
        passage, (lane, _, text) = wrong[0]
        return Finding(
            "contiguity",
            False,
            f"{passages.at(script, passage.after, lane)}: {text}; so it is in "
            f"{len(wrong):,} of {len(within):,} batches",
            _LANES,
        )
    again = _read_again(script, within)
    if again is not None:
        return again
    known = sum(passages.known(script, passage) for passage in within)
    if known > 0.5 * len(within):
        return Finding("contiguity", True, f"{known:,} batches go on in lanes", "")
    jumping = smoothness(script, within)
    if jumping is None:
        return Finding(
            "contiguity", None, "no array of the script shows where samples stand", ""
        )
    along, flat, inside = jumping
    if along > 3 * inside and flat <= 2 * inside:
        passage = within[0]
        return Finding(
            "contiguity",
            False,
            f"{passages.at(script, passage.after, 0)}, step 0: jumps by {along:.2g} "
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


def _pairs(script: Script, within: list[Passage]) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples of lanes that carry state, and those that follow them."""
    before, after = [], []
    batches, count = script.recording.batches, 0
    for passage in within:
        old = provenance.steps_of(batches[passage.before].x)
        new = provenance.steps_of(batches[passage.after].x)
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


def _read_again(script: Script, within: list[Passage]) -> Finding | None:
    """Find windows that overlap: a lane's sample begins with the end of the last."""
    before, after = _pairs(script, within)
    size = before.shape[1]
    if len(before) < 3 or len(np.unique(before, axis=0)) < 0.9 * len(before):
        return None
    for shift in range(1, size):
        tail, head = before[:, shift:], after[:, : size - shift]
        equal = (tail == head).all(axis=(1, 2))
        period = size - shift
        recurs = (before[:, period:] == before[:, : size - period]).all(axis=(1, 2))
        varied = (tail != tail[:, :1]).any(axis=(1, 2)) | (size - shift == 1)
        if (equal & varied & ~recurs).mean() >= 0.8 and passages.values(
            tail
        ) >= passages.DISTINCT:
            return Finding(
                "contiguity",
                False,
                f"{passages.at(script, within[0].after, 0)}, steps 0 to "
                f"{size - shift - 1}: the lane has read them in the batch before: "
                f"windows overlap by {size - shift} of {size} steps",
                "with state carried, cut sequences into pieces that follow each other",
            )
    return None


def smoothness(
    script: Script, within: list[Passage]
) -> tuple[float, float, float] | None:
    """Return how far values go along lanes, from sample to sample, and inside them.

    Medians over samples, in units of the spread; None where values are not smooth.
    """
    before, after = _pairs(script, within)
    if len(before) < 5 or before.shape[1] < 3:
        return None
    spread = before.std(axis=(0, 1))
    if not spread.all() or passages.values(before) < passages.DISTINCT:
        return None

    def far(some: np.ndarray, other: np.ndarray) -> float:
        return float(np.median((np.abs(some - other) / spread).max(axis=-1)))

    inside = far(before[:, 1:], before[:, :-1])
    if not 0 < inside < SMOOTH:
        return None
    batches = script.recording.batches
    flat = []
    for passage in within[:200]:
        x = provenance.steps_of(batches[passage.before].x)
        if x is not None and len(x) > 1 and x.shape[1:] == before.shape[1:]:
            flat.append(far(x[1:, 0], x[:-1, -1]))
    rows = float(np.median(flat)) if flat else np.inf
    return far(after[:, 0], before[:, -1]), rows, inside
