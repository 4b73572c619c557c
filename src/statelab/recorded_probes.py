"""Probes: what a recorded training script shows of its set-up.

Batches, lanes, epochs and steps are counted from 0. What fails because another probe
does names that one: mend it first.
"""

import ast
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from statelab import metrics, provenance
from statelab.findings import Finding
from statelab.provenance import Places
from statelab.recording import HOOKS, Batch, Call, Recording, Saved

SMOOTH = 0.3  # of the spread: data whose steps differ by less show where rows go on
DISTINCT = 20  # values, fewer than which are taken for symbols
UNLIKE = 0.95  # share of stretches that are had once, in data that can be recognised
EXACT = 2e-5  # a mean and a spread as near to 0 and 1 as this have been made so
RESETS = ("reset_state", "reset_states")


class Passage(NamedTuple):
    """Two batches that a model was fed one after the other."""

    before: int  # its number
    after: int
    into: str  # "within" a pass, "epoch", "validation", "training", "predict", "again"
    carried: np.ndarray  # bool [lanes]: begins with the state that was left
    missed: tuple[str, ...]  # layers that carry state where others begin with zeros
    zeroed: bool  # state that was left has been reset


class Script(NamedTuple):
    """A recording, and what is read off it once."""

    recording: Recording
    passages: list[Passage]
    places: dict[int, Places]  # of each batch


def _follows(name: str, cause: Finding) -> Finding:
    """Return what fails because something else does."""
    return Finding(name, False, f"{cause.where}: as `{cause.name}`", cause.repair)


def read(recording: Recording) -> Script:
    """Read off a recording what passes state on, and where samples come from."""
    passages = list(_passages(recording))
    steps = {}
    for model, layers in enumerate(recording.layers):
        if layers:
            for number, batch in enumerate(recording.batches):
                if batch.model == model and batch.x:
                    x = provenance.steps_of(batch.x)
                    if x is not None:
                        steps[number] = x
    places = provenance.locate(steps, recording.arrays.values())
    return Script(recording, passages, places)


def _passages(recording: Recording) -> Iterator[Passage]:
    last: dict[int, int] = {}
    for number, batch in enumerate(recording.batches):
        if not recording.layers[batch.model]:
            continue
        if batch.model in last:
            before = recording.batches[last[batch.model]]
            into = _into(recording, before, batch)
            passed_on = _carried(recording, before, batch)
            yield Passage(last[batch.model], number, into, *passed_on)
        last[batch.model] = number


def _into(recording: Recording, before: Batch, after: Batch) -> str:
    call = recording.calls[after.call]
    if before.kind != after.kind:
        return "training" if after.kind == "train" else after.kind
    if before.call == after.call:
        return "within" if before.epoch == after.epoch else "epoch"
    if call.method in ("train_on_batch", "test_on_batch", "call"):
        return "within"
    return "epoch" if after.kind == "train" else "again"


def _carried(
    recording: Recording, before: Batch, after: Batch
) -> tuple[np.ndarray, tuple[str, ...], bool]:
    """Tell which lanes begin with what was left, which layers alone do, and if any
    has been reset."""
    if after.before is None or before.after is None:
        lanes = len(after.x[0]) if after.x else 1
        return (
            np.ones(lanes, bool),
            (),
            False,
        )  # inside of one execution of several batches
    layers = recording.layers[after.model]
    size = max((layer.lanes for layer in layers), default=0)
    carried, kept, zeroed = np.zeros(size, bool), [], False
    for layer, left, begun in zip(layers, before.after, after.before, strict=True):
        if not left.any() or left.shape != begun.shape:
            continue
        equal = (left == begun).all(axis=1) & begun.any(axis=1)
        carried[: len(equal)] |= equal
        if equal.any():
            kept.append(layer.path)
        zeroed |= not begun.any()
    return carried, tuple(kept) if zeroed else (), bool(zeroed)


# Which state goes where


