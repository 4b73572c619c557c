"""Finds where samples come from: which sequence of a script's arrays, and which step.

Samples and steps are compared by their bits. What could stand in several places, as
samples of a few symbols do, is found along an entire lane, or not at all.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from statelab.diagnosis import step_hashes

MIN_SHARE = 0.5  # of samples that a source must show, to be taken for one
MAX_STEPS = 2_000_000  # of an array that is searched
NEEDLES = (8, 32, 128, 512, 2048)  # steps that are searched for, until in one place
MAX_HITS = 50  # places that are compared


class Places(NamedTuple):
    """Where the samples of one batch come from, each field [lanes]."""

    sequence: np.ndarray  # int64; -1 where it is not known
    step: np.ndarray  # int64; the first


def steps_of(x: tuple[np.ndarray, ...]) -> np.ndarray | None:
    """Return the input that is made of steps, [lanes, timesteps, features]."""
    for array in x:
        if array.ndim == 3:
            return _as_float32(array)
    for array in x:
        if array.ndim == 2 and array.dtype.kind in "iu":  # of an embedding
            return _as_float32(array[..., None])
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
    places = _by_sample(batches, sources, lengths) or _by_lane(batches, sources)
    return empty | (places or {})


def _by_sample(
    batches: Mapping[int, np.ndarray], sources: list[np.ndarray], lengths: set[int]
) -> dict[int, Places] | None:
    """Find samples one by one, each where alone it stands."""
    keys = {
        number: step_hashes.stretches(step_hashes.steps(x), x.shape[1])[:, 0]
        for number, x in batches.items()
    }
    ranked: list[tuple[int, int, dict[int, Places]]] = []
    for source in sources:
        tables = {
            length: _unique_stretches(source, length)
            for length in lengths
            if length < source.shape[1]
        }
        if not any(len(table[0]) for table in tables.values()):
            continue
        places = {}
        for number, batch_keys in keys.items():
            length = batches[number].shape[1]
            if length in tables:
                width = source.shape[1] - length + 1
                places[number] = _look_up(batch_keys, *tables[length], width)
        count = _count_located(places)
        if count:
            ranked.append((count, len(source), places))
    ranked.sort(key=lambda candidate: candidate[:2], reverse=True)
    total = sum(map(len, keys.values()))
    merged: dict[int, Places] = {
        number: Places(np.full(len(batch_keys), -1), np.full(len(batch_keys), -1))
        for number, batch_keys in keys.items()
    }
    sequences_before = 0
    for _, sequences, places in ranked[:20]:
        for number, batch_places in places.items():
            sequence, step = merged[number]
            free = (sequence < 0) & (batch_places.sequence >= 0)
            sequence[free] = batch_places.sequence[free] + sequences_before
            step[free] = batch_places.step[free]
        sequences_before += sequences
    return merged if _count_located(merged) >= MIN_SHARE * total else None


def _count_located(places: Mapping[int, Places]) -> int:
    """Return of how many samples it is known where they stand."""
    return sum(int((batch.sequence >= 0).sum()) for batch in places.values())


def _unique_stretches(source: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the stretches of a source that it has once, sorted, and their places."""
    flat = step_hashes.stretches(source, length).ravel()
    keys, first, count = np.unique(flat, return_index=True, return_counts=True)
    if (count == 1).sum() < MIN_SHARE * len(flat):
        return keys[:0], first[:0]
    return keys[count == 1], first[count == 1]


def _look_up(
    keys: np.ndarray, known: np.ndarray, positions: np.ndarray, width: int
) -> Places:
    """Look samples up among the stretches of a source.

    Args:
        keys: of samples, [n].
        known: keys of stretches, sorted, [m].
        positions: of those, sequence after sequence, [m].
        width: stretches of a sequence.
    """
    if not len(known):
        return Places(np.full(len(keys), -1), np.full(len(keys), -1))
    nearest = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    position = np.where(known[nearest] == keys, positions[nearest], -1)
    return _to_places(position, width)


