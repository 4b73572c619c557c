"""Says in words of a recorded script where something is."""

from statelab.diagnosis.findings import Finding, cannot_tell, fails, sound
from statelab.diagnosis.script.transitions import Script, Transition


def line(script: Script, call: int) -> int:
    """Return the line of the script that a call stems from."""
    calls = script.recording.calls
    parent = calls[call].parent
    while not calls[call].line and parent is not None:
        call, parent = parent, calls[parent].parent
    return calls[call].line


def batch(script: Script, number: int, lane: int | None = None) -> str:
    """Say where a batch was fed, as "line 20, fit, epoch 0, batch 14, lane 0"."""
    fed = script.recording.batches[number]
    call = script.recording.calls[fed.call]
    call_line = line(script, fed.call)
    text = f"line {call_line}, {call.method}"
    calls = script.recording.calls[: fed.call + 1]
    same_place = [
        k
        for k, other in enumerate(calls)
        if other.method == call.method and line(script, k) == call_line
    ]
    if len(same_place) > 1:  # in a loop
        text += f", call {len(same_place) - 1}"
    if call.method == "fit":
        text += f", epoch {fed.epoch}"
    text += f", batch {fed.number}"
    return text if lane is None else f"{text}, lane {lane}"


def transition(script: Script, between: Transition) -> str:
    """Say where a transition leads, and to which lane first."""
    return batch(script, between.after, first_lane(between))


def first_lane(between: Transition) -> int:
    """Return the first lane that begins with the state that was left."""
    return int(between.carried.argmax())


def layers(script: Script) -> str:
    """Say which layers carry state."""
    paths = {layer.path for layers in script.recording.layers for layer in layers}
    return f"state is in {', '.join(sorted(paths))}" if paths else "no layer has state"


def nothing_to_judge(name: str, script: Script, reason: str) -> Finding:
    """Return that a probe cannot tell; where no layer carries state it passes."""
    if any(script.recording.layers):
        return cannot_tell(name, reason)
    return sound(name, "no layer has state")


def caused_by(name: str, cause: Finding) -> Finding:
    """Return what fails because another probe does."""
    return fails(name, f"{cause.where}: as `{cause.name}`", cause.repair)
