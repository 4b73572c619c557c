"""Train one mode: its weights, its answers, and how it went."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from statelab.config import params
from statelab.data.sequences import Sequences
from statelab.evaluation import variants
from statelab.evaluation.variants import Variant
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import Predictions, write_predictions
from statelab.pipeline import command, workspace
from statelab.pipeline.live_log import LiveLog
from statelab.pipeline.progress import Progress
from statelab.samples import scaling
from statelab.samples.windows import Windows, rewindow

with command.lean_import():
    from statelab.networks import saving
    from statelab.training import checkpoints, trainer


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
    with workspace.only_writer(stage, model):
        data, table = arrays.read(sequences, Sequences), arrays.read(windows, Windows)
        scale = scaling.read(windows / "scaling")
        in_use, *others = variants.of(
            table,
            stateful=mode is command.Mode.STATEFUL,
            seed=params.read()["seed"],
            **params.read()["model"],
            **params.read()[stage],
        )
        settings = in_use.settings
        with (
            ExitStack() as until_written,
            LiveLog(history, _log_so_far(stage)) as journal,
        ):

            def trained_as(variant: Variant) -> trainer.Trained:
                cut = rewindow(table, **variant.layout)
                resume, keep = until_written.enter_context(
                    checkpoints.of(variant.settings, data, cut, scale)
                )

                def note(standing: trainer.TrainingProgress) -> None:
                    keep(standing)
                    if variant is in_use:
                        journal.note(standing.history)

                named = "" if variant is in_use else f", {variant.name}"
                watcher = Progress(stage + named, settings["epochs"])
                return trainer.train(
                    data,
                    cut,
                    watcher,
                    scaling=scale,
                    resume=resume,
                    keep=note,
                    **variant.settings,
                )

            trained = trained_as(in_use)
            answered = [_answered(in_use, trained)]
            answered += [_answered(each, trained_as(each)) for each in others]
            csv_files.write(usage, journal.usage())
            saving.write(model, trained.weights, trained.network._asdict(), scale)
            files.write_json(
                model / "data.json", _learnt_from(sequences, windows, **settings)
            )
            write_predictions(predictions, answered)
            csv_files.write(history, trained.history)
            files.write_json(metrics, _last_scores(trained))
            files.write_json(timing, _timing(trained.seconds, settings["seeds"]))


def _answered(variant: Variant, trained: trainer.Trained) -> Predictions:
    return Predictions(
        variant.name,
        variant.layout,
        variant.gradient_window,
        trained.answers,
        trained.visible_from,
    )


def _log_so_far(stage: str) -> list[str]:
    """Return what shows a training in MLflow while it runs; nothing without DVC."""
    if "DVC_STAGE" not in os.environ:
        return []
    return [sys.executable, "stages/log.py", stage, "--so-far", str(os.getpid())]


def _learnt_from(
    sequences: Path, windows: Path, *, reset: str = "sequence", **_: object
) -> dict[str, Any]:
    """Say what a network takes, for those who give it more of the same."""
    told = {"layout": files.read_json(windows / "layout.json"), "reset": reset}
    names = sequences / "names.json"
    if names.exists():
        known = files.read_json(names)
        told |= {name: known[name] for name in ("features", "classes", "read")}
    return told


def _last_scores(trained: trainer.Trained) -> dict[str, float]:
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