def _to_places(position: np.ndarray, width: int) -> Places:
    """Split positions in sequences that follow each other, of `width` positions."""
    known = position >= 0
    return Places(
        np.where(known, position // width, -1), np.where(known, position % width, -1)
    )


def _by_lane(
    batches: Mapping[int, np.ndarray], sources: list[np.ndarray]
) -> dict[int, Places] | None:
    """Find entire lanes, or batch after batch, step by step."""
    shapes = {x.shape[:2] for x in batches.values()}
    if len(shapes) != 1:
        return None
    lanes, timesteps = shapes.pop()
    stream = np.concatenate([step_hashes.steps(x)[None] for x in batches.values()])
    best, best_share = None, 0.8
    for source in sorted(sources, key=len, reverse=True):
        length = source.shape[1]
        if length <= timesteps or length % timesteps:
            continue
        by_lane = np.stack(
            [
                _follow(stream[:, lane].ravel(), source, timesteps)
                for lane in range(lanes)
            ]
        ).reshape(lanes, len(batches), timesteps)
        orders = [by_lane.swapaxes(0, 1)]
        if lanes > 1:
            by_batch = _follow(stream.ravel(), source, timesteps)
            orders.append(by_batch.reshape(len(batches), lanes, timesteps))
        for positions in orders:
            share = float((positions[:, :, 0] >= 0).mean())
            if share > best_share:
                best, best_share = (positions[:, :, 0], length), share
    if best is None:
        return None
    positions, length = best
    return {
        number: _to_places(row, length)
        for number, row in zip(batches, positions, strict=True)
    }


def _follow(stream: np.ndarray, source: np.ndarray, timesteps: int) -> np.ndarray:
    """Return where each step of a stream stands in a source, or -1."""
    length, flat = source.shape[1], source.ravel()
    position = np.full(len(stream), -1)
    begin = 0
    while begin < len(stream):
        start = _search(stream[begin:], flat, length)
        if start < 0:
            begin += timesteps
            continue
        steps = _count_equal(stream[begin:], flat[start:])
        position[begin : begin + steps] = start + np.arange(steps)
        # steps that another sequence begins with as well may have led too far
        last = (start + steps - 1) // length * length - start + begin
        begin += steps
        if begin < len(stream) and last > begin - steps:
            other = _search(stream[last:], flat, length)
            if other >= 0 and _count_equal(stream[last:], flat[other:]) > begin - last:
                begin = last
    is_complete = _is_of_complete_sequences(position, length)
    return position if is_complete else np.full(len(stream), -1)


def _is_of_complete_sequences(position: np.ndarray, length: int) -> bool:
    """Tell whether steps stand in complete sequences, and not in parts that match."""
    cut = np.flatnonzero(np.diff(position) != 1)
    first, last = np.append(0, cut + 1), np.append(cut, len(position) - 1)
    begins = (position[first] % length == 0) | (first == 0)
    ends = ((position[last] + 1) % length == 0) | (last == len(position) - 1)
    complete = begins & ends & (position[first] >= 0)
    return (last - first + 1)[complete].sum() >= 0.8 * len(position)


def _count_equal(some: np.ndarray, other: np.ndarray) -> int:
    """Return how many steps are equal from the first on."""
    size = min(len(some), len(other))
    differs = np.flatnonzero(some[:size] != other[:size])
    return int(differs[0]) if len(differs) else size


def _search(wanted: np.ndarray, flat: np.ndarray, length: int) -> int:
    """Return where steps stand, if that is at one step of sequences alone; else -1."""
    text, result = flat.tobytes(), -1
    for size in NEEDLES:
        hits, offset = [], 0
        needle = wanted[:size].tobytes()
        while len(hits) < MAX_HITS and (offset := text.find(needle, offset)) >= 0:
            if offset % 8 == 0:
                hits.append(offset // 8)
            offset += 1
        if not hits:
            return result
        if len({hit % length for hit in hits}) == 1:
            result = hits[0]
            if len(hits) == 1:
                return result
        if size >= len(wanted):
            return result
    return result


def _as_float32(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)


def _sources(array: np.ndarray, features: int) -> list[np.ndarray]:
    """Return an array as sequences of steps, hashed: none where it cannot be such."""
    if array.size > MAX_STEPS * features:
        return []
    shaped = []
    if array.ndim == 1 and features == 1:
        shaped.append(array[None, :, None])
    elif array.ndim == 2:
        if array.shape[1] == features:
            shaped.append(array[None])
        elif features == 1 and array.shape[1] > 1:
            shaped.append(array[..., None])
        if features < array.shape[1] <= features + 3:  # a table with a target besides
            shaped += [array[None, :, :features], array[None, :, -features:]]
    elif array.ndim > 2 and array.shape[-1] == features:
        shaped.append(array.reshape(-1, *array.shape[-2:]))
    return [step_hashes.steps(_as_float32(x)) for x in shaped if x.size]