def nested(script: Script) -> Finding:
    """Look for layers that a reset has left out."""
    recording = script.recording
    for passage in script.passages:
        if passage.missed:
            return Finding(
                "nested",
                False,
                f"{_at(script, passage.after)}: {', '.join(passage.missed)} keeps its "
                "state, where other layers are reset",
                _EVERY,
            )
    deep = [
        layer.path for layers in recording.layers for layer in layers if not layer.top
    ]
    carried = [passage for passage in script.passages if passage.carried.any()]
    missing = not recording.resets and not any(p.zeroed for p in script.passages)
    if deep and missing and carried and _speaks_of_resets(ast_of(recording)):
        return Finding(
            "nested",
            False,
            f"{_at(script, carried[0].after)}: {deep[0]} keeps its state; the script "
            "resets layers, and has reached none",
            _EVERY,
        )
    return Finding("nested", True, _of_layers(script), "")


_EVERY = (
    "reset what `model._flatten_layers()` lists, not `model.layers`: each "
    "`keras.layers.RNN` among it whose `stateful` is true"
)


def ast_of(recording: Recording) -> ast.AST:
    """Return the script as Python reads it."""
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
                f"{_at(script, passage.after, _lane(passage))}: `fit` shuffles by "
                "default, and state goes on to whichever sample is next",
                "pass `shuffle=False` to `fit`",
            )
    mixed = _followed_by_others(script, within)
    if mixed is not None:
        passage, count, of = mixed
        return Finding(
            "shuffle",
            False,
            f"{_at(script, passage.after, _lane(passage))}: another sample follows "
            f"than in the epoch before; so it is with {count} of {of}",
            "feed samples in one order, without `Dataset.shuffle` or a permutation",
        )
    jumps = _jumps(script, within)
    if len(jumps) >= 5 and len(set(jumps.values())) > 0.5 * len(within):
        first = within[next(iter(jumps))]
        return Finding(
            "shuffle",
            False,
            f"{_at(script, first.after, _lane(first))}: samples come in no order, in "
            f"{len(jumps)} of {len(within)} batches",
            "feed the samples of a sequence in their order, not in a permutation",
        )
    return Finding("shuffle", True, _of_layers(script), "")


def _jumps(script: Script, within: list[Passage]) -> dict[int, int]:
    """Return by how many steps a lane jumps, for each passage where one does."""
    found = {}
    for place, passage in enumerate(within):
        if _crossing(script, passage) is not None:
            lane = _lane(passage)
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
                rows[number] = [row.tobytes() for row in _first(batches[number])]
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


def callback(script: Script) -> Finding:
    """Look for a callback that counts batches, and resets at others than it means."""
    recording = script.recording
    hooked = [reset for reset in recording.resets if reset.hook]
    carried = [p for p in script.passages if p.carried.any()]
    if not recording.resets and carried and not any(p.zeroed for p in script.passages):
        hook = next(
            (
                node
                for node in ast.walk(ast_of(recording))
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
                f"reset none; {_at(script, carried[0].after)} carries it on",
                "reset layers: a Keras 3 model has no `reset_states`",
            )
    if not hooked:
        return _none("callback", script, "no callback resets state at a batch")
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
                f"resets come late: one before {_at(script, near)}",
                repair,
            )
    return (
        _drifting(script, {reset.batches for reset in hooked})
        or _off(script, {reset.batches for reset in hooked})
        or Finding("callback", True, f"{len(hooked):,} resets at batches", "")
    )


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
        if p.into == "within" and not p.missed and _crossing(script, p) is not None
    ]
    if crossed and inside and len(inside) > 0.5 * len(steps):
        number = min(inside)
        return Finding(
            "callback",
            False,
            f"{_at(script, number, 0)}, step {script.places[number].step[0]} of a "
            f"sequence: reset here; {_at(script, crossed[0].after)} begins a sequence, "
            "and is not",
            "reset before the first batch of a sequence: count from 0, once a batch",
        )
    return None


def _crossing(script: Script, passage: Passage) -> tuple[int, str, str] | None:
    """Tell of the first lane that goes on with state of elsewhere.

    Returns:
        The lane, "boundary" where it begins a sequence, else "contiguity", and what it
        reads after what; None where each goes on or nothing is known.
    """
    if passage.before not in script.places or passage.after not in script.places:
        return None
    batches = script.recording.batches
    old, new = script.places[passage.before], script.places[passage.after]
    x = provenance.steps_of(batches[passage.before].x)
    timesteps = x.shape[1] if x is not None else 1
    for lane in np.flatnonzero(passage.carried):
        if lane >= min(len(old.step), len(new.step)):
            continue
        s, a = int(old.sequence[lane]), int(old.step[lane]) + timesteps
        t, b = int(new.sequence[lane]), int(new.step[lane])
        if s < 0 or t < 0 or (s == t and a == b):
            continue
        if s == t and passage.into != "within" and a < b <= a + 2 * timesteps:
            continue  # steps that fill no sample are left out between two sets
        name = "boundary" if b == 0 else "contiguity"
        text = f"reads sequence {t} from step {b} after sequence {s} up to step {a - 1}"
        return int(lane), name, text
    return None


