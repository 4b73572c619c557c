"""Probes: whether answers that a recorded script gets depend on what else it asks."""

from collections import Counter, defaultdict

import numpy as np

from statelab.diagnosis.findings import Finding
from statelab.diagnosis.script import transitions
from statelab.diagnosis.script.recorder import Saved
from statelab.diagnosis.script.transitions import Script, Transition


def order(script: Script) -> Finding:
    """Look for answers to a sequence that depend on what was asked before it."""
    recording = script.recording
    repair = "reset state before each sequence that is asked, or ask them side by side"
    for passage in script.passages:
        after = recording.batches[passage.after]
        if after.kind == "train" or passage.missed or not passage.carried.any():
            continue
        crossing = transitions.crossing(script, passage)
        if passage.into not in ("within", "again") or crossing is None:
            continue
        if crossing[1] == "boundary" and after.kind == "predict":
            return Finding(
                "order",
                False,
                f"{transitions.at(script, passage.after, crossing[0])}: {crossing[2]}, "
                "with the state of that",
                repair,
            )
    unlike = _asked_otherwise(script)
    if unlike is not None:
        return Finding(
            "order",
            False,
            f"{transitions.where(script, unlike)}: begins with the state of the "
            "sample before, where in training each sample begins with zeros",
            repair,
        )
    differing = _answered_twice(script)
    if differing is not None:
        place, row = differing
        return Finding(
            "order",
            False,
            f"{transitions.at(script, place, row)}: answered otherwise than when the "
            "same was asked before, of the same weights",
            repair,
        )
    asked = [p for p in script.passages if _is_asked(script, p)]
    if any(recording.layers) and not asked:
        return Finding("order", True, "no answer begins with another's state", "")
    if asked and not any(transitions.known(script, p) for p in asked):
        return Finding("order", None, "nothing shows what samples go together", "")
    return Finding("order", True, transitions.of_layers(script), "")


def _is_asked(script: Script, passage: Transition) -> bool:
    kind = script.recording.batches[passage.after].kind
    asked = kind == "predict" and passage.into != "predict"
    return asked and bool(passage.carried.any())


def _asked_otherwise(script: Script) -> Transition | None:
    """Find samples that are asked with state, and of which none is trained with it."""
    batches = script.recording.batches
    carried = {p.after for p in script.passages if p.carried.any()}
    trained: dict[tuple[int, ...], list[bool]] = defaultdict(list)
    for number, batch in enumerate(batches):
        if batch.kind == "train" and batch.x:
            trained[batch.x[0].shape[1:]].append(number in carried)
    for passage in script.passages:
        x = batches[passage.after].x
        if not _is_asked(script, passage) or passage.missed or not x:
            continue
        if x[0].ndim < 2 or x[0].shape[1] < 2:
            continue
        if (
            transitions.known(script, passage)
            and transitions.crossing(script, passage) is None
        ):
            continue
        alike = trained[x[0].shape[1:]]
        if len(alike) > 1 and not any(alike):
            return passage
    return None


def _answered_twice(script: Script) -> tuple[int, int] | None:
    """Find a sample with two answers of the same weights, in two calls that ask it."""
    answers: dict[bytes, tuple[int, np.ndarray]] = {}
    trained: Counter[int] = Counter()
    for number, batch in enumerate(script.recording.batches):
        trained[batch.model] += batch.kind == "train"
        carries = script.recording.layers[batch.model]
        if batch.answer is None or not carries:
            continue
        rows = transitions.first(batch)
        if rows[:1].size < 3 or len(batch.answer) != len(rows):
            continue
        for row, (x, answer) in enumerate(zip(rows, batch.answer, strict=True)):
            if transitions.values(x) < 3:
                continue  # symbols, which may well be met again in other sequences
            key = repr((batch.model, trained[batch.model])).encode() + x.tobytes()
            call, said = answers.setdefault(key, (batch.call, answer))
            if call != batch.call and said.shape == answer.shape:
                if np.abs(said - answer).max() > 1e-4 * max(np.abs(said).max(), 1e-3):
                    return number, row
    return None


def batch_size(script: Script) -> Finding:
    """Look for batches that are not as large as the state they meet."""
    for number, batch in enumerate(script.recording.batches):
        for layer in script.recording.layers[batch.model]:
            rows = len(batch.x[0]) if batch.x and batch.x[0].ndim else layer.lanes
            if layer.lanes and rows != layer.lanes:
                return Finding(
                    "batch_size",
                    False,
                    f"{transitions.at(script, number)}: {rows} samples meet the state "
                    f"of {layer.lanes} lanes in {layer.path}, and are spread over them",
                    f"feed a multiple of {layer.lanes} samples with batch_size="
                    f"{layer.lanes}, or give their weights to a model of another size",
                )
    return Finding("batch_size", True, transitions.of_layers(script), "")


def saved_state(script: Script) -> Finding:
    """Look for state that is needed after loading, and was not saved."""
    recording = script.recording
    if not recording.loaded:
        return transitions.nothing("saved_state", script, "no model is loaded")
    for loaded in recording.loaded:
        kept = [s for s in recording.saved if _same_file(s.file, loaded.file)]
        if not kept or kept[-1].within or not kept[-1].filled:
            continue
        first = next(
            (
                number
                for number, batch in enumerate(recording.batches)
                if batch.model == loaded.model and number >= loaded.batches
            ),
            None,
        )
        if first is None or recording.batches[first].begun:
            continue
        if _starts(script, first):
            continue
        if loaded.file.endswith(".weights.h5"):  # which are often given to another
            again = recording.batches[first]
            if again.kind != "train" or not _as_large(script, kept[-1], loaded):
                continue
        return Finding(
            "saved_state",
            False,
            f"{transitions.at(script, first, 0)}: begins with zeros, where "
            f"{kept[-1].file} was saved with state that was left, which it does not "
            "hold",
            "save the state beside the model and assign it after loading, or feed the "
            "steps before once more",
        )
    return Finding("saved_state", True, "nothing that was read on needs lost state", "")


def _as_large(script: Script, kept: Saved, loaded: Saved) -> bool:
    lanes = [
        [layer.lanes for layer in script.recording.layers[each.model]]
        for each in (kept, loaded)
    ]
    return lanes[0] == lanes[1]


def _same_file(some: str, other: str) -> bool:
    return some.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1]


def _starts(script: Script, number: int) -> bool:
    """Tell whether a batch begins sequences, or was read from zeros before."""
    places = script.places.get(number)
    if places is not None and (places.step >= 0).all():
        return not places.step.any()
    key = script.recording.batches[number].key
    return any(
        batch.key == key and not batch.begun
        for batch in script.recording.batches[:number]
        if batch.carried is not None
    )
