"""Train one mode: its weights, its answers, and how it went."""

import os
import sys
from pathlib import Path
from statistics import median
from typing import Any

from statelab import arrays, command, params, results, scaling, workspace
from statelab.journal import Journal
from statelab.layouts import Windows
from statelab.progress import Progress
from statelab.sequences import Sequences

with command.quiet_import():
    from statelab import checkpoints, experiment, models


def main(
    mode: command.Mode,
    sequences: Path,
    windows: Path,
    model: Path,
    predictions: Path,
    metrics: Path,
    history: Path,
    timing: Path,
    usage: Path,
) -> None:
    stage = f"train_{mode}"
    settings = {
        "stateful": mode is command.Mode.STATEFUL,
        "seed": params.load("seed"),
        **params.load("model"),
        **params.load(stage),
    }
    with workspace.only_writer(stage, model):
        data = arrays.read(sequences, Sequences), arrays.read(windows, Windows)
        scale = scaling.read(windows / "scaling")
        watcher = Progress(stage, settings["epochs"])
        with (
            checkpoints.of(settings, *data, scale) as (resume, keep),
            Journal(history, _log_so_far(stage)) as journal,
        ):

            def note(standing: experiment.Standing) -> None:
                keep(standing)
                journal.note(standing.history)

            trained = experiment.train(
                *data, watcher, scaling=scale, resume=resume, keep=note, **settings
            )
            results.write_table(usage, journal.usage())
            models.write(model, trained.weights, trained.network._asdict(), scale)
            results.write_json(
                model / "data.json", _learnt_from(sequences, windows, **settings)
            )
            results.write_predictions(
                predictions,
                results.Predictions(trained.answers, trained.visible_from),
            )
            results.write_table(history, trained.history)
            results.write_json(metrics, _last_scores(trained))
            results.write_json(timing, _timing(trained.seconds, settings["seeds"]))


def _log_so_far(stage: str) -> list[str]:
    """Return what shows a training in MLflow while it runs; nothing without DVC."""
    if "DVC_STAGE" not in os.environ:
        return []
    return [sys.executable, "stages/log.py", stage, "--so-far", str(os.getpid())]


def _learnt_from(
    sequences: Path, windows: Path, *, reset: str = "sequence", **_: object
) -> dict[str, Any]:
    """Say what a network takes, for those who give it more of the same."""
    told = {"layout": results.read_json(windows / "layout.json"), "reset": reset}
    names = sequences / "names.json"
    if names.exists():
        known = results.read_json(names)
        told |= {name: known[name] for name in ("features", "classes", "read")}
    return told


def _last_scores(trained: experiment.Trained) -> dict[str, float]:
    last = trained.history.groupby("seed").last()  # a network may have stopped early
    means = last.drop(columns="epoch").mean().to_dict()
    return {"updates": trained.updates, **means}


def _timing(seconds: list[float], seeds: int) -> dict[str, float]:
    first, *later = seconds
    return {
        "seconds_first_epoch": round(first, 4),
        "seconds_per_epoch": round(median(later or [first]), 4),
        "seeds": seeds,
    }


if __name__ == "__main__":
    command.run(main)
