"""The files of a stage -> the run that shows them in MLflow.

Nothing that is not in a file is shown, so that a run can be made again, of results that
came out of the cache as well.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from statelab.config import defaults, params
from statelab.config.settings import TrainSettings
from statelab.data.sequences import Sequences
from statelab.evaluation import evaluation
from statelab.evaluation.evaluation import ModeScores
from statelab.formatting import in_steps
from statelab.io import arrays, csv_files, files
from statelab.lookback import search_result
from statelab.networks.scores import OF_HEAD
from statelab.pipeline import paths
from statelab.pipeline.stage_fingerprints import LOOKBACK, Result
from statelab.report import description, figures, model_facts
from statelab.samples import target_changes
from statelab.samples.windows import Windows, locate_samples, sample_lengths
from statelab.tracking import bundles
from statelab.tracking.bundles import Bundle, Trial

EXAMPLE_STEPS = 20  # of a request, where any number will do
SEARCHED = ("seed", "generate", "window", "model", "evaluate")  # decide a search


class Origin(NamedTuple):
    """Where a result comes from."""

    experiment: str | None  # of DVC; None for the workspace
    commit: str  # that it starts from; "none" before the first one


def build(
    result: Result, origin: Origin, root: Path, folder: Path, *, so_far: bool = False
) -> None:
    """Write the bundle of a run.

    Args:
        result: which the run is to show.
        origin: of the result.
        root: of the workspace that holds params.yaml, data/ and metrics/.
        folder: for the bundle.
        so_far: of a training under way, which has nothing but its history as yet.

    Raises:
        UserError: a file is missing.
    """
    read = defaults.filled(params.read(root))
    sequences = arrays.read(root / paths.SEQUENCES, Sequences)
    layout = read["window"]["layout"]
    if result.stage == "evaluate":
        mode, shown = "comparison", _comparison
    elif result.stage == LOOKBACK:  # which tries windows, whatever the layout in use
        layout, mode, shown = "subsampled", LOOKBACK, _search
    else:
        mode = result.stage.removeprefix("train_")
        shown = _training_so_far if so_far else _training
    with bundles.atomic_folder(folder) as part:
        contents = shown(mode, read, sequences, root, part)
        bundles.write(
            part,
            Bundle(
                stage=result.stage,
                fingerprint=result.fingerprint,
                name=f"{layout} {mode}, {origin.experiment or origin.commit[:7]}",
                experiment=origin.experiment,
                tags={
                    "layout": layout,
                    "mode": mode,
                    "git.commit": origin.commit,
                    **contents.pop("tags", {}),
                },
                dataset={
                    "name": model_facts.data_name(description.generate_settings(read)),
                    "digest": result.sequences,
                    "profile": {
                        "sequences": len(sequences.offsets) - 1,
                        "steps": len(sequences.values),
                        "features": sequences.values.shape[1],
                    },
                },
                **contents,
            ),
        )


def _training(
    mode: str, read: Mapping[str, Any], sequences: Sequences, root: Path, folder: Path
) -> dict[str, Any]:
    register = (read.get("tracking") or {}).get("register")
    timing = files.read_json(root / paths.timing(mode))
    described = description.describe(mode, read, root)
    windows, history = described.windows, described.history
    _write_curves(folder, history)
    usage = csv_files.read(root / paths.usage(mode))
    _write_usage(folder, usage)
    shutil.copytree(root / paths.model(mode), folder / "model")
    network = described.architecture
    score = OF_HEAD[network.head].main.name
    timesteps = _timesteps(mode, windows)
    inputs = target_changes.read_inputs(root / paths.WINDOWS, sequences)
    np.save(folder / "example.npy", _example(inputs, windows, timesteps))
    shown = folder / "files"
    shown.mkdir()
    shutil.copy(root / paths.history(mode), shown / "history.csv")
    csv_files.write(shown / "scores.csv", described.table)
    (shown / "model_card.md").write_text(described.card)
    curve = figures.learning_curves({mode: history}, {mode: described.scores})
    (shown / "learning_curve.svg").write_bytes(figures.svg(curve))
    return {
        "params": _params_of_a_training(mode, read, described.trained),
        "tags": {
            "variant": described.variant,
            "device": timing.get("device", "CPU"),
        },
        "metrics": {
            **_figures(described.scores, score, score),
            "seconds_per_epoch": timing["seconds_per_epoch"],
        },
        "seconds": usage["seconds"].astype(float).max(),
        "note": described.card,
        "model": {
            "timesteps": timesteps,
            "features": network.features,
            "outputs": network.outputs,
            "width": network.state_width,
        },
        "register": register and registered(mode, register),
    }


def _training_so_far(
    mode: str, read: Mapping[str, Any], sequences: Sequences, root: Path, folder: Path
) -> dict[str, Any]:
    _write_curves(folder, csv_files.read(root / paths.live_history(mode)))
    return {"params": _params_of_a_training(mode, read, {}), "metrics": {}}


def _comparison(
    mode: str, read: Mapping[str, Any], sequences: Sequences, root: Path, folder: Path
) -> dict[str, Any]:
    hidden = shutil.ignore_patterns(".*")
    written = (root / paths.EVALUATION).parent
    shutil.copytree(written, folder / "files", ignore=hidden)
    evaluated = evaluation.read(root)
    verdict, score = evaluated.verdict, evaluated.score
    metrics = {} if verdict.difference is None else {"gain": verdict.difference.mean}
    for side, scored in evaluated.modes.items():
        metrics |= _figures(scored, score, side)
    for side, measured in evaluated.intervals.items():
        metrics[f"{side}.interval_coverage"] = measured.held
        metrics[f"{side}.interval_radius"] = measured.radius
    return {
        "params": params.flatten({k: v for k, v in read.items() if k != "tracking"}),
        "metrics": metrics,
        "tags": {"verdict": verdict.kind or "too few seeds"},
        "note": verdict.in_full(),
    }


def _search(
    mode: str, read: Mapping[str, Any], sequences: Sequences, root: Path, folder: Path
) -> dict[str, Any]:
    result = files.read_json(root / paths.LOOKBACK)
    trials = files.read_json(root / paths.TRIALS)["trials"]
    hidden = shutil.ignore_patterns(".*")
    written = (root / paths.LOOKBACK).parent
    shutil.copytree(written, folder / "files", ignore=hidden)
    # of each trial there are up to a hundred parts, which nobody reads in a table
    table = [{k: v for k, v in trial.items() if k != "parts"} for trial in trials]
    bundles.write_table(folder / "files" / paths.TRIALS.name, table)
    search = params.read(root / params.SEARCH)
    sections = {name: read[name] for name in SEARCHED}
    sections["search"] = {**search["search"], "model": search["model"]}
    score = result["score"]
    return {
        "params": params.flatten(sections),
        "metrics": {
            **search_result.headline(result),
            "best_window": result["best"],
            **{f"{score}.{k}": v["mean"] for k, v in result["scores"].items()},
        },
        "tags": {
            "smallest_window": str(result["smallest"]),
            "mlflow.loggedArtifacts": json.dumps(
                [{"path": paths.TRIALS.name, "type": "table"}]
            ),
        },
        "note": result["text"],
        "trials": _trials(trials, result["settings"])
        if search["tracking"]["child_runs"]
        else [],
    }


def _trials(
    trials: Iterable[Mapping[str, Any]], settings: Iterable[str]
) -> list[dict[str, Any]]:
    """Return the runs of the trials: their settings, scores, and what they took."""
    runs = []
    for trial in trials:
        spent = {k: v for k, v in trial.items() if k.startswith("seconds_")}
        seconds = sum(spent.values())
        steps = in_steps(trial["window_length"])
        run = Trial(
            name=f"trial {trial['trial']}, {trial['phase']}: {steps}",
            tags={name: str(trial[name]) for name in ("trial", "phase", "state")},
            params={name: trial[name] for name in settings},
            metrics={"score": trial["score"], "seconds": seconds, **spent},
            seconds=seconds,
        )
        runs.append(run._asdict())
    return runs


def _figures(scored: ModeScores, score: str, name: str) -> dict[str, float]:
    """Return the mean of a score under a name, and its interval and bound below it."""
    over_seeds, ceiling = scored.scores[score], scored.ceiling[score]
    figures = {
        name: over_seeds.mean,
        f"{name}.low": over_seeds.low,
        f"{name}.high": over_seeds.high,
        f"{name}.ceiling": ceiling,
    }
    if ceiling is None:
        figures[f"{name}.baseline"] = evaluation.best_baseline(scored, score)
    return {key: value for key, value in figures.items() if value is not None}


def _params_of_a_training(
    mode: str, read: Mapping[str, Any], decided: Mapping[str, Any]
) -> dict[str, Any]:
    """Return them, what both modes have named alike, so that it stands side by side.

    What one mode alone has keeps the name of its section, which MLflow lists behind.
    """
    sections = {name: read[name] for name in ("seed", "generate", "window", "model")}
    section = read[f"train_{mode}"] | decided
    of_both = {
        key: section[key] for key in section if key in TrainSettings.model_fields
    }
    own = {key: section[key] for key in section if key not in of_both}
    return params.flatten({**sections, "train": of_both, f"train_{mode}": own})


def _write_curves(folder: Path, history: pd.DataFrame) -> None:
    means = pd.DataFrame(history.drop(columns="seed").groupby("epoch").mean())
    bundles.write_series(folder, "epochs", means.add_prefix("epoch."))


def _write_usage(folder: Path, usage: pd.DataFrame) -> None:
    whole = usage.assign(seconds=usage["seconds"].round().astype(int))
    table = whole.drop_duplicates("seconds", keep="last").set_index("seconds")
    bundles.write_series(folder, "usage", table.add_prefix("system/"))


def _timesteps(mode: str, windows: Windows) -> int:
    """Return how many steps the model takes, -1 for any.

    Without state it has never seen more than one sample at a time.
    """
    shortest, longest = sample_lengths(windows)
    any_length = mode == "stateful" or shortest < longest
    return -1 if any_length else longest


def _example(sequences: Sequences, windows: Windows, timesteps: int) -> np.ndarray:
    """Return the first sample, or where any length will do its beginning,
    [1, timesteps, features]."""
    at = locate_samples(windows, np.zeros((), int))
    steps = min(at.length, EXAMPLE_STEPS) if timesteps == -1 else at.length
    return np.array(sequences.values[None, at.first : at.first + steps])


def registered(mode: str, register: str) -> str:
    """Return the name of a mode's model in MLflow's registry.

    Example:
        >>> registered("stateful", "glucose")
        'glucose-stateful'
    """
    return f"{register}-{mode}"
