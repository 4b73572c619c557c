"""Train one mode: its weights, its predictions, and how it went."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from statelab.config import params
from statelab.config.settings import StatefulSettings, StatelessSettings, Training
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
        asked = params.load()
        settings = getattr(asked, stage)
        training = Training(asked.model, settings, asked.seed)
        in_use, *others = variants.of(table, training)
        with (
            ExitStack() as until_written,
            LiveLog(history, _log_so_far(stage)) as journal,
        ):

            def trained_as(variant: Variant) -> trainer.Trained:
                cut = rewindow(table, **variant.layout)
                resume, save = until_written.enter_context(
                    checkpoints.of(variant.training, data, cut, scale)
                )

                def on_checkpoint(progress: trainer.TrainingProgress) -> None:
                    save(progress)
                    if variant is in_use:
                        journal.note(progress.history)

                named = "" if variant is in_use else f", {variant.name}"
                return trainer.train(
                    data,
                    cut,
                    variant.training,
                    progress=Progress(stage + named, settings.epochs),
                    scaling=scale,
                    resume=resume,
                    on_checkpoint=on_checkpoint,
                )

            trained = trained_as(in_use)
            predicted = [_predictions(in_use, trained)]
            predicted += [_predictions(other, trained_as(other)) for other in others]
            csv_files.write(usage, journal.usage())
            saving.write(model, trained.weights, trained.architecture, scale)
            files.write_json(
                model / "data.json", _training_data(sequences, windows, settings)
            )
            write_predictions(predictions, predicted)
            csv_files.write(history, trained.history)
            files.write_json(metrics, _last_scores(trained))
            files.write_json(timing, _timing(trained.seconds, settings.seeds))


def _predictions(variant: Variant, trained: trainer.Trained) -> Predictions:
    return Predictions(
        variant.name,
        variant.layout,
        variant.gradient_window,
        trained.predictions,
        trained.visible_from,
    )


def _log_so_far(stage: str) -> list[str]:
    """Return what shows a training in MLflow while it runs; nothing without DVC."""
    if "DVC_STAGE" not in os.environ:
        return []
    return [sys.executable, "stages/log.py", stage, "--so-far", str(os.getpid())]


def _training_data(
    sequences: Path, windows: Path, settings: StatelessSettings | StatefulSettings
) -> dict[str, Any]:
    """Say what a network takes, for those who give it more of the same."""
    reset = settings.reset if settings.stateful else "sequence"
    data = {"layout": files.read_json(windows / "layout.json"), "reset": reset}
    names = sequences / "names.json"
    if names.exists():
        known = files.read_json(names)
        data |= {name: known[name] for name in ("features", "classes", "read")}
    return data


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