def _known(script: Script, passage: Passage) -> bool:
    """Tell whether every lane is known to go on where it was."""
    if passage.before not in script.places or passage.after not in script.places:
        return False
    known = [script.places[n].sequence for n in (passage.before, passage.after)]
    return all((each >= 0).all() for each in known)


def contiguity(script: Script) -> Finding:
    """Look for lanes that do not go on where they were in the batch before."""
    within = _within(script)
    if not any(passage.carried.any() for passage in script.passages):
        return Finding("contiguity", True, "no state is carried", "")
    if not within:
        return Finding("contiguity", True, "no state is carried within a pass", "")
    mixed = shuffle(script)
    if mixed.passed is False:
        return _follows("contiguity", mixed)
    wrong = []
    for passage in within:
        crossing = _crossing(script, passage)
        if crossing is not None and crossing[1] == "contiguity":
            wrong.append((passage, crossing))
    if wrong:
        passage, (lane, _, text) = wrong[0]
        return Finding(
            "contiguity",
            False,
            f"{_at(script, passage.after, lane)}: {text}; so it is in {len(wrong):,} "
            f"of {len(within):,} batches",
            _LANES,
        )
    again = _read_again(script, within)
    if again is not None:
        return again
    known = sum(_known(script, passage) for passage in within)
    if known > 0.5 * len(within):
        return Finding("contiguity", True, f"{known:,} batches go on in lanes", "")
    jumping = _smoothness(script, within)
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
            f"{_at(script, passage.after, 0)}, step 0: jumps by {along:.2g} of the "
            f"spread, where samples one after another go on by {flat:.2g}",
            _LANES,
        )
    if along <= 2 * inside:
        return Finding("contiguity", True, "values go on smoothly along lanes", "")
    return Finding("contiguity", None, "samples go on in no order", "")


_LANES = (
    "lay each sequence along one lane, without overlap: lane i of a batch must go on "
    "where lane i of the batch before has stopped"
)


def _within(script: Script) -> list[Passage]:
    return [
        passage
        for passage in script.passages
        if passage.into == "within" and passage.carried.any() and not passage.missed
    ]


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
        if (equal & varied & ~recurs).mean() >= 0.8 and _values(tail) >= DISTINCT:
            return Finding(
                "contiguity",
                False,
                f"{_at(script, within[0].after, 0)}, steps 0 to {size - shift - 1}: "
                "the lane has read them in the batch before: windows overlap by "
                f"{size - shift} of {size} steps",
                "with state carried, cut sequences into pieces that follow each other",
            )
    return None


def _values(array: np.ndarray) -> int:
    return len(np.unique(array))


def _smoothness(
    script: Script, within: list[Passage]
) -> tuple[float, float, float] | None:
    """Return how far values go along lanes, from sample to sample, and inside them.

    Medians over samples, in units of the spread; None where values are not smooth.
    """
    before, after = _pairs(script, within)
    if len(before) < 5 or before.shape[1] < 3:
        return None
    spread = before.std(axis=(0, 1))
    if not spread.all() or _values(before) < DISTINCT:
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


