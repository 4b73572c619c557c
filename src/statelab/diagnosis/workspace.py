"""What the workspace that `dvc repro` has left shows of its own stateful set-up."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from statelab.config import params
from statelab.config.modes import MODES
from statelab.config.values import Reset
from statelab.data.sequences import SPLITS, Sequences
from statelab.diagnosis import array_probes, window_probes
from statelab.diagnosis.findings import QUESTIONS, Finding, cannot_tell, sound
from statelab.evaluation import evaluation, scoring
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_chosen
from statelab.networks import keras_models, saving
from statelab.pipeline import paths
from statelab.samples import plans, scaling, target_changes
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import Scaling
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import (
    PredictionSteps,
    Windows,
    locate_predictions,
    locate_samples,
    make_windows,
    predictions_of,
    rewindow,
    sample_lengths,
    sequences_in_split,
)
from statelab.training import compiled, predict

MAX_PLACES = 1 << 20  # of a plan, that are looked at
MAX_SEQUENCES = 16  # that are predicted anew
MAX_STEPS = 2_000  # of each, or two windows
LANES = 3  # fewer than sequences, so that lanes go on to others


class Workspace(NamedTuple):
    """What the stages have left."""

    data: Sequences  # as networks take them: the user's, or changes
    units: UserUnits
    windows: Windows
    layout: dict[str, Any]  # how windows are cut for the stateful networks
    scaling: Scaling | None
    settings: dict[str, dict[str, Any]]  # by mode, with which it was trained
    horizon: int


def findings() -> Iterator[Finding]:
    """Yield what each probe finds, in the order of `QUESTIONS`.

    Raises:
        UserError: nothing is trained here.
    """
    made = {mode: params.made_with(f"train_{mode}") for mode in MODES}
    layout = files.read_json(paths.model("stateful") / saving.DATA_FILE)["layout"]
    lanes = predictions_chosen(paths.predictions("stateful")).batch_size
    made["stateful"]["train_stateful"]["batch_size"] = lanes
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    workspace = Workspace(
        data=target_changes.read_inputs(paths.WINDOWS, sequences),
        units=UserUnits(sequences, target_changes.read(paths.WINDOWS)),
        windows=rewindow(arrays.read(paths.WINDOWS, Windows), **layout),
        layout=layout,
        scaling=scaling.read(paths.WINDOWS / scaling.FOLDER),
        settings={mode: made[mode][f"train_{mode}"] for mode in MODES},
        horizon=made["stateful"]["generate"]["horizon"],
    )
    for name in QUESTIONS:
        yield PROBES[name](workspace)


def _plan(workspace: Workspace, split: str, **changes: Any) -> plans.Plan:
    """Return the lanes of a split as the stateful training reads them."""
    settings = workspace.settings["stateful"] | changes
    longest = sample_lengths(workspace.windows)[1]
    return plans.make_plan(
        workspace.windows,
        sequences_in_split(workspace.windows, SPLITS[split]),
        batch_size=settings["batch_size"],
        stateful=True,
        reset=Reset(settings["reset"]),
        batching=settings["batching"],
        rng=np.random.default_rng(0) if settings["shuffle"] else None,
        stretch_burn_in=settings["gradient_window"] or longest,
    )


def _lanes(workspace: Workspace) -> array_probes.Lanes:
    plan = _plan(workspace, "train")
    sample, reset, _ = plans.expand(
        plan, 0, min(plan.batches, MAX_PLACES // plan.lanes + 1)
    )
    used = sample >= 0
    steps = locate_samples(workspace.windows, np.maximum(sample, 0))
    first = steps.first - workspace.windows.first[steps.sequence]
    return array_probes.Lanes(
        sequence=np.where(used, steps.sequence, -1),
        first=first,
        stop=first + steps.length,
        reset=reset,
    )


def _shuffle(workspace: Workspace) -> Finding:
    shuffled = workspace.settings["stateful"]["shuffle"]
    where = "in a new order for each epoch, but whole" if shuffled else "in their order"
    return sound("shuffle", f"sequences are visited {where}")


def _contiguity(workspace: Workspace) -> Finding:
    lanes = _lanes(workspace)
    finding = array_probes.contiguity(lanes)
    if finding.passed:
        return finding
    # windows that overlap go on, too, by a stride; what they share is read again
    stride = workspace.windows.stride[np.maximum(lanes.sequence, 0)]
    shifted = array_probes.contiguity(lanes._replace(stop=lanes.first + stride))
    if shifted.passed:
        return shifted._replace(
            where=f"{shifted.where}, windows that overlap: steps are read again"
        )
    return finding._replace(repair="set `train_stateful.batching: aligned`")


def _boundary(workspace: Workspace) -> Finding:
    if (carried := array_probes.carried_over(_lanes(workspace))) is not None:
        return carried._replace(repair="set `train_stateful.reset: sequence`")
    held_out = _held_out_steps(workspace)
    sequences, windows = held_out
    number = np.repeat(
        np.arange(len(sequences.offsets) - 1), np.diff(sequences.offsets)
    )
    steps = locate_predictions(windows, np.arange(windows.answers[-1]))
    other = array_probes.altered(sequences.values[None])
    if other is None:
        return cannot_tell("boundary", "inputs are all alike")
    return _in_each_mode(
        lambda mode: array_probes.boundary(
            lambda values: _predict(workspace, mode, values, held_out),
            sequences.values,
            other[0],
            number,
            functools.partial(_place, mode, steps),
            steps.sequence,
        )
    )


def _in_each_mode(probe: Callable[[str], Finding]) -> Finding:
    """Return what fails in a mode, or else the finding of the last one."""
    by_mode = [probe(mode) for mode in MODES]
    return next((one for one in by_mode if one.passed is False), by_mode[-1])


def _held_out_steps(workspace: Workspace) -> tuple[Sequences, Windows]:
    """Return the first steps of some held-out sequences, cut as all are."""
    chosen = _held_out_split(workspace)[1][:MAX_SEQUENCES]
    begin = workspace.windows.first[chosen]
    steps = max(MAX_STEPS, 2 * workspace.layout.get("window_length", 0))
    end = np.minimum(workspace.windows.stop[chosen], begin + steps)
    values = [workspace.data.values[a:b] for a, b in zip(begin, end, strict=True)]
    offsets = np.append(0, np.cumsum(end - begin))
    some = Sequences(np.concatenate(values), offsets, np.zeros(len(chosen)))
    split = np.zeros(len(chosen), np.int8)
    return some, make_windows(offsets, split, **workspace.layout)


def _held_out_split(workspace: Workspace) -> tuple[str, np.ndarray]:
    """Return validation, or test where there is none, and the sequences of it."""
    validation = sequences_in_split(workspace.windows, SPLITS["validation"])
    if len(validation):
        return "validation", validation
    return "test", sequences_in_split(workspace.windows, SPLITS["test"])


def _predict(
    workspace: Workspace,
    mode: str,
    values: np.ndarray,
    held_out: tuple[Sequences, Windows],
    lanes: int = LANES,
) -> np.ndarray:
    """Predict held-out sequences with other values in them."""
    sequences, windows = held_out
    return predict.predict_sequences(
        paths.model(mode),
        sequences._replace(values=values),
        windows,
        stateful=mode == "stateful",
        reset=workspace.settings[mode].get("reset", "sequence"),
        network=0,
        batch_size=lanes,
    )


def _place(mode: str, steps: PredictionSteps, prediction: int) -> str:
    sequence, step = steps.sequence[prediction], steps.step[prediction]
    return f"{mode}, held-out sequence {sequence}, flat step {step}"


def _callback(workspace: Workspace) -> Finding:
    where = "a plan of lanes says where state is reset: there is no callback"
    return sound("callback", where)


def _nested(workspace: Workspace) -> Finding:
    where = "the state of all layers is one value, which is reset as a whole"
    return sound("nested", where)


def _validation_state(workspace: Workspace) -> Finding:
    """Predict a held-out split again from zeros: what training wrote is the same."""
    name, chosen = _held_out_split(workspace)
    settings = workspace.settings["stateful"]
    trained = saving.read(paths.model("stateful"))
    if settings["batching"] == "contiguous" or settings["reset"] == "never":
        plan = _plan(workspace, name, shuffle=False)
    else:
        chosen = chosen[:MAX_SEQUENCES]
        plan = plans.make_plan(
            workspace.windows,
            chosen,
            batch_size=LANES,
            stateful=True,
            reset=Reset(settings["reset"]),
        )
    reader = ChunkReader(workspace.data, workspace.windows, [plan], trained.scaling)
    after = compiled.predict(trained.weights, reader, trained.architecture)
    after = scaling.unscale(trained.scaling, after)
    after = workspace.units.of_all(after, workspace.windows)[0]
    numbers = predictions_of(workspace.windows, chosen)
    before = predictions_chosen(paths.predictions("stateful")).predictions[0]
    steps = locate_predictions(workspace.windows, numbers)
    finding = array_probes.order(
        before[numbers],
        after[numbers],
        functools.partial(_place, f"stateful, {name}", steps),
        "a state of zeros before",
    )
    where = f"{len(numbers):,} predictions of {name} are those from a state of zeros"
    repair = "run `dvc repro` again: predictions and weights differ"
    return _renamed(finding, "validation_state", where, repair)


def _training_state(workspace: Workspace) -> Finding:
    sample, reset, _ = plans.expand(_plan(workspace, "train"), 0, 1)
    used = sample >= 0  # the others are padding
    where = f"an epoch begins with a reset of {reset[used].sum()} of {used.sum()} lanes"
    return Finding("training_state", bool(reset[used].all()), where, "")


def _overlap(workspace: Workspace) -> Finding:
    return window_probes.overlap(
        workspace.data.offsets, workspace.windows, workspace.horizon
    )


def _scaling(workspace: Workspace) -> Finding:
    used = saving.read(paths.model("stateful")).scaling
    return window_probes.fitted_scaling(workspace.data, workspace.windows, used)


def _order(workspace: Workspace) -> Finding:
    sequences, windows = held_out = _held_out_steps(workspace)
    offsets = sequences.offsets
    backwards = np.arange(len(offsets) - 1)[::-1]
    values = [sequences.values[offsets[k] : offsets[k + 1]] for k in backwards]
    ends = np.append(0, np.cumsum(np.diff(offsets)[backwards]))
    turned = Sequences(np.concatenate(values), ends, sequences.targets)
    turned_windows = make_windows(ends, windows.split, **workspace.layout)
    turned_back = predictions_of(turned_windows, backwards)
    steps = locate_predictions(windows, np.arange(windows.answers[-1]))
    return _in_each_mode(
        lambda mode: array_probes.order(
            _predict(workspace, mode, sequences.values, held_out),
            _predict(workspace, mode, turned.values, (turned, turned_windows))[
                turned_back
            ],
            functools.partial(_place, mode, steps),
            "the last sequences first",
        )
    )


def _batch_size(workspace: Workspace) -> Finding:
    sequences, windows = held_out = _held_out_steps(workspace)
    steps = locate_predictions(windows, np.arange(windows.answers[-1]))
    return _in_each_mode(
        lambda mode: array_probes.batch_size(
            {
                lanes: _predict(workspace, mode, sequences.values, held_out, lanes)
                for lanes in (LANES, 1)
            },
            functools.partial(_place, mode, steps),
        )
    )


def _saved_state(workspace: Workspace) -> Finding:
    """Hand the state in the middle of a sequence on through files."""
    sequences, _ = _held_out_steps(workspace)
    x = sequences.values[: sequences.offsets[1]][None]
    model = keras_models.with_state(paths.model("stateful"))
    zeros = np.zeros((1, model.input_shape[1][1]), np.float32)
    middle = x.shape[1] // 2
    if middle == 0:
        return cannot_tell("saved_state", "a sequence of one step hands none on")
    at_once, _ = model.predict_on_batch([x, zeros])
    _, state = model.predict_on_batch([x[:, :middle], zeros])
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        np.save(Path(folder) / "state.npy", state)
        loaded = keras.models.load_model(Path(folder) / "model.keras")
        loaded_state = np.load(Path(folder) / "state.npy")
    assert isinstance(loaded, keras.Model)
    rest, _ = loaded.predict_on_batch([x[:, middle:], loaded_state])
    finding = array_probes.order(
        at_once[0, middle:],
        rest[0],
        lambda step: f"step {middle + step}",
        "saved state",
    )
    where = f"a sequence goes on at step {middle} from state that was saved and loaded"
    repair = "hand state on as a value: keras_models.with_state"
    return _renamed(finding, "saved_state", where, repair)


def _renamed(finding: Finding, name: str, where: str, repair: str) -> Finding:
    """Return a comparison of predictions as the finding of another probe.

    Args:
        finding: of the comparison.
        name: of the other probe.
        where: what was looked at, where it passes.
        repair: where it fails.
    """
    if finding.passed:
        return sound(name, where)
    return Finding(name, finding.passed, finding.where, repair)


def _ceiling(workspace: Workspace) -> Finding:
    evaluated = evaluation.read()
    scores = {}
    for mode in MODES:
        table = scoring.seed_scores(
            predictions_chosen(paths.predictions(mode)).predictions,
            workspace.units.data,
            workspace.windows,
            csv_files.read(paths.history(mode)),
        )
        for name, best in evaluated.modes[mode].ceiling.items():
            scores[f"{mode} {name}"] = (float(table[name].to_numpy().max()), best)
    return array_probes.ceiling(scores)


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
