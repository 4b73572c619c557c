"""Probes: what data a recorded script trains and validates on, and its scores."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from statelab.diagnosis import split_probes, step_hashes
from statelab.diagnosis.findings import Finding
from statelab.diagnosis.script import sample_origin, transitions
from statelab.diagnosis.script.recorder import Batch, Call
from statelab.diagnosis.script.transitions import Script
from statelab.evaluation.ceilings import majority_vote

UNLIKE = 0.95  # share of stretches that are had once, in data that can be recognised


def overlap(script: Script) -> Finding:
    """Look for time steps of validation that are training's as well."""
    trains = {
        model: _joined(_training(script, model))
        for model in range(len(script.recording.layers))
    }
    judged = False
    calls = script.recording.calls
    fed: dict[int, list[np.ndarray]] = defaultdict(list)
    for batch in script.recording.batches:
        x = sample_origin.steps_of(batch.x) if batch.kind != "train" else None
        if x is not None:
            fed[batch.call].append(x)
    for number, call in enumerate(calls):
        if call.method not in ("evaluate", "predict"):
            continue
        train, held = trains[call.model], _joined(fed[number])
        if train is None or held is None or held.shape[1:] != train.shape[1:]:
            continue
        shared = _shared(train, held)
        if shared is None:
            continue
        steps, whole = shared
        if call.parent is None and (whole.mean() > 0.5 or whole.sum() >= len(train)):
            continue  # the score on what was trained
        judged = True
        much = steps.mean() > 0.9 and len(held) >= 10
        if steps.any() if call.method == "evaluate" else much:
            row = int(steps.argmax())
            lanes = max(map(len, fed[number]))
            return Finding(
                "overlap",
                False,
                f"line {transitions.line(script, number)}, {call.method}, batch "
                f"{row // lanes}, lane {row % lanes}: has steps that are trained; so "
                f"do {int(steps.sum()):,} of {len(held):,} samples",
                "split in time first, then cut each part into windows",
            )
    if judged:
        return Finding("overlap", True, "no step of validation is trained", "")
    return Finding(
        "overlap", None, "nothing is validated whose steps can be recognised", ""
    )


def _training(script: Script, model: int) -> list[np.ndarray]:
    """Return what a model is trained on, each pass of the same data once."""
    batches = script.recording.batches
    passes: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    keys: dict[tuple[int, int], set[bytes]] = defaultdict(set)
    for batch in batches:
        trains = batch.kind == "train" and batch.model == model
        x = sample_origin.steps_of(batch.x) if trains else None
        call = script.recording.calls[batch.call]
        of = (batch.call, batch.epoch) if call.method == "fit" else (-1, batch.model)
        if x is not None and batch.key not in keys[of]:
            keys[of].add(batch.key)
            passes[of].append(x)
    kept, seen = [], set()
    for arrays in passes.values():
        rows = [[row.tobytes() for row in x] for x in arrays]
        for x, names in zip(arrays, rows, strict=True):
            new = [name not in seen for name in names]
            if any(new):
                kept.append(x[new])
        seen |= {name for names in rows for name in names}
    return kept


def _inputs(script: Script, wanted: Callable[[Batch, Call], bool]) -> list[np.ndarray]:
    """Return the inputs of batches, each of equal ones once."""
    calls, kept = script.recording.calls, {}
    for batch in script.recording.batches:
        if batch.x and wanted(batch, calls[batch.call]):
            x = sample_origin.steps_of(batch.x)
            if x is not None:
                kept.setdefault(batch.key, x)
    return list(kept.values())


def _joined(arrays: list[np.ndarray]) -> np.ndarray | None:
    if not arrays:
        return None
    shapes = Counter(array.shape[1:] for array in arrays)
    shape, _ = shapes.most_common(1)[0]
    return np.concatenate([array for array in arrays if array.shape[1:] == shape])


