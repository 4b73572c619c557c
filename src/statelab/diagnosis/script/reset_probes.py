"""Probes: whether a script's resets reach every layer, at the batches meant."""

import ast
from collections import defaultdict

from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound
from statelab.diagnosis.recording.records import BATCH_HOOKS
from statelab.diagnosis.script import describe, transitions
from statelab.diagnosis.script.transitions import Script

RESETS = ("reset_state", "reset_states")
EVERY_LAYER = (
    "reset what `model._flatten_layers()` lists, not `model.layers`: each "
    "`keras.layers.RNN` among it whose `stateful` is true"
)


def nested(script: Script) -> Finding:
    """Look for layers that a reset has left out."""
    recording = script.recording
    for transition in script.transitions:
        if transition.missed:
            return fails(
                "nested",
                f"{describe.batch(script, transition.after)}: "
                f"{', '.join(transition.missed)} keeps its state, where other layers "
                "are reset",
                EVERY_LAYER,
            )
    deep = [
        layer.path
        for layers in recording.layers
        for layer in layers
        if not layer.top_level
    ]
    carried = [t for t in script.transitions if t.carried.any()]
    if deep and carried and not _was_reset(script) and _mentions_reset(_tree(script)):
        return fails(
            "nested",
            f"{describe.batch(script, carried[0].after)}: {deep[0]} keeps its state; "
            "the script resets layers, and has reached none",
            EVERY_LAYER,
        )
    return sound("nested", describe.layers(script))


def callback(script: Script) -> Finding:
    """Look for a callback that counts batches, and resets at others than it means."""
    recording = script.recording
    resets = [reset for reset in recording.resets if reset.hook]
    carried = [t for t in script.transitions if t.carried.any()]
    if carried and not _was_reset(script):
        hook = _hook_that_resets(script)
        if hook is not None:
            return fails(
                "callback",
                f"line {hook.lineno}: `{hook.name}` is there to reset state, and has "
                f"reset none; {describe.batch(script, carried[0].after)} carries it on",
                "reset layers: a Keras 3 model has no `reset_states`",
            )
    if not resets:
        return describe.nothing_to_judge(
            "callback", script, "no callback resets state at a batch"
        )
    for reset in resets:
        near = min(reset.batches, len(recording.batches) - 1)
        call = recording.calls[recording.batches[near].call]
        if call.steps_per_execution > 1:
            return fails(
                "callback",
                f"line {call.line}: `{reset.hook}` is called once for "
                f"{call.steps_per_execution} batches (steps_per_execution), so that "
                f"resets come late: one before {describe.batch(script, near)}",
                "leave `steps_per_execution` at 1, where a callback resets state",
            )
    numbers = {reset.batches for reset in resets}
    wrong = _drifting(script, numbers) or _inside_sequences(script, numbers)
    if wrong is not None:
        return wrong
    where = f"{len(resets):,} resets at batches"
    if transitions.mostly_located(script):
        return sound("callback", where)
    return cannot_tell("callback", f"{where}; {transitions.UNKNOWN_ORIGIN}")


def _was_reset(script: Script) -> bool:
    """Tell whether any state was set to zero, by `reset_state` or otherwise."""
    return bool(script.recording.resets) or any(t.zeroed for t in script.transitions)


def _hook_that_resets(script: Script) -> ast.FunctionDef | None:
    """Return a callback's batch hook that names a reset in its code."""
    for node in ast.walk(_tree(script)):
        if isinstance(node, ast.FunctionDef) and node.name in BATCH_HOOKS:
            if _mentions_reset(node):
                return node
    return None


def _drifting(script: Script, resets: set[int]) -> Finding | None:
    """Find resets that come at other batches of equal epochs.

    Args:
        script: what was recorded.
        resets: numbers of the batches that come after one.
    """
    numbers: dict[tuple[int, int], set[int]] = defaultdict(set)  # of batches, in epoch
    keys: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for number, batch in enumerate(script.recording.batches):
        if batch.kind == "train":
            epoch = batch.call, batch.epoch
            keys[epoch].append(batch.key)
            if number in resets and batch.number:
                numbers[epoch].add(batch.number)
    for call, epoch in keys:
        first, this = (call, 0), (call, epoch)
        if keys[first] == keys[this] and numbers[first] != numbers[this]:
            number = min(numbers[first] ^ numbers[this])
            had, lacks = (0, epoch) if number in numbers[first] else (epoch, 0)
            return fails(
                "callback",
                f"line {script.recording.calls[call].line}, batch {number}: reset in "
                f"epoch {had}, not in epoch {lacks}, where the same is fed",
                "count batches anew in each epoch, in training alone",
            )
    return None


def _inside_sequences(script: Script, resets: set[int]) -> Finding | None:
    """Find resets that come inside of sequences, where others begin without."""
    batches = script.recording.batches
    steps = []
    for number in resets:
        if number < len(batches) and batches[number].kind == "train":
            places = script.places.get(number)
            if places is not None and (places.step >= 0).all():
                steps.append((number, int(places.step[0])))
    inside = [number for number, step in steps if step > 0]
    jumping = [
        t
        for t in script.transitions
        if t.into == "within"
        and not t.missed
        and transitions.find_jump(script, t) is not None
    ]
    if jumping and inside and len(inside) > 0.5 * len(steps):
        number = min(inside)
        return fails(
            "callback",
            f"{describe.batch(script, number, 0)}, step "
            f"{script.places[number].step[0]} of a sequence: reset here; "
            f"{describe.batch(script, jumping[0].after)} begins a sequence, and is not",
            "reset before the first batch of a sequence: count from 0, once a batch",
        )
    return None


def _tree(script: Script) -> ast.AST:
    return ast.parse(script.recording.source)


def _mentions_reset(tree: ast.AST) -> bool:
    nodes = list(ast.walk(tree))
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in RESETS
        or isinstance(node, ast.Constant)
        and node.value in RESETS
        for node in nodes
    )
