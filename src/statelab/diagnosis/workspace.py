"""What the workspace that `dvc repro` has left shows of its own stateful set-up."""

# pyright: reportAttributeAccessIssue=false, reportFunctionMemberAccess=false
# pyright: reportOptionalMemberAccess=false
# (Keras annotates less than it gives)

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from statelab.config import params
from statelab.data.sequences import SPLITS, Sequences
from statelab.diagnosis import array_probes
from statelab.diagnosis.findings import QUESTIONS, Finding
from statelab.evaluation import scoring
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_in_use
from statelab.networks import keras_models, saving
from statelab.networks.architecture import Architecture
from statelab.samples import plans
from statelab.samples import scaling as scaling_
from statelab.samples.scaling import Scaling
from statelab.samples.windows import (
    PredictionSteps,
    Windows,
    locate_predictions,
    locate_samples,
    make_windows,
    predictions_of,
    sequences_in_split,
)
from statelab.training import compiled, predict

MODES = ("stateless", "stateful")
PLACES = 1 << 20  # of a plan, that are looked at
SEQUENCES = 16  # that are answered anew
STEPS = 2_000  # of each, or two windows
LANES = 3  # fewer than sequences, so that lanes go on to others


class Workspace(NamedTuple):
    """What the stages have left."""

    data: Sequences
    windows: Windows
    layout: dict[str, Any]  # how the windows were cut
    scaling: Scaling | None
    settings: dict[str, dict[str, Any]]  # by mode, with which it was trained
    horizon: int


def findings() -> Iterator[Finding]:
    """Yield what each probe finds, in the order of `QUESTIONS`.

    Raises:
        UserError: nothing is trained here.
    """
    made = {mode: params.made_with(f"train_{mode}") for mode in MODES}
    windows = Path("data/windows")
    here = Workspace(
        data=arrays.read(Path("data/sequences"), Sequences),
        windows=arrays.read(windows, Windows),
        layout=files.read_json(windows / "layout.json"),
        scaling=scaling_.read(windows / "scaling"),
        settings={mode: made[mode][f"train_{mode}"] for mode in MODES},
        horizon=made["stateful"]["generate"]["horizon"],
    )
    for name in QUESTIONS:
        yield PROBES[name](here)


def _plan(here: Workspace, split: str, **changes: Any) -> plans.Plan:
    """Lay a split out as the stateful training does."""
    asked = here.settings["stateful"] | changes
    return plans.make_plan(
        here.windows,
        sequences_in_split(here.windows, SPLITS[split]),
        batch_size=asked["batch_size"],
        stateful=True,
        reset=asked["reset"],
        batching=asked["batching"],
        rng=np.random.default_rng(0) if asked["shuffle"] else None,
    )


