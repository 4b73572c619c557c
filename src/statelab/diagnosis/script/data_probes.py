"""Probes: what data a recorded script trains and validates on, and its scores."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from statelab.diagnosis import split_probes, step_hashes
from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound
from statelab.diagnosis.recording.records import Batch
from statelab.diagnosis.script import describe, sample_origin, transitions
from statelab.diagnosis.script.transitions import Script
from statelab.evaluation.ceilings import majority_vote

RECOGNISABLE = 0.95  # share of stretches that occur once, in such data


def overlap(script: Script) -> Finding:
    """Look for time steps of validation that are training's as well."""
    trained = {
        model: _concatenated(_training_samples(script, model))
        for model in range(len(script.recording.layers))
    }
    inputs: dict[int, list[np.ndarray]] = defaultdict(list)  # of each call
    for batch in script.recording.batches:
        x = sample_origin.steps_of(batch.x) if batch.kind != "train" else None
        if x is not None:
            inputs[batch.call].append(x)
    judged = False
    for number, call in enumerate(script.recording.calls):
        if call.method not in ("evaluate", "predict"):
            continue
        train, held_out = trained[call.model], _concatenated(inputs[number])
        if train is None or held_out is None or held_out.shape[1:] != train.shape[1:]:
            continue
        shared = _shared(train, held_out)
        if shared is None:
            continue
        sharing, equal = shared
        if call.parent is None and (equal.mean() > 0.5 or equal.sum() >= len(train)):
            continue  # the score on what was trained
        judged = True
        mostly = sharing.mean() > 0.9 and len(held_out) >= 10
        if sharing.any() if call.method == "evaluate" else mostly:
            row = int(sharing.argmax())
            lanes = max(map(len, inputs[number]))
            return fails(
                "overlap",
                f"line {describe.line(script, number)}, {call.method}, batch "
                f"{row // lanes}, lane {row % lanes}: has steps of training; so "
                f"do {int(sharing.sum()):,} of {len(held_out):,} samples",
                "split in time first, then cut each part into windows",
            )
    if judged:
        return sound("overlap", "no step of validation is one of training")
    return cannot_tell("overlap", "validation has no steps that can be recognised")


def _training_samples(script: Script, model: int) -> list[np.ndarray]:
    """Return what a model is trained on, each pass of the same data once."""
    passes: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    keys: dict[tuple[int, int], set[bytes]] = defaultdict(set)
    for batch in script.recording.batches:
        trains = batch.kind == "train" and batch.model == model
        x = sample_origin.steps_of(batch.x) if trains else None
        call = script.recording.calls[batch.call]
        epoch = (batch.call, batch.epoch) if call.method == "fit" else (-1, model)
        if x is not None and batch.key not in keys[epoch]:
            keys[epoch].add(batch.key)
            passes[epoch].append(x)
    samples, earlier = [], set()
    for inputs in passes.values():
        rows = [[row.tobytes() for row in x] for x in inputs]
        for x, row_keys in zip(inputs, rows, strict=True):
            new = [key not in earlier for key in row_keys]
            if any(new):
                samples.append(x[new])
        earlier |= {key for row_keys in rows for key in row_keys}
    return samples


def _inputs(script: Script, wanted: Callable[[Batch], bool]) -> list[np.ndarray]:
    """Return the inputs of batches, each of equal ones once."""
    inputs = {}
    for batch in script.recording.batches:
        if batch.x and wanted(batch):
            x = sample_origin.steps_of(batch.x)
            if x is not None:
                inputs.setdefault(batch.key, x)
    return list(inputs.values())


def _concatenated(arrays: list[np.ndarray]) -> np.ndarray | None:
    """Join the arrays whose samples have the most common shape; None of none."""
    if not arrays:
        return None
    shapes = Counter(array.shape[1:] for array in arrays)
    shape, _ = shapes.most_common(1)[0]
    return np.concatenate([array for array in arrays if array.shape[1:] == shape])


