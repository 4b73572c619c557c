"""Probes: whether a script's resets reach every layer, at the batches meant."""

import ast
from collections import defaultdict

from statelab.diagnosis.findings import Finding
from statelab.diagnosis.script import transitions
from statelab.diagnosis.script.recorder import HOOKS, Recording
from statelab.diagnosis.script.transitions import Script

RESETS = ("reset_state", "reset_states")


def nested(script: Script) -> Finding:
    """Look for layers that a reset has left out."""
    recording = script.recording
    for passage in script.passages:
        if passage.missed:
            return Finding(
                "nested",
                False,
                f"{transitions.at(script, passage.after)}: {', '.join(passage.missed)} "
                "keeps its state, where other layers are reset",
                _EVERY,
            )
    deep = [
        layer.path for layers in recording.layers for layer in layers if not layer.top
    ]
    carried = [passage for passage in script.passages if passage.carried.any()]
    missing = not recording.resets and not any(p.zeroed for p in script.passages)
    if deep and missing and carried and _speaks_of_resets(_tree(recording)):
        return Finding(
            "nested",
            False,
            f"{transitions.at(script, carried[0].after)}: {deep[0]} keeps its state; "
            "the script resets layers, and has reached none",
            _EVERY,
        )
    return Finding("nested", True, transitions.of_layers(script), "")


_EVERY = (
    "reset what `model._flatten_layers()` lists, not `model.layers`: each "
    "`keras.layers.RNN` among it whose `stateful` is true"
)


def callback(script: Script) -> Finding:
    """Look for a callback that counts batches, and resets at others than it means."""
    recording = script.recording
    hooked = [reset for reset in recording.resets if reset.hook]
    carried = [p for p in script.passages if p.carried.any()]
    if not recording.resets and carried and not any(p.zeroed for p in script.passages):
        hook = next(
            (
                node
                for node in ast.walk(_tree(recording))
                if isinstance(node, ast.FunctionDef)
                and node.name in HOOKS
                and _speaks_of_resets(node)
            ),
            None,
        )
        if hook is not None:
            return Finding(
                "callback",
                False,
                f"line {hook.lineno}: `{hook.name}` is there to reset state, and has "
                f"reset none; {transitions.at(script, carried[0].after)} carries it on",
                "reset layers: a Keras 3 model has no `reset_states`",
            )
    if not hooked:
        return transitions.nothing(
            "callback", script, "no callback resets state at a batch"
        )
    repair = "leave `steps_per_execution` at 1, where a callback resets state"
    for reset in hooked:
        near = min(reset.batches, len(recording.batches) - 1)
        call = recording.calls[recording.batches[near].call]
        if call.steps_per_execution > 1:
            return Finding(
                "callback",
                False,
                f"line {call.line}: `{reset.hook}` is called once for "
                f"{call.steps_per_execution} batches (steps_per_execution), so that "
                f"resets come late: one before {transitions.at(script, near)}",
                repair,
            )
    wrong = _drifting(script, {reset.batches for reset in hooked}) or _off(
        script, {reset.batches for reset in hooked}
    )
    if wrong is not None:
        return wrong
    told = f"{len(hooked):,} resets at batches"
    if transitions.mostly_known(script):
        return Finding("callback", True, told, "")
    return Finding("callback", None, f"{told}; {transitions.UNKNOWN}", "")


def _drifting(script: Script, resets: set[int]) -> Finding | None:
    """Find resets that come at other batches of equal epochs."""
    batches = script.recording.batches
    numbers = defaultdict(set)
    keys = defaultdict(list)
    for number, batch in enumerate(batches):
        if batch.kind == "train":
            of = batch.call, batch.epoch
            keys[of].append(batch.key)
            if number in resets and batch.number:
                numbers[of].add(batch.number)
    for call, epoch in keys:
        first, this = (call, 0), (call, epoch)
        if keys[first] == keys[this] and numbers[first] != numbers[this]:
            place = min(numbers[first] ^ numbers[this])
            had, lacks = (0, epoch) if place in numbers[first] else (epoch, 0)
            return Finding(
                "callback",
                False,
                f"line {script.recording.calls[call].line}, batch {place}: reset in "
                f"epoch {had}, not in epoch {lacks}, where the same is fed",
                "count batches anew in each epoch, in training alone",
            )
    return None


def _off(script: Script, resets: set[int]) -> Finding | None:
    """Find resets that come inside of sequences, where others begin without."""
    batches = script.recording.batches
    steps = []
    for number in resets:
        if number < len(batches) and batches[number].kind == "train":
            places = script.places.get(number)
            if places is not None and (places.step >= 0).all():
                steps.append((number, int(places.step[0])))
    inside = [number for number, step in steps if step > 0]
    crossed = [
        p
        for p in script.passages
        if p.into == "within"
        and not p.missed
        and transitions.crossing(script, p) is not None
    ]
    if crossed and inside and len(inside) > 0.5 * len(steps):
        number = min(inside)
        return Finding(
            "callback",
            False,
            f"{transitions.at(script, number, 0)}, step "
            f"{script.places[number].step[0]} of a sequence: reset here; "
            f"{transitions.at(script, crossed[0].after)} begins a sequence, and is not",
            "reset before the first batch of a sequence: count from 0, once a batch",
        )
    return None


def _tree(recording: Recording) -> ast.AST:
    return ast.parse(recording.text)


def _speaks_of_resets(tree: ast.AST) -> bool:
    nodes = list(ast.walk(tree))
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in RESETS
        or isinstance(node, ast.Constant)
        and node.value in RESETS
        for node in nodes
    )