def _lanes(here: Workspace) -> array_probes.Lanes:
    plan = _plan(here, "train")
    sample, reset = plans.expand(plan, 0, min(plan.batches, PLACES // plan.lanes + 1))
    used = sample >= 0
    at = locate_samples(here.windows, np.maximum(sample, 0))
    first = at.first - here.windows.first[at.sequence]
    return array_probes.Lanes(
        np.where(used, at.sequence, -1), first, first + at.length, reset
    )


def _shuffle(here: Workspace) -> Finding:
    shuffled = here.settings["stateful"]["shuffle"]
    where = "in a new order for each epoch, but whole" if shuffled else "in their order"
    return Finding("shuffle", True, f"sequences are visited {where}", "")


def _contiguity(here: Workspace) -> Finding:
    lanes = _lanes(here)
    found = array_probes.contiguity(lanes)
    if found.passed:
        return found
    # windows that overlap go on, too, by a stride; what they share is read again
    stride = here.windows.stride[np.maximum(lanes.sequence, 0)]
    shifted = array_probes.contiguity(lanes._replace(stop=lanes.first + stride))
    if shifted.passed:
        return shifted._replace(
            where=f"{shifted.where}, windows that overlap: steps are read again"
        )
    return found._replace(repair="set `train_stateful.batching: aligned`")


def _boundary(here: Workspace) -> Finding:
    if (carried := array_probes.carried_over(_lanes(here))) is not None:
        return carried._replace(repair="set `train_stateful.reset: sequence`")
    looked_at = _looked_at(here)
    sequences, windows = looked_at
    number = np.repeat(
        np.arange(len(sequences.offsets) - 1), np.diff(sequences.offsets)
    )
    at = locate_predictions(windows, np.arange(windows.answers[-1]))
    other = array_probes.altered(sequences.values[None])
    if other is None:
        return Finding("boundary", None, "inputs are all alike", "")
    return _in_each_mode(
        lambda mode: array_probes.boundary(
            lambda values: _answers(here, mode, values, looked_at),
            sequences.values,
            other[0],
            number,
            functools.partial(_place, mode, at),
            at.sequence,
        )
    )


def _in_each_mode(probe: Callable[[str], Finding]) -> Finding:
    """Return what fails in a mode, or else what was found in the last one."""
    found = [probe(mode) for mode in MODES]
    return next((each for each in found if each.passed is False), found[-1])


def _looked_at(here: Workspace) -> tuple[Sequences, Windows]:
    """Return some held-out sequences, cut as all are."""
    chosen = _held_out(here)[1][:SEQUENCES]
    begin = here.windows.first[chosen]
    steps = max(STEPS, 2 * here.layout.get("window_length", 0))
    end = np.minimum(here.windows.stop[chosen], begin + steps)
    values = [here.data.values[a:b] for a, b in zip(begin, end, strict=True)]
    offsets = np.append(0, np.cumsum(end - begin))
    some = Sequences(np.concatenate(values), offsets, np.zeros(len(chosen)))
    split = np.zeros(len(chosen), np.int8)
    return some, make_windows(offsets, split, **here.layout)


def _held_out(here: Workspace) -> tuple[str, np.ndarray]:
    """Return validation, or test where there is none, and the sequences of it."""
    validation = sequences_in_split(here.windows, SPLITS["validation"])
    if len(validation):
        return "validation", validation
    return "test", sequences_in_split(here.windows, SPLITS["test"])


def _answers(
    here: Workspace,
    mode: str,
    values: np.ndarray,
    looked_at: tuple[Sequences, Windows],
    lanes: int = LANES,
) -> np.ndarray:
    sequences, windows = looked_at
    return predict.answers(
        Path("data/models") / mode,
        sequences._replace(values=values),
        windows,
        stateful=mode == "stateful",
        reset=here.settings[mode].get("reset", "sequence"),
        network=0,
        batch_size=lanes,
    )


def _place(mode: str, at: PredictionSteps, answer: int) -> str:
    return (
        f"{mode}, held-out sequence {at.sequence[answer]}, flat step {at.step[answer]}"
    )


def _callback(here: Workspace) -> Finding:
    where = "a plan of lanes says where state is reset: there is no callback"
    return Finding("callback", True, where, "")


def _nested(here: Workspace) -> Finding:
    where = "the state of all layers is one value, which is reset as a whole"
    return Finding("nested", True, where, "")


def _validation_state(here: Workspace) -> Finding:
    """Answer a held-out split again from zeros: what training wrote is the same."""
    name, chosen = _held_out(here)
    asked = here.settings["stateful"]
    naive = asked["batching"] == "contiguous" or asked["reset"] == "never"
    found = saving.read(Path("data/models/stateful"))
    if naive:
        plan = _plan(here, name, shuffle=False)
    else:
        chosen = chosen[:SEQUENCES]
        plan = plans.make_plan(
            here.windows,
            chosen,
            batch_size=LANES,
            stateful=True,
            reset=asked["reset"],
        )
    network = Architecture(**found.architecture)
    now = compiled.predict(
        found.weights, here.data, here.windows, plan, network, found.scaling
    )
    now = scaling_.unscale(found.scaling, now)[0]
    answer = predictions_of(here.windows, chosen)
    was = predictions_in_use(Path("data/predictions/stateful.npz")).answers[0]
    at = locate_predictions(here.windows, answer)
    found = array_probes.order(
        was[answer],
        now[answer],
        functools.partial(_place, f"stateful, {name}", at),
        "a state of zeros before",
    )
    where = f"{len(answer):,} answers to {name} are those from a state of zeros"
    repair = "run `dvc repro` again: answers and weights differ"
    return _as("validation_state", found, where, repair)


def _training_state(here: Workspace) -> Finding:
    sample, reset = plans.expand(_plan(here, "train"), 0, 1)
    used = sample >= 0  # the others are padding
    where = f"an epoch begins with a reset of {reset[used].sum()} of {used.sum()} lanes"
    return Finding("training_state", bool(reset[used].all()), where, "")


def _overlap(here: Workspace) -> Finding:
    return overlap(here.data.offsets, here.windows, here.horizon)


def overlap(offsets: np.ndarray, windows: Windows, horizon: int) -> Finding:
    """Look for steps, and targets some steps ahead, that two splits share.

    Args:
        offsets: where the sequences of the data begin and end, [sequences + 1].
        windows: their parts, each in one split.
        horizon: steps ahead of which targets are.
    """
    used = np.flatnonzero((windows.split >= 0) & (np.diff(windows.samples) > 0))
    used = used[np.argsort(windows.first[used], kind="stable")]
    first, stop, split = (
        np.asarray(field)[used]
        for field in (windows.first, windows.stop, windows.split)
    )
    whose = np.searchsorted(offsets, first, side="right") - 1
    reaches = stop + np.where(whose == np.append(whose[1:], -1), horizon, 0)
    wrong = (reaches[:-1] > first[1:]) & (split[:-1] != split[1:])
    if not wrong.any():
        where = f"{len(used):,} stretches of steps, and their targets, lie apart"
        return Finding("overlap", True, where, "")
    at = int(wrong.argmax())
    names = {code: name for name, code in SPLITS.items()}
    one, other = names[int(split[at])], names[int(split[at + 1])]
    return Finding(
        "overlap",
        False,
        f"sequence {whose[at]}: {one} reaches to flat step {reaches[at] - 1}, its "
        f"targets included, and {other} begins at {first[at + 1]}",
        "split sequences, or time, before they are cut, `generate.horizon` steps apart",
    )


def _scaling(here: Workspace) -> Finding:
    used = saving.read(Path("data/models/stateful")).scaling
    return scaling(here.data, here.windows, used)


def scaling(data: Sequences, windows: Windows, used: Scaling | None) -> Finding:
    """Compare a scaling with that of the steps of training alone.

    Args:
        data: the steps.
        windows: their split.
        used: what networks were trained with; None for none.
    """
    if used is None:
        return Finding("scaling", True, "features are not scaled", "")
    own = scaling_.fit(data, windows)
    for name, found in used._asdict().items():
        wanted = getattr(own, name)
        if (off := ~np.isclose(found, wanted, rtol=1e-5, atol=1e-6)).any():
            at = int(off.argmax())
            return Finding(
                "scaling",
                False,
                f"`{name}` of feature {at} is {found[at]:.6g}; that of the steps of "
                f"training alone is {wanted[at]:.6g}",
                "fit the scaling on training alone: run `dvc repro` to have it so",
            )
    return Finding("scaling", True, "fitted on the steps of training alone", "")


def _order(here: Workspace) -> Finding:
    sequences, windows = looked_at = _looked_at(here)
    offsets = sequences.offsets
    backwards = np.arange(len(offsets) - 1)[::-1]
    values = [sequences.values[offsets[k] : offsets[k + 1]] for k in backwards]
    ends = np.append(0, np.cumsum(np.diff(offsets)[backwards]))
    turned = Sequences(np.concatenate(values), ends, sequences.targets)
    cut = make_windows(ends, windows.split, **here.layout)
    asked = predictions_of(cut, backwards)
    at = locate_predictions(windows, np.arange(windows.answers[-1]))
    return _in_each_mode(
        lambda mode: array_probes.order(
            _answers(here, mode, sequences.values, looked_at),
            _answers(here, mode, turned.values, (turned, cut))[asked],
            functools.partial(_place, mode, at),
            "the last sequences first",
        )
    )


def _batch_size(here: Workspace) -> Finding:
    sequences, windows = looked_at = _looked_at(here)
    at = locate_predictions(windows, np.arange(windows.answers[-1]))
    return _in_each_mode(
        lambda mode: array_probes.batch_size(
            {
                lanes: _answers(here, mode, sequences.values, looked_at, lanes)
                for lanes in (LANES, 1)
            },
            functools.partial(_place, mode, at),
        )
    )


def _saved_state(here: Workspace) -> Finding:
    """Hand the state in the middle of a sequence on through files."""
    sequences, _ = _looked_at(here)
    x = sequences.values[: sequences.offsets[1]][None]
    model = keras_models.with_state(Path("data/models/stateful"))
    zeros = np.zeros((1, model.input_shape[1][1]), np.float32)
    middle = x.shape[1] // 2
    if middle == 0:
        return Finding("saved_state", None, "a sequence of one step hands none on", "")
    whole, _ = model.predict_on_batch([x, zeros])
    _, state = model.predict_on_batch([x[:, :middle], zeros])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        np.save(Path(folder) / "state.npy", state)
        again = keras.models.load_model(Path(folder) / "model.keras")
        kept = np.load(Path(folder) / "state.npy")
    rest, _ = again.predict_on_batch([x[:, middle:], kept])
    found = array_probes.order(
        whole[0, middle:], rest[0], lambda step: f"step {middle + step}", "saved state"
    )
    where = f"a sequence goes on at step {middle} from state that was saved and loaded"
    repair = "hand state on as a value: models.with_state"
    return _as("saved_state", found, where, repair)


def _as(name: str, found: Finding, where: str, repair: str) -> Finding:
    """Tell under another name what a comparison of answers has found."""
    if found.passed:
        return Finding(name, True, where, "")
    return Finding(name, found.passed, found.where, repair)


def _ceiling(here: Workspace) -> Finding:
    scored = files.read_json(Path("metrics/evaluate.json"))
    known = {}
    for mode in MODES:
        table = scoring.seed_scores(
            predictions_in_use(Path(f"data/predictions/{mode}.npz")).answers,
            here.data,
            here.windows,
            csv_files.read(Path(f"metrics/history/{mode}.csv")),
        )
        for name, best in scored[mode]["ceiling"].items():
            known[f"{mode} {name}"] = (float(table[name].to_numpy().max()), best)
    return array_probes.ceiling(known)


PROBES: dict[str, Callable[[Workspace], Finding]] = {
    "shuffle": _shuffle,
    "contiguity": _contiguity,
    "boundary": _boundary,
    "callback": _callback,
    "nested": _nested,
    "validation_state": _validation_state,
    "training_state": _training_state,
    "overlap": _overlap,
    "scaling": _scaling,
    "order": _order,
    "batch_size": _batch_size,
    "saved_state": _saved_state,
    "ceiling": _ceiling,
}