def boundary(script: Script) -> Finding:
    """Look for state that is carried from one sequence to another."""
    if not any(passage.carried.any() for passage in script.passages):
        return Finding("boundary", True, "no state is carried", "")
    repair = "reset state before a sequence begins: `layer.reset_state()`"
    for probe in (nested, callback, order):
        cause = probe(script)
        if cause.passed is False:
            return _follows("boundary", cause)
    shuffled = shuffle(script).passed is False
    found, restart = 0, _restarts(script)
    for passage in script.passages:
        if not passage.carried.any() or passage.missed:
            continue
        lane, text = _lane(passage), ""
        kind = script.recording.batches[passage.after].kind
        if passage.into == "within":
            crossing = _crossing(script, passage)
            if not shuffled and kind == "train":
                if crossing is not None and crossing[1] == "boundary":
                    lane, _, text = crossing
                elif (
                    crossing is None
                    and passage is restart
                    and not _known(script, passage)
                ):
                    text = "reads the first batch again"
            found += crossing is None and _known(script, passage)
        elif passage.into == "epoch" and _new_pass(script, passage):
            text = "begins a new pass of the data"
        elif passage.into == "predict" and not _may_go_on(script, passage):
            text = "begins to predict"
        elif passage.into == "again" and kind == "validation":
            if _same_data(script, passage):
                text = "is evaluated on the same data again"
        if text:
            return Finding(
                "boundary",
                False,
                f"{_at(script, passage.after, lane)}, step 0: {text} with the state "
                f"that {_at(script, passage.before)} has left",
                repair,
            )
    apart = _apart(script) if not shuffled else None
    if apart is not None:
        return apart
    if shuffled:
        return Finding("boundary", None, "samples are shuffled", "")
    carried = _within(script)
    if not carried or found > 0.5 * len(carried):
        return Finding("boundary", True, f"{found:,} batches go on in sequences", "")
    return Finding(
        "boundary", None, "no array of the script shows where sequences begin", ""
    )


def _apart(script: Script) -> Finding | None:
    """Find samples, smooth within, that go on in no order: sequences of their own."""
    within = [
        p for p in _within(script) if script.recording.batches[p.after].kind == "train"
    ]
    if contiguity(script).passed is not None or not within:
        return None
    jumping = _smoothness(script, within)
    if jumping is None or min(jumping[:2]) < 5 * jumping[2]:
        return None
    passage = within[0]
    return Finding(
        "boundary",
        False,
        f"{_at(script, passage.after, _lane(passage))}, step 0: values jump by "
        f"{jumping[0]:.2g} of the spread, and by {jumping[2]:.2g} within samples: a "
        "sequence of its own begins with what another has left",
        "reset state before a sequence begins: `layer.reset_state()`",
    )


def _restarts(script: Script) -> Passage | None:
    """Find where a loop over batches comes to its first batch again, with state."""
    batches = script.recording.batches
    seen: dict[int, Counter[bytes]] = defaultdict(Counter)
    first: dict[int, bytes] = {}
    for passage in script.passages:
        before, after = batches[passage.before], batches[passage.after]
        if before.kind == "train":
            first.setdefault(before.model, before.key)
            seen[before.model][before.key] += 1
        method = script.recording.calls[after.call].method
        if passage.into != "within" or method not in ("train_on_batch", "call"):
            continue
        counts = seen[after.model]
        whole = len(counts) > 3 and len(set(counts.values())) == 1
        again = after.key == first.get(after.model) and passage.carried.any()
        if after.kind == "train" and whole and again and not passage.missed:
            return passage
    return None


def _new_pass(script: Script, passage: Passage) -> bool:
    """Tell whether an epoch reads again what one before has read."""
    recording = script.recording
    after = recording.batches[passage.after]
    call = recording.calls[after.call]
    before = recording.batches[passage.before]
    if before.call == after.call and call.repeats:
        return True
    crossing = _crossing(script, passage)
    if crossing is not None:
        return True
    if _known(script, passage):
        return False
    passes: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    for batch in recording.batches:
        if batch.model == after.model and batch.kind == "train":
            passes[batch.call, batch.epoch].append(batch.key)
    this = passes.pop((after.call, after.epoch))
    if len(set(this)) < 3 and np.prod([a.size for a in after.x[:1]]) < DISTINCT:
        return False
    return any(keys[:3] == this[:3] for keys in passes.values())


def _may_go_on(script: Script, passage: Passage) -> bool:
    """Tell whether what is read may follow what was read before."""
    if _known(script, passage):
        return _crossing(script, passage) is None
    before = script.recording.batches[passage.before]
    after = script.recording.batches[passage.after]
    old, new = provenance.steps_of(before.x), provenance.steps_of(after.x)
    if old is None or new is None or old.shape[2] != new.shape[2]:
        return old is None or new is None
    fed = [
        batch.key
        for batch in script.recording.batches[: passage.after]
        if batch.model == after.model
    ]
    if after.key in fed and _values(new) >= min(DISTINCT, new.size):
        return False  # it was read before
    if len(old) != len(new) or old.shape[1] < 3:
        return False
    inside = np.abs(np.diff(old, axis=1)).mean()
    spread = old.std()
    smooth = inside < SMOOTH * spread
    return bool(smooth and np.abs(new[:, 0] - old[:, -1]).mean() <= 3 * inside)


