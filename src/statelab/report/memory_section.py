"""Sections of the report: how far back networks look, and what one of them holds."""

from typing import Any

import numpy as np
import pandas as pd

from statelab.config.modes import MODES
from statelab.config.settings import StatefulSettings
from statelab.data import sequences
from statelab.data.sequences import NAMES_FILE, SPLITS, Sequences
from statelab.formatting import number
from statelab.io import csv_files, files
from statelab.memory import summary_text
from statelab.pipeline import command, paths
from statelab.report import captions, page_figures
from statelab.report.inline_svg import picture
from statelab.samples import target_changes
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, rewindow, sequences_in_split

STEPS, UNITS = 120, 32  # of a network that are drawn
SEARCHED = 1000  # test sequences, and steps of each, for one that is worth drawing


def memory() -> dict[str, Any]:
    """Say and draw how far back networks look, and what a burn-in is worth."""
    measured = files.read_json(paths.MEMORY)
    sentences = [
        text[0].upper() + text[1:] for text in summary_text.in_words(measured).values()
    ]
    if "not_measured" in measured:
        return {"pictures": [], "sentences": sentences, "predictions": 0}
    lags = csv_files.read(paths.LAGS)
    warm_up = csv_files.read(paths.WARM_UP)
    score = measured["warm_up"]["score"]
    pictures = [
        picture(
            page_figures.by_lag(lags, measure),
            f"lags-{measure}",
            captions.by_lag(lags, measure),
            caption,
        )
        for measure, caption in (
            ("change", "One input replaced by another sequence’s"),
            ("slope", "One input changed a little"),
        )
    ]
    if measured["warm_up"]["burn_in"]:
        pictures.append(
            picture(
                page_figures.by_burn_in(warm_up, score),
                "burn-in",
                captions.by_burn_in(warm_up, score),
                "A state of zeros, then a burn-in",
            )
        )
    predictions = max(measured[mode]["predictions"] for mode in MODES)
    return {"pictures": pictures, "sentences": sentences, "predictions": predictions}


def hidden_state(
    stateful: StatefulSettings, data: Sequences, windows: Windows
) -> dict[str, Any]:
    """Draw what the first stateful network holds over one test sequence."""
    with command.quiet_import():
        from statelab.memory import hidden_states
        from statelab.networks import saving
    trained = saving.read(paths.model("stateful"))
    known = files.read_json(paths.model("stateful") / saving.DATA_FILE)
    windows = rewindow(windows, **known["layout"])
    sequence = sequence_to_draw(data, windows)
    inputs = target_changes.read_inputs(paths.WINDOWS, data)
    traces = hidden_states.of_sequence(
        trained, inputs, windows, sequence, reset=stateful.reset, steps=STEPS
    )
    step = 1 + traces.step - int(windows.first[sequence])
    carried, alone = traces.carried.hidden, traces.alone.hidden
    by_carrying = np.abs(carried - alone).mean(axis=0)
    shown = np.argsort(-by_carrying, kind="stable")[:UNITS]
    limit = float(np.ceil(10 * np.abs([carried, alone]).max()) / 10) or 1.0
    ways = {"stateful": ("carried", traces.carried, traces.reset)}
    if np.count_nonzero(traces.begins) > 1:  # of one sample nothing is carried
        ways["stateless"] = ("reset at each sample", traces.alone, traces.begins)
    pictures = [
        picture(
            page_figures.units(trace.hidden[:, shown], zero, step, limit),
            f"hidden-{mode}",
            captions.hidden(state, trace.hidden[:, shown], step),
            f"State {state}",
        )
        for mode, (state, trace, zero) in ways.items()
    ]
    target = sequences.targets_at(data, np.full(len(step), sequence), traces.step)
    known, label = _known_targets(target, data)
    units = UserUnits(data, target_changes.read(paths.WINDOWS))
    predicted = {
        mode: units.restored(
            _of_right_class(trace.predictions, target)[None], traces.step
        )[0]
        for mode, (_, trace, _) in ways.items()
    }
    pictures.append(
        picture(
            page_figures.predictions(predicted, known, step, label),
            "predictions",
            captions.predictions(label, predicted, known, step),
            "Predictions",
            _class_in_words(label),
        )
    )
    steps = int(windows.stop[sequence] - windows.first[sequence])
    return {
        "pictures": pictures,
        "one_sample": len(ways) == 1,
        "steps": f"steps {step[0]} to {step[-1]} of {steps:,}",
        "units": (len(shown), carried.shape[1]),
        "layers": trained.architecture.layers,
        **_differences(predicted, step),
        "never": stateful.reset == "never",
        "contiguous": stateful.batching == "contiguous",
    }


def sequence_to_draw(data: Sequences, windows: Windows) -> int:
    """Return the first test sequence whose features change, or else the first one."""
    test = sequences_in_split(windows, SPLITS["test"])
    for sequence in test[:SEARCHED].tolist():
        first, stop = windows.first[sequence], windows.stop[sequence]
        steps = data.values[first : min(stop, first + SEARCHED)]
        if (steps != steps[:1]).any():
            return sequence
    return int(test[0])


def _known_targets(target: np.ndarray, data: Sequences) -> tuple[np.ndarray, str]:
    """Return what predictions should be, NaN where there is no target, and of what."""
    known, head = sequences.present(target), sequences.head_of(data.targets)[0]
    return np.where(known, 1.0 if head == "multiclass" else target, np.nan), {
        "regression": "value",
        "binary": "probability of class 1",
        "multiclass": "probability of the right class",
    }[head]


def _of_right_class(predictions: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return values, or the probability of class 1; of more classes, of the right one.

    Where there is no target, that of the next step that has one, or else of the last.

    Example:
        >>> predictions = np.array([[0.5, 0.5, 0], [0.1, 0.1, 0.8], [0, 0.75, 0.25]])
        >>> _of_right_class(predictions, np.array([-1, 2, 1]))
        array([0.  , 0.8 , 0.75])
    """
    if predictions.shape[1] == 1:
        return predictions[:, 0]
    right = pd.Series(target).where(target >= 0).bfill().ffill().fillna(0).astype(int)
    return np.take_along_axis(predictions, right.to_numpy()[:, None], axis=1)[:, 0]


def _differences(predicted: dict[str, np.ndarray], step: np.ndarray) -> dict[str, Any]:
    """Say by how much predictions differ when state is not carried."""
    carried = predicted["stateful"]
    difference = np.abs(carried - predicted.get("stateless", carried))
    return {
        "difference": number(float(difference.mean())),
        "largest": number(float(difference.max())),
        "at": int(step[difference.argmax()]),
    }


def _class_in_words(label: str) -> str:
    file = paths.SEQUENCES / NAMES_FILE
    if label != "probability of class 1" or not file.exists():
        return ""
    return f"class 1 is “{files.read_json(file)['classes'][1]}”"
