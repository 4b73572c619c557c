"""Probes: whether a recorded script's predictions depend on what else it predicts."""

from collections import Counter, defaultdict

import numpy as np

from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound
from statelab.diagnosis.recording.records import Saved
from statelab.diagnosis.script import describe, transitions
from statelab.diagnosis.script.transitions import Script, Transition


def order(script: Script) -> Finding:
    """Look for predictions of a sequence that depend on what was predicted before."""
    recording = script.recording
    repair = "reset state before each sequence, or predict them side by side"
    for transition in script.transitions:
        after = recording.batches[transition.after]
        carried = transition.carried.any() and not transition.missed
        if after.kind != "predict" or not carried:
            continue
        if transition.into not in ("within", "again"):
            continue
        jump = transitions.find_jump(script, transition)
        if jump is not None and jump.probe == "boundary":
            return fails(
                "order",
                f"{describe.batch(script, transition.after, jump.lane)}: {jump.text}, "
                "with the state of that",
                repair,
            )
    unlike = _unlike_training(script)
    if unlike is not None:
        return fails(
            "order",
            f"{describe.transition(script, unlike)}: begins with the state of the "
            "sample before, where in training each sample begins with zeros",
            repair,
        )
    differing = _predicted_twice(script)
    if differing is not None:
        number, row = differing
        return fails(
            "order",
            f"{describe.batch(script, number, row)}: predicted otherwise than the same "
            "sample before, with the same weights",
            repair,
        )
    predicting = [t for t in script.transitions if _carries_predictions(script, t)]
    if any(recording.layers) and not predicting:
        return sound("order", "no prediction begins with another's state")
    if predicting and not any(transitions.is_located(script, t) for t in predicting):
        return cannot_tell("order", "nothing shows what samples go together")
    return sound("order", describe.layers(script))


def _carries_predictions(script: Script, transition: Transition) -> bool:
    """Tell whether state is carried from one prediction to the next."""
    kind = script.recording.batches[transition.after].kind
    predicts = kind == "predict" and transition.into != "predict"
    return predicts and bool(transition.carried.any())


def _unlike_training(script: Script) -> Transition | None:
    """Find samples predicted with carried state, of which none is trained with it."""
    batches = script.recording.batches
    carried = {t.after for t in script.transitions if t.carried.any()}
    trained: dict[tuple[int, ...], list[bool]] = defaultdict(list)  # by shape
    for number, batch in enumerate(batches):
        if batch.kind == "train" and batch.x:
            trained[batch.x[0].shape[1:]].append(number in carried)
    for transition in script.transitions:
        x = batches[transition.after].x
        if not _carries_predictions(script, transition) or transition.missed or not x:
            continue
        if x[0].ndim < 2 or x[0].shape[1] < 2:
            continue
        located = transitions.is_located(script, transition)
        if located and transitions.find_jump(script, transition) is None:
            continue
        alike = trained[x[0].shape[1:]]
        if len(alike) > 1 and not any(alike):
            return transition
    return None


def _predicted_twice(script: Script) -> tuple[int, int] | None:
    """Find a sample that two calls predict otherwise, with the same weights.

    Returns:
        The number of the second batch, and the sample's row.
    """
    known: dict[bytes, tuple[int, np.ndarray]] = {}  # call and prediction
    updates: Counter[int] = Counter()  # of each model
    for number, batch in enumerate(script.recording.batches):
        updates[batch.model] += batch.kind == "train"
        if batch.predictions is None or not script.recording.layers[batch.model]:
            continue
        samples = transitions.samples_of(batch)
        if samples[:1].size < 3 or len(batch.predictions) != len(samples):
            continue
        for row, (x, now) in enumerate(zip(samples, batch.predictions, strict=True)):
            if transitions.count_values(x) < 3:
                continue  # symbols, which may well be met again in other sequences
            key = repr((batch.model, updates[batch.model])).encode() + x.tobytes()
            call, was = known.setdefault(key, (batch.call, now))
            if call != batch.call and was.shape == now.shape:
                if np.abs(was - now).max() > 1e-4 * max(np.abs(was).max(), 1e-3):
                    return number, row
    return None


def batch_size(script: Script) -> Finding:
    """Look for batches that are not as large as the state they meet."""
    for number, batch in enumerate(script.recording.batches):
        for layer in script.recording.layers[batch.model]:
            rows = len(batch.x[0]) if batch.x and batch.x[0].ndim else layer.lanes
            if layer.lanes and rows != layer.lanes:
                return fails(
                    "batch_size",
                    f"{describe.batch(script, number)}: {rows} samples meet the state "
                    f"of {layer.lanes} lanes in {layer.path}, and are spread over them",
                    f"feed a multiple of {layer.lanes} samples with batch_size="
                    f"{layer.lanes}, or give their weights to a model of another size",
                )
    return sound("batch_size", describe.layers(script))


def saved_state(script: Script) -> Finding:
    """Look for state that is needed after loading, and was not saved."""
    recording = script.recording
    if not recording.loaded:
        return describe.nothing_to_judge("saved_state", script, "no model is loaded")
    for loaded in recording.loaded:
        saved = [s for s in recording.saved if _is_same_file(s.file, loaded.file)]
        if not saved or saved[-1].inside_call or not saved[-1].nonzero_state:
            continue
        first = _first_batch(script, loaded)
        if first is None or recording.batches[first].starts_nonzero:
            continue
        if _may_start_at_zero(script, first):
            continue
        if loaded.file.endswith(".weights.h5"):  # which are often given to another
            trains = recording.batches[first].kind == "train"
            if not trains or not _have_equal_lanes(script, saved[-1], loaded):
                continue
        return fails(
            "saved_state",
            f"{describe.batch(script, first, 0)}: begins with zeros, where "
            f"{saved[-1].file} was saved with state that was left, which it does not "
            "hold",
            "save the state beside the model and assign it after loading, or feed the "
            "steps before once more",
        )
    return sound("saved_state", "nothing that was read on needs lost state")


def _first_batch(script: Script, loaded: Saved) -> int | None:
    """Return the number of the first batch that a loaded model is fed."""
    batches = script.recording.batches
    numbers = range(loaded.batches, len(batches))
    return next((n for n in numbers if batches[n].model == loaded.model), None)


def _have_equal_lanes(script: Script, saved: Saved, loaded: Saved) -> bool:
    before, after = (
        [layer.lanes for layer in script.recording.layers[file.model]]
        for file in (saved, loaded)
    )
    return before == after


def _is_same_file(some: str, other: str) -> bool:
    return some.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1]


def _may_start_at_zero(script: Script, number: int) -> bool:
    """Tell whether a batch begins sequences, or was read from zeros before."""
    places = script.places.get(number)
    if places is not None and (places.step >= 0).all():
        return not places.step.any()
    key = script.recording.batches[number].key
    return any(
        batch.key == key and not batch.starts_nonzero
        for batch in script.recording.batches[:number]
        if batch.carried is not None
    )