def _same_data(script: Script, passage: Passage) -> bool:
    batches = script.recording.batches
    calls: dict[int, list[bytes]] = defaultdict(list)
    for batch in batches:
        calls[batch.call].append(batch.key)
    after = batches[passage.after]
    earlier = {b.call for b in batches[: passage.after] if b.kind == after.kind}
    return any(calls[call] == calls[after.call] for call in earlier - {after.call})


def validation_state(script: Script) -> Finding:
    """Look for validation that begins from what training has left."""
    for passage in script.passages:
        before = script.recording.batches[passage.before]
        if passage.into != "validation" or before.kind != "train":
            continue
        inside = script.recording.calls[
            script.recording.batches[passage.after].call
        ].parent
        if inside is None and _known(script, passage):
            if _crossing(script, passage) is None:
                continue  # goes on in time
        if passage.carried.any() and not passage.missed:
            return Finding(
                "validation_state",
                False,
                f"{_at(script, passage.after, _lane(passage))}: begins with the state "
                f"that {_at(script, passage.before)} has left",
                "reset state in `on_test_begin` of a callback, or before `evaluate`",
            )
    if not any(p.into == "validation" for p in script.passages):
        return _none("validation_state", script, "no validation follows training")
    return Finding("validation_state", True, "no state of training enters it", "")


def training_state(script: Script) -> Finding:
    """Look for training that goes on from what validation has left."""
    for passage in script.passages:
        if passage.into == "training" and passage.carried.any() and not passage.missed:
            return Finding(
                "training_state",
                False,
                f"{_at(script, passage.after, _lane(passage))}: begins with the state "
                f"that {_at(script, passage.before)} has left",
                "reset state, or put back what training had, before training goes on",
            )
    if not any(p.into == "training" for p in script.passages):
        return _none("training_state", script, "no training follows validation")
    return Finding("training_state", True, "no state of validation enters it", "")


def order(script: Script) -> Finding:
    """Look for answers to a sequence that depend on what was asked before it."""
    recording = script.recording
    repair = "reset state before each sequence that is asked, or ask them side by side"
    for passage in script.passages:
        after = recording.batches[passage.after]
        if after.kind == "train" or passage.missed or not passage.carried.any():
            continue
        crossing = _crossing(script, passage)
        if passage.into not in ("within", "again") or crossing is None:
            continue
        if crossing[1] == "boundary" and after.kind == "predict":
            return Finding(
                "order",
                False,
                f"{_at(script, passage.after, crossing[0])}: {crossing[2]}, with the "
                "state of that",
                repair,
            )
    unlike = _asked_otherwise(script)
    if unlike is not None:
        return Finding(
            "order",
            False,
            f"{_at(script, unlike.after, _lane(unlike))}: begins with the state of the "
            "sample before, where in training each sample begins with zeros",
            repair,
        )
    differing = _answered_twice(script)
    if differing is not None:
        place, row = differing
        return Finding(
            "order",
            False,
            f"{_at(script, place, row)}: answered otherwise than when the same was "
            "asked before, of the same weights",
            repair,
        )
    asked = [p for p in script.passages if _is_asked(script, p)]
    if any(recording.layers) and not asked:
        return Finding("order", True, "no answer begins with another's state", "")
    if asked and not any(_known(script, p) for p in asked):
        return Finding("order", None, "nothing shows what samples go together", "")
    return Finding("order", True, _of_layers(script), "")


def _is_asked(script: Script, passage: Passage) -> bool:
    kind = script.recording.batches[passage.after].kind
    asked = kind == "predict" and passage.into != "predict"
    return asked and bool(passage.carried.any())


