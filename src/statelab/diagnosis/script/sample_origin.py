"""Finds where samples come from: which sequence of a script's arrays, and which step.

Samples and steps are compared by their bits. What could stand in several places, as
samples of a few symbols do, is found along a whole lane, or not at all.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from statelab.diagnosis import step_hashes

SHARE = 0.5  # of samples that a source must show, to be taken for one
LONGEST = 2_000_000  # steps of an array that is searched
WINDOWS = (
    8,
    32,
    128,
    512,
    2048,
)  # steps that are looked for, until they are in one place
HITS = 50  # places that are compared


class Places(NamedTuple):
    """Where the samples of one batch come from, each field [lanes]."""

    sequence: np.ndarray  # int64; -1 where it is not known
    step: np.ndarray  # int64; the first


def steps_of(x: tuple[np.ndarray, ...]) -> np.ndarray | None:
    """Return the input that is made of steps, [lanes, timesteps, features]."""
    for array in x:
        if array.ndim == 3:
            return _plain(array)
    for array in x:
        if array.ndim == 2 and array.dtype.kind in "iu":  # of an embedding
            return _plain(array[..., None])
    return None


def locate(
    batches: Mapping[int, np.ndarray], arrays: Iterable[np.ndarray]
) -> dict[int, Places]:
    """Find where samples come from.

    Args:
        batches: by number, in the order in which they were fed, [lanes, timesteps,
            features].
        arrays: where they may come from: [steps], [sequences, steps], [steps, features]
            or [..., steps, features].

    Returns:
        A place for each sample, by the number of its batch.
    """
    empty = {
        number: Places(np.full(len(x), -1), np.full(len(x), -1))
        for number, x in batches.items()
    }
    if not batches:
        return empty
    features = next(iter(batches.values())).shape[2]
    batches = {n: x for n, x in batches.items() if x.shape[2] == features}
    lengths = {x.shape[1] for x in batches.values()}
    sources = [
        hashed
        for array in arrays
        for hashed in _sources(array, features)
        if hashed.shape[1] > min(lengths)
    ]
    found = _by_sample(batches, sources, lengths) or _by_lane(batches, sources)
    return empty | (found or {})


def _by_sample(
    batches: Mapping[int, np.ndarray], sources: list[np.ndarray], lengths: set[int]
) -> dict[int, Places] | None:
    """Find samples one by one, each where alone it stands."""
    rows = {
        n: step_hashes.stretches(step_hashes.steps(x), x.shape[1])[:, 0]
        for n, x in batches.items()
    }
    ranked = []
    for source in sources:
        tables = {
            length: _unique(source, length)
            for length in lengths
            if length < source.shape[1]
        }
        if not any(len(table[0]) for table in tables.values()):
            continue
        found = {
            n: _find(
                keys,
                *tables[batches[n].shape[1]],
                source.shape[1] - batches[n].shape[1] + 1,
            )
            for n, keys in rows.items()
            if batches[n].shape[1] in tables
        }
        count = sum(int((places.sequence >= 0).sum()) for places in found.values())
        if count:
            ranked.append((count, len(source), found))
    ranked.sort(key=lambda each: each[:2], reverse=True)
    total = sum(len(keys) for keys in rows.values())
    merged: dict[int, Places] = {
        n: Places(np.full(len(keys), -1), np.full(len(keys), -1))
        for n, keys in rows.items()
    }
    before = 0
    for _, sequences, found in ranked[:20]:
        for n, places in found.items():
            free = (merged[n].sequence < 0) & (places.sequence >= 0)
            merged[n].sequence[free] = places.sequence[free] + before
            merged[n].step[free] = places.step[free]
        before += sequences
    known = sum(int((places.sequence >= 0).sum()) for places in merged.values())
    return merged if known >= SHARE * total else None


def _unique(source: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the stretches of a source that it has once, sorted, and their places."""
    flat = step_hashes.stretches(source, length).ravel()
    keys, first, count = np.unique(flat, return_index=True, return_counts=True)
    if (count == 1).sum() < SHARE * len(flat):
        return keys[:0], first[:0]
    return keys[count == 1], first[count == 1]


def _find(
    keys: np.ndarray, known: np.ndarray, places: np.ndarray, width: int
) -> Places:
    if not len(known):
        return Places(np.full(len(keys), -1), np.full(len(keys), -1))
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    place = np.where(known[at] == keys, places[at], -1)
    return _split(place, width)