def _shared(
    train: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Tell which held samples share steps with training's, and which are theirs.

    Returns:
        Both bool [samples]; None where data recur too often to tell.
    """
    if transitions.values(train) < transitions.DISTINCT:
        return None
    steps, held_steps = step_hashes.steps(train), step_hashes.steps(held)
    size = steps.shape[1]
    rows = step_hashes.stretches(steps, size)[:, 0]
    if len(np.unique(rows)) < UNLIKE * len(rows):
        return None
    length = next(
        (
            k
            for k in range(1, size + 1)
            if len(np.unique(step_hashes.stretches(steps[:, :k], k)))
            > UNLIKE * len(rows)
        ),
        size,
    )
    length = min(length + 2, size)
    known = np.unique(step_hashes.stretches(steps, length))
    found = np.isin(step_hashes.stretches(held_steps, length), known)
    if length > 1:  # steps that stand still, as padding does, show nothing
        still = held_steps[:, 1:] == held_steps[:, :-1]
        windows = np.lib.stride_tricks.sliding_window_view(still, length - 1, axis=1)
        found &= ~windows.any(axis=2)
    whole = np.isin(step_hashes.stretches(held_steps, size)[:, 0], rows)
    shared = np.asarray(found.any(axis=1))
    if size == 1 and shared.sum() < 3:
        shared = np.zeros(len(held), bool)  # a value or two may be met by chance
    return shared, whole


def scaling(script: Script) -> Finding:
    """Look for scaling that was fitted on steps of validation or test as well."""
    recording = script.recording
    trained = _inputs(script, lambda batch, call: batch.kind == "train")
    held = _inputs(script, lambda batch, call: batch.kind != "train")
    seen = _numbers(trained)
    unseen = np.setdiff1d(_numbers(held), seen)
    if len(unseen) < transitions.DISTINCT or len(seen) < transitions.DISTINCT:
        return Finding("scaling", None, "no values but training's are fed", "")
    repair = "fit scaling on the steps of training alone, and apply it to the others"
    for name, array in recording.scaled:
        fitted = np.unique(array.astype(np.float32))
        if np.isin(unseen, fitted).mean() > 0.5:
            return Finding(
                "scaling",
                False,
                f"{name} has seen {np.isin(unseen, fitted).sum():,} of "
                f"{len(unseen):,} values that are only validated or tested",
                repair,
            )
    for name, array in recording.arrays.items():
        values = np.unique(array.astype(np.float32))
        holds = (
            len(values) >= transitions.DISTINCT and np.isin(unseen, values).mean() > 0.9
        )
        if holds and np.isin(seen, values).mean() > 0.9 and _scaled(array, seen):
            return Finding(
                "scaling",
                False,
                f"`{name}`, of training, validation and test together, has been scaled "
                f"to {_scaled(array, seen)}",
                repair,
            )
    if recording.scaled:
        return Finding("scaling", True, "scalers have seen training's values alone", "")
    return Finding("scaling", True, "no array is scaled as a whole", "")


def _numbers(arrays: Iterable[np.ndarray]) -> np.ndarray:
    parts = [np.unique(array) for array in arrays]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.float32)


def _scaled(array: np.ndarray, seen: np.ndarray) -> str:
    """Name what each feature of an array has been scaled to; empty if to nothing.

    Extremes that training has itself, `seen`, show nothing.
    """
    if array.dtype.kind != "f" or array.size < 2 * transitions.DISTINCT:
        return ""
    table = array.astype(float)
    flat = table.reshape(-1, table.shape[-1]) if table.ndim > 1 else table[:, None]
    for columns in (flat, flat.reshape(-1, 1)):
        columns = columns[
            :, [transitions.values(c) >= transitions.DISTINCT for c in columns.T]
        ]
        if columns.shape[1] == 0 or len(columns) < 2 * transitions.DISTINCT:
            continue
        if split_probes.standardised(columns):
            return "mean 0 and standard deviation 1"
        low, high = columns.min(axis=0), columns.max(axis=0)
        ends = ((columns == low) | (columns == high)).mean()
        even = (
            np.abs(np.diff(columns, n=2, axis=0)).max() < split_probes.EXACT
        )  # a ramp
        own = np.isin(np.append(low, high).astype(np.float32), seen).all()
        if not (even or own) and ends < 0.1:
            if split_probes.spans(columns, 0) or split_probes.spans(columns, -1):
                return "a smallest and a largest value"
    return ""


def ceiling(script: Script) -> Finding:
    """Look for scores above the best that any model could reach."""
    judged = False
    fed: dict[int, list[int]] = defaultdict(list)
    for number, batch in enumerate(script.recording.batches):
        fed[batch.call].append(number)
    carried = {p.after: p.carried for p in script.passages}
    for number, call in enumerate(script.recording.calls):
        if call.method not in ("fit", "evaluate"):
            continue
        for name, score in call.scores.items():
            if _is_share(name) and score > 1 + 1e-6:
                return Finding(
                    "ceiling",
                    False,
                    f"line {call.line}, {call.method}: {name} is {score:.4g}, and no "
                    "share is above 1",
                    "look how the metric is counted: over samples, or over steps",
                )
        best, samples = _best(script, fed[number], carried)
        if best is None:
            continue
        judged = True
        moving = call.method == "fit"  # weights: chance may help, by a little
        room = max(0.02, 3 * (best * (1 - best) / samples) ** 0.5) if moving else 1e-4
        for name, score in call.scores.items():
            if name in ("accuracy", "acc", "binary_accuracy") and score > best + room:
                return Finding(
                    "ceiling",
                    False,
                    f"line {transitions.line(script, number)}, {call.method}: {name} "
                    f"is {score:.4f}, and who sees no more than what is fed reaches "
                    f"{best:.4f}",
                    "score frozen weights, with `evaluate`, from a fresh state",
                )
    if judged:
        return Finding("ceiling", True, "no score is above the majority vote", "")
    return Finding("ceiling", None, "no accuracy has a ceiling that is known", "")


def _is_share(name: str) -> bool:
    name = name.removeprefix("val_")
    return name in ("acc", "auc", "precision", "recall", "f1") or "accuracy" in name


def _best(
    script: Script, numbers: list[int], carried: Mapping[int, np.ndarray]
) -> tuple[float | None, int]:
    """Return the accuracy of a majority vote over equal inputs, and their count.

    Visible is what its lane has read since it began, or was reset.

    Args:
        script: what was recorded.
        numbers: of the batches of one call.
        carried: by number of a batch, the lanes that begin with what was left.
    """
    every = script.recording.batches
    if not numbers or script.recording.calls[every[numbers[0]].call].weighted:
        return None, 0
    numbers = [n for n in numbers if every[n].epoch == every[numbers[-1]].epoch]
    batches = [every[n] for n in numbers]
    read: dict[int, bytes] = {}
    classes, targets = [], []
    for place, (number, batch) in enumerate(zip(numbers, batches, strict=True)):
        if not batch.x or batch.y is None or batch.y.size == 0:
            return None, 0
        y = batch.y.reshape(len(batch.y), -1)
        if y.shape[1] > 1:
            if not ((y == 0) | (y == 1)).all() or not (y.sum(axis=1) == 1).all():
                return None, 0
            y = y.argmax(axis=1)[:, None]
        if batch.y.ndim > 2 or not (y == np.round(y)).all():
            return None, 0
        lanes = carried.get(number, ())
        for row in range(len(y)):
            mine = b"".join(array[row].tobytes() for array in batch.x)
            if place and row < len(lanes) and lanes[row]:
                mine = read.get(row, b"") + mine
            read[row] = mine = hashlib.blake2b(mine, digest_size=16).digest()
            classes.append(hash(mine))
            targets.append(int(y[row, 0]))
    _, numbered = np.unique(np.array(classes), return_inverse=True)
    return majority_vote(numbered, np.array(targets)), len(targets)