def _asked_otherwise(script: Script) -> Passage | None:
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
        if _known(script, passage) and _crossing(script, passage) is None:
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
        rows = _first(batch)
        if rows[:1].size < 3 or len(batch.answer) != len(rows):
            continue
        for row, (x, answer) in enumerate(zip(rows, batch.answer, strict=True)):
            if _values(x) < 3:
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
                    f"{_at(script, number)}: {rows} samples meet the state of "
                    f"{layer.lanes} lanes in {layer.path}, and are spread over them",
                    f"feed a multiple of {layer.lanes} samples with batch_size="
                    f"{layer.lanes}, or give their weights to a model of another size",
                )
    return Finding("batch_size", True, _of_layers(script), "")


def saved_state(script: Script) -> Finding:
    """Look for state that is needed after loading, and was not saved."""
    recording = script.recording
    if not recording.loaded:
        return _none("saved_state", script, "no model is loaded")
    for loaded in recording.loaded:
        kept = [s for s in recording.saved if _same_file(s.file, loaded.file)]
        if not kept or kept[-1].within or not any(s.any() for s in kept[-1].state):
            continue
        first = next(
            (
                number
                for number, batch in enumerate(recording.batches)
                if batch.model == loaded.model and number >= loaded.batches
            ),
            None,
        )
        if first is None or any(s.any() for s in recording.batches[first].before or ()):
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
            f"{_at(script, first, 0)}: begins with zeros, where "
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
        batch.key == key and not any(state.any() for state in batch.before or ())
        for batch in script.recording.batches[:number]
        if batch.before is not None
    )


# What data go where


def _training(script: Script, model: int) -> list[np.ndarray]:
    """Return what a model is trained on, each pass of the same data once."""
    batches = script.recording.batches
    passes: dict[tuple[int, int], list[np.ndarray]] = defaultdict(list)
    keys: dict[tuple[int, int], set[bytes]] = defaultdict(set)
    for batch in batches:
        trains = batch.kind == "train" and batch.model == model
        x = provenance.steps_of(batch.x) if trains else None
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
            x = provenance.steps_of(batch.x)
            if x is not None:
                kept.setdefault(batch.key, x)
    return list(kept.values())


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
        x = provenance.steps_of(batch.x) if batch.kind != "train" else None
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
                f"line {_line(script, number)}, {call.method}, batch {row // lanes}, "
                f"lane {row % lanes}: has steps that are trained; so do "
                f"{int(steps.sum()):,} of {len(held):,} samples",
                "split in time first, then cut each part into windows",
            )
    if judged:
        return Finding("overlap", True, "no step of validation is trained", "")
    return Finding(
        "overlap", None, "nothing is validated whose steps can be recognised", ""
    )


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
    if _values(train) < DISTINCT:
        return None
    steps, held_steps = provenance.step_hashes(train), provenance.step_hashes(held)
    size = steps.shape[1]
    rows = provenance.stretches(steps, size)[:, 0]
    if len(np.unique(rows)) < UNLIKE * len(rows):
        return None
    length = next(
        (
            k
            for k in range(1, size + 1)
            if len(np.unique(provenance.stretches(steps[:, :k], k)))
            > UNLIKE * len(rows)
        ),
        size,
    )
    length = min(length + 2, size)
    known = np.unique(provenance.stretches(steps, length))
    found = np.isin(provenance.stretches(held_steps, length), known)
    if length > 1:  # steps that stand still, as padding does, show nothing
        still = held_steps[:, 1:] == held_steps[:, :-1]
        windows = np.lib.stride_tricks.sliding_window_view(still, length - 1, axis=1)
        found &= ~windows.any(axis=2)
    whole = np.isin(provenance.stretches(held_steps, size)[:, 0], rows)
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
    if len(unseen) < DISTINCT or len(seen) < DISTINCT:
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
        holds = len(values) >= DISTINCT and np.isin(unseen, values).mean() > 0.9
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
    if array.dtype.kind != "f" or array.size < 2 * DISTINCT:
        return ""
    table = array.astype(float)
    flat = table.reshape(-1, table.shape[-1]) if table.ndim > 1 else table[:, None]
    for columns in (flat, flat.reshape(-1, 1)):
        columns = columns[:, [_values(c) >= DISTINCT for c in columns.T]]
        if columns.shape[1] == 0 or len(columns) < 2 * DISTINCT:
            continue
        mean, spread = columns.mean(axis=0), columns.std(axis=0)
        near = np.abs(mean).max() < EXACT
        sample = columns.std(axis=0, ddof=1)
        if near and min(np.abs(s - 1).max() for s in (spread, sample)) < EXACT:
            return "mean 0 and standard deviation 1"
        low, high = columns.min(axis=0), columns.max(axis=0)
        ends = ((columns == low) | (columns == high)).mean()
        even = np.abs(np.diff(columns, n=2, axis=0)).max() < EXACT  # a ramp
        own = np.isin(np.append(low, high).astype(np.float32), seen).all()
        if not (even or own) and ends < 0.1 and np.abs(high - 1).max() < 1e-6:
            if min(np.abs(low).max(), np.abs(low + 1).max()) < 1e-6:
                return "a smallest and a largest value"
    return ""