def _shared(
    train: np.ndarray, held_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Tell which held-out samples share steps with training's, and which are equal.

    Returns:
        Both bool [samples]; None where data recur too often to tell.
    """
    if transitions.count_values(train) < transitions.FEW_VALUES:
        return None
    steps, held_out_steps = step_hashes.steps(train), step_hashes.steps(held_out)
    size = steps.shape[1]
    rows = step_hashes.stretches(steps, size)[:, 0]
    if len(np.unique(rows)) < RECOGNISABLE * len(rows):
        return None
    length = next(
        (
            k
            for k in range(1, size + 1)
            if len(np.unique(step_hashes.stretches(steps[:, :k], k)))
            > RECOGNISABLE * len(rows)
        ),
        size,
    )
    length = min(length + 2, size)
    trained = np.unique(step_hashes.stretches(steps, length))
    shared = np.isin(step_hashes.stretches(held_out_steps, length), trained)
    if length > 1:  # steps that stand still, as padding does, show nothing
        still = held_out_steps[:, 1:] == held_out_steps[:, :-1]
        windows = np.lib.stride_tricks.sliding_window_view(still, length - 1, axis=1)
        shared &= ~windows.any(axis=2)
    equal = np.isin(step_hashes.stretches(held_out_steps, size)[:, 0], rows)
    sharing = np.asarray(shared.any(axis=1))
    if size == 1 and sharing.sum() < 3:
        sharing = np.zeros(len(held_out), bool)  # a value or two may be met by chance
    return sharing, equal


def scaling(script: Script) -> Finding:
    """Look for scaling that was fitted on steps of validation or test as well."""
    recording = script.recording
    trained = _values(_inputs(script, lambda batch: batch.kind == "train"))
    held_out = _values(_inputs(script, lambda batch: batch.kind != "train"))
    unseen = np.setdiff1d(held_out, trained)
    if min(len(unseen), len(trained)) < transitions.FEW_VALUES:
        return cannot_tell("scaling", "no values but training's are fed")
    repair = "fit scaling on the steps of training alone, and apply it to the others"
    for name, array in recording.scaled:
        fitted = np.unique(array.astype(np.float32))
        if np.isin(unseen, fitted).mean() > 0.5:
            return fails(
                "scaling",
                f"{name} has seen {np.isin(unseen, fitted).sum():,} of "
                f"{len(unseen):,} values that are only in validation or test",
                repair,
            )
    for name, array in recording.arrays.items():
        values = np.unique(array.astype(np.float32))
        if len(values) < transitions.FEW_VALUES:
            continue
        both = (np.isin(part, values).mean() > 0.9 for part in (unseen, trained))
        if all(both) and (scaled_to := _scaled_to(array, trained)):
            return fails(
                "scaling",
                f"`{name}`, of training, validation and test together, has been scaled "
                f"to {scaled_to}",
                repair,
            )
    if recording.scaled:
        return sound("scaling", "scalers have seen training's values alone")
    return sound("scaling", "no array is scaled as a whole")


def _values(arrays: Iterable[np.ndarray]) -> np.ndarray:
    parts = [np.unique(array) for array in arrays]
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.float32)


def _scaled_to(array: np.ndarray, trained: np.ndarray) -> str:
    """Name what each feature of an array has been scaled to; empty if to nothing.

    Extremes that training has itself, among its values `trained`, show nothing.
    """
    if array.dtype.kind != "f" or array.size < 2 * transitions.FEW_VALUES:
        return ""
    table = array.astype(float)
    flat = table.reshape(-1, table.shape[-1]) if table.ndim > 1 else table[:, None]
    for columns in (flat, flat.reshape(-1, 1)):
        counts = np.array([transitions.count_values(c) for c in columns.T])
        columns = columns[:, counts >= transitions.FEW_VALUES]
        if columns.shape[1] == 0 or len(columns) < 2 * transitions.FEW_VALUES:
            continue
        if split_probes.standardised(columns):
            return "mean 0 and standard deviation 1"
        low, high = columns.min(axis=0), columns.max(axis=0)
        ends = ((columns == low) | (columns == high)).mean()
        curvature = np.abs(np.diff(columns, n=2, axis=0)).max()
        is_ramp = curvature < split_probes.EXACT
        own = np.isin(np.append(low, high).astype(np.float32), trained).all()
        if not (is_ramp or own) and ends < 0.1:
            if split_probes.spans(columns, 0) or split_probes.spans(columns, -1):
                return "a smallest and a largest value"
    return ""


def ceiling(script: Script) -> Finding:
    """Look for scores above the best that any model could reach."""
    judged = False
    numbers: dict[int, list[int]] = defaultdict(list)  # of the batches of each call
    for number, batch in enumerate(script.recording.batches):
        numbers[batch.call].append(number)
    carried = {t.after: t.carried for t in script.transitions}
    for number, call in enumerate(script.recording.calls):
        if call.method not in ("fit", "evaluate"):
            continue
        for name, score in call.scores.items():
            if _is_share(name) and score > 1 + 1e-6:
                return fails(
                    "ceiling",
                    f"line {call.line}, {call.method}: {name} is {score:.4g}, and no "
                    "share is above 1",
                    "look how the metric is counted: over samples, or over steps",
                )
        best, samples = _best(script, numbers[number], carried)
        if best is None:
            continue
        judged = True
        tolerance = 1e-4
        if call.method == "fit":  # weights move: chance may help, by a little
            tolerance = max(0.02, 3 * (best * (1 - best) / samples) ** 0.5)
        for name, score in call.scores.items():
            is_accuracy = name in ("accuracy", "acc", "binary_accuracy")
            if is_accuracy and score > best + tolerance:
                return fails(
                    "ceiling",
                    f"line {describe.line(script, number)}, {call.method}: {name} "
                    f"is {score:.4f}, and a model that sees no more than what is fed "
                    f"reaches {best:.4f}",
                    "score frozen weights, with `evaluate`, from a fresh state",
                )
    if judged:
        return sound("ceiling", "no score is above the majority vote")
    return cannot_tell("ceiling", "no accuracy has a ceiling that is known")


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
    batches = script.recording.batches
    if not numbers or script.recording.calls[batches[numbers[0]].call].weighted:
        return None, 0
    last_epoch = batches[numbers[-1]].epoch
    numbers = [n for n in numbers if batches[n].epoch == last_epoch]
    read: dict[int, bytes] = {}  # by each lane so far, hashed
    visible, targets = [], []
    for place, number in enumerate(numbers):
        batch = batches[number]
        classes = _classes(batch)
        if classes is None:
            return None, 0
        lanes = carried.get(number, ())
        for row, target in enumerate(classes):
            steps = b"".join(array[row].tobytes() for array in batch.x)
            if place and row < len(lanes) and lanes[row]:
                steps = read.get(row, b"") + steps
            read[row] = key = hashlib.blake2b(steps, digest_size=16).digest()
            visible.append(hash(key))
            targets.append(int(target))
    _, visible_classes = np.unique(np.array(visible), return_inverse=True)
    return majority_vote(visible_classes, np.array(targets)), len(targets)


def _classes(batch: Batch) -> np.ndarray | None:
    """Return the target of each sample as a class, [lanes]; None where it is none."""
    if not batch.x or batch.y is None or batch.y.size == 0:
        return None
    y = batch.y.reshape(len(batch.y), -1)
    if y.shape[1] > 1:
        if not ((y == 0) | (y == 1)).all() or not (y.sum(axis=1) == 1).all():
            return None
        y = y.argmax(axis=1)[:, None]
    if batch.y.ndim > 2 or not (y == np.round(y)).all():
        return None
    return y[:, 0]