def _split(place: np.ndarray, width: int) -> Places:
    known = place >= 0
    return Places(
        np.where(known, place // width, -1), np.where(known, place % width, -1)
    )


def _by_lane(
    batches: Mapping[int, np.ndarray], sources: list[np.ndarray]
) -> dict[int, Places] | None:
    """Find whole lanes, or batch after batch, step by step."""
    shapes = {x.shape[:2] for x in batches.values()}
    if len(shapes) != 1:
        return None
    lanes, timesteps = shapes.pop()
    stream = np.concatenate([step_hashes.steps(x)[None] for x in batches.values()])
    best, known = None, 0.8
    for source in sorted(sources, key=len, reverse=True):
        length = source.shape[1]
        if length <= timesteps or length % timesteps:
            continue
        along = np.stack(
            [_walk(stream[:, lane].ravel(), source, timesteps) for lane in range(lanes)]
        ).reshape(lanes, len(batches), timesteps)
        ways = [along.swapaxes(0, 1)]
        if lanes > 1:
            flat = _walk(stream.ravel(), source, timesteps)
            ways.append(flat.reshape(len(batches), lanes, timesteps))
        for way in ways:
            share = float((way[:, :, 0] >= 0).mean())
            if share > known:
                best, known = (way[:, :, 0], length), share
    if best is None:
        return None
    place, length = best
    return {
        number: _split(row, length) for number, row in zip(batches, place, strict=True)
    }


def _walk(stream: np.ndarray, source: np.ndarray, timesteps: int) -> np.ndarray:
    """Return where each step of a stream stands in a source, or -1."""
    length, flat = source.shape[1], source.ravel()
    place = np.full(len(stream), -1)
    begin = 0
    while begin < len(stream):
        at = _search(stream[begin:], flat, length)
        if at < 0:
            begin += timesteps
            continue
        run = _run(stream[begin:], flat[at:])
        place[begin : begin + run] = at + np.arange(run)
        # steps that another sequence begins with as well may have led too far
        start = (at + run - 1) // length * length - at + begin
        begin += run
        if begin < len(stream) and start > begin - run:
            other = _search(stream[start:], flat, length)
            if other >= 0 and _run(stream[start:], flat[other:]) > begin - start:
                begin = start
    return place if _natural(place, length) else np.full(len(stream), -1)


def _natural(place: np.ndarray, length: int) -> bool:
    """Tell whether steps stand in whole sequences, and not in pieces that match."""
    cut = np.flatnonzero(np.diff(place) != 1)
    first, last = np.append(0, cut + 1), np.append(cut, len(place) - 1)
    begins = (place[first] % length == 0) | (first == 0)
    ends = ((place[last] + 1) % length == 0) | (last == len(place) - 1)
    whole = begins & ends & (place[first] >= 0)
    return (last - first + 1)[whole].sum() >= 0.8 * len(place)


def _run(some: np.ndarray, other: np.ndarray) -> int:
    size = min(len(some), len(other))
    differs = np.flatnonzero(some[:size] != other[:size])
    return int(differs[0]) if len(differs) else size


def _search(wanted: np.ndarray, flat: np.ndarray, length: int) -> int:
    """Return where steps stand, if that is at one step of sequences alone; else -1."""
    text, answer = flat.tobytes(), -1
    for window in WINDOWS:
        hits, at = [], 0
        needle = wanted[:window].tobytes()
        while len(hits) < HITS and (at := text.find(needle, at)) >= 0:
            if at % 8 == 0:
                hits.append(at // 8)
            at += 1
        if not hits:
            return answer
        if len({hit % length for hit in hits}) == 1:
            answer = hits[0]
            if len(hits) == 1:
                return answer
        if window >= len(wanted):
            return answer
    return answer


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)


def _sources(array: np.ndarray, features: int) -> list[np.ndarray]:
    """Return an array as sequences of steps, hashed: none where it cannot be such."""
    if array.size > LONGEST * features:
        return []
    made = []
    if array.ndim == 1 and features == 1:
        made.append(array[None, :, None])
    elif array.ndim == 2:
        if array.shape[1] == features:
            made.append(array[None])
        elif features == 1 and array.shape[1] > 1:
            made.append(array[..., None])
        if features < array.shape[1] <= features + 3:  # a table with a target besides
            made += [array[None, :, :features], array[None, :, -features:]]
    elif array.ndim > 2 and array.shape[-1] == features:
        made.append(array.reshape(-1, *array.shape[-2:]))
    return [step_hashes.steps(_plain(each)) for each in made if each.size]