def ceiling(script: Script) -> Finding:
    """Look for scores above the best that any model could reach."""
    judged = False
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
        best, samples = _best(script, number)
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
                    f"line {_line(script, number)}, {call.method}: {name} is "
                    f"{score:.4f}, and who sees no more than what is fed reaches "
                    f"{best:.4f}",
                    "score frozen weights, with `evaluate`, from a fresh state",
                )
    if judged:
        return Finding("ceiling", True, "no score is above the majority vote", "")
    return Finding("ceiling", None, "no accuracy has a ceiling that is known", "")


def _is_share(name: str) -> bool:
    name = name.removeprefix("val_")
    return name in ("acc", "auc", "precision", "recall", "f1") or "accuracy" in name


def _best(script: Script, call: int) -> tuple[float | None, int]:
    """Return the accuracy of a majority vote over equal inputs, and their count.

    Visible is what its lane has read since it began, or was reset.
    """
    every = script.recording.batches
    numbers = [n for n, batch in enumerate(every) if batch.call == call]
    if not numbers or script.recording.calls[call].weighted:
        return None, 0
    numbers = [n for n in numbers if every[n].epoch == every[numbers[-1]].epoch]
    batches = [every[n] for n in numbers]
    read: dict[int, bytes] = {}
    classes, targets = [], []
    starts = {p.after: p for p in script.passages}
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
        passage = starts.get(number)
        for row in range(len(y)):
            mine = b"".join(array[row].tobytes() for array in batch.x)
            lanes = passage.carried if passage is not None else ()
            if place and row < len(lanes) and lanes[row]:
                mine = read[row] + mine
            read[row] = mine
            classes.append(hash(mine))
            targets.append(int(y[row, 0]))
    _, numbered = np.unique(np.array(classes), return_inverse=True)
    return metrics.majority_vote(numbered, np.array(targets)), len(targets)


# How things are called


def _first(batch: Batch) -> np.ndarray:
    x = provenance.steps_of(batch.x)
    return x if x is not None else batch.x[0] if batch.x else np.zeros((0, 1))


def _lane(passage: Passage) -> int:
    return int(passage.carried.argmax())


def _line(script: Script, call: int) -> int:
    """Return the line of the script that a call stems from."""
    calls = script.recording.calls
    parent = calls[call].parent
    while not calls[call].line and parent is not None:
        call, parent = parent, calls[parent].parent
    return calls[call].line


def _at(script: Script, number: int, lane: int | None = None) -> str:
    """Say where a batch was fed."""
    batch = script.recording.batches[number]
    call = script.recording.calls[batch.call]
    text = f"line {_line(script, batch.call)}, {call.method}"
    if call.method == "fit":
        text += f", epoch {batch.epoch}"
    text += f", batch {batch.number}"
    return text if lane is None else f"{text}, lane {lane}"


def _of_layers(script: Script) -> str:
    """Say how many layers carry state."""
    paths = {layer.path for layers in script.recording.layers for layer in layers}
    return f"state is in {', '.join(sorted(paths))}" if paths else "no layer has state"


def _none(name: str, script: Script, reason: str) -> Finding:
    """Say that there is nothing to see; where no layer carries state that is sound."""
    if any(script.recording.layers):
        return Finding(name, None, reason, "")
    return Finding(name, True, "no layer has state", "")


PROBES: dict[str, Callable[[Script], Finding]] = {
    probe.__name__: probe
    for probe in (
        shuffle,
        contiguity,
        boundary,
        callback,
        nested,
        validation_state,
        training_state,
        overlap,
        scaling,
        order,
        batch_size,
        saved_state,
        ceiling,
    )
}
