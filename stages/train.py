"""Train one mode: its weights, its predictions, and how it went."""

import functools
import os
import sys
from contextlib import ExitStack
from statistics import median
from typing import Any

from statelab.config import params
from statelab.config.modes import Mode
from statelab.config.settings import StatefulSettings, StatelessSettings, Training
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.evaluation import variants
from statelab.evaluation.variants import Variant
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import Predictions, write_predictions
from statelab.pipeline import command, paths, workspace
from statelab.pipeline.live_log import LiveLog
from statelab.pipeline.progress import Progress
from statelab.samples import scaling
from statelab.samples.windows import LAYOUT_FILE, Windows, rewindow

with command.lean_import():
    from statelab.networks import saving
    from statelab.training import checkpoints, trainer


def main(mode: Mode) -> None:
    stage = f"train_{mode}"
    with workspace.only_writer(stage, paths.model(mode)):
        sequences = arrays.read(paths.SEQUENCES, Sequences)
        windows = arrays.read(paths.WINDOWS, Windows)
        fitted = scaling.read(paths.WINDOWS / scaling.FOLDER)
        loaded = params.load()
        settings = getattr(loaded, stage)
        training = Training(loaded.model, settings, loaded.seed)
        in_use, *others = variants.of(sequences, windows, training)
        with (
            ExitStack() as until_written,
            LiveLog(paths.live_history(mode), _log_so_far(stage)) as live_log,
        ):

            def train(variant: Variant) -> trainer.Trained:
                cut = rewindow(windows, **variant.layout)
                resume, save = until_written.enter_context(
                    checkpoints.of(variant.training, sequences, cut, fitted)
                )

                def on_checkpoint(progress: trainer.TrainingProgress) -> None:
                    save(progress)
                    if variant is in_use:
                        live_log.note(progress.history)

                label = stage if variant is in_use else f"{stage}, {variant.name}"
                return trainer.train(
                    sequences,
                    cut,
                    variant.training,
                    progress=Progress(label, variant.training.settings.epochs),
                    scaling=fitted,
                    resume=resume,
                    on_checkpoint=on_checkpoint,
                )

            trained = train(in_use)
            updates = functools.partial(variants.updates, sequences, windows)
            predicted = [_predictions(in_use, trained, updates(in_use))]
            predicted += [
                _predictions(other, train(other), updates(other)) for other in others
            ]
            folder = paths.model(mode)
            csv_files.write(paths.usage(mode), live_log.usage())
            saving.write(folder, trained.weights, trained.architecture, fitted)
            files.write_json(folder / saving.DATA_FILE, _training_data(settings))
            write_predictions(paths.predictions(mode), predicted)
            csv_files.write(paths.history(mode), trained.history)
            files.write_json(paths.timing(mode), _timing(trained, settings.seeds))


def _predictions(
    variant: Variant, trained: trainer.Trained, updates: int | None
) -> Predictions:
    return Predictions(
        variant.name,
        variant.layout,
        variant.gradient_window,
        updates,
        trained.predictions,
        trained.visible_from,
    )


def _log_so_far(stage: str) -> list[str]:
    """Return what shows a training in MLflow while it runs; nothing without DVC."""
    if "DVC_STAGE" not in os.environ:
        return []
    return [sys.executable, "stages/log.py", stage, "--so-far", str(os.getpid())]


def _training_data(settings: StatelessSettings | StatefulSettings) -> dict[str, Any]:
    """Say what a network takes, for those who give it more of the same."""
    reset = settings.reset if settings.stateful else "sequence"
    data = {"layout": files.read_json(paths.WINDOWS / LAYOUT_FILE), "reset": reset}
    file = paths.SEQUENCES / NAMES_FILE
    if file.exists():
        names = files.read_json(file)
        data |= {name: names[name] for name in ("features", "classes", "read")}
    return data


def _timing(trained: trainer.Trained, seeds: int) -> dict[str, float]:
    first, *later = trained.seconds
    return {
        "seconds_first_epoch": round(first, 4),  # it compiles
        "seconds_per_epoch": round(median(later or [first]), 4),
        "updates": trained.updates,  # of each network
        "seeds": seeds,
    }


if __name__ == "__main__":
    command.run(main)
