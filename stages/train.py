"""Train one mode: its weights, its predictions, and how it went."""

import os
import sys
from contextlib import ExitStack
from statistics import median
from typing import Any, NamedTuple

from statelab.baselines.naive import forecast_of
from statelab.config import params
from statelab.config.modes import IN_USE, Mode
from statelab.config.settings import Training
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.evaluation import selection
from statelab.evaluation.variants import Variant
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import write_predictions
from statelab.pipeline import command, paths, workspace
from statelab.pipeline.live_log import LiveLog
from statelab.pipeline.progress import Progress
from statelab.samples import scaling, splitting, target_changes
from statelab.samples.scaling import Scaling
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import LAYOUT_FILE, Windows, rewindow

with command.lean_import():
    from statelab.networks import saving
    from statelab.training import checkpoints, trainer
    from statelab.training.trainer import Trained


class _Split(NamedTuple):
    """The data of a split."""

    inputs: Sequences  # that networks are given: the user's, or changes
    units: UserUnits
    windows: Windows
    scaling: Scaling | None


def main(mode: Mode) -> None:
    stage = f"train_{mode}"
    with workspace.only_writer(stage, paths.model(mode)):
        splits = _splits()
        loaded = params.load()
        training = Training(loaded.model, getattr(loaded, stage), loaded.seed)
        with (
            ExitStack() as until_written,
            LiveLog(paths.live_history(mode), _log_so_far(stage)) as live_log,
        ):

            def train(variant: Variant, number: int) -> Trained:
                split, settings = splits[number], variant.training.settings
                cut = rewindow(split.windows, **variant.layout)
                resume, save = until_written.enter_context(
                    checkpoints.of(
                        variant.training, split.inputs, cut, split.scaling, split.units
                    )
                )
                what = _said(variant, number, training.settings.learning_rate)

                def on_checkpoint(progress: trainer.TrainingProgress) -> None:
                    save(progress)
                    if not what:
                        live_log.note(progress.history)

                return trainer.train(
                    split.inputs,
                    cut,
                    variant.training,
                    progress=Progress(f"{stage}{what}", settings.epochs),
                    scaling=split.scaling,
                    units=split.units,
                    resume=resume,
                    on_checkpoint=on_checkpoint,
                )

            selected = selection.select(
                splits[0].units.data,
                [split.windows for split in splits],
                training,
                loaded.train_stateful,
                forecast_of(paths.SEQUENCES / NAMES_FILE, loaded.evaluate.season),
                train,
            )
            chosen, in_use = selected.chosen, selected.in_use
            folder = paths.model(mode)
            csv_files.write(paths.usage(mode), live_log.usage())
            saving.write(folder, chosen.weights, chosen.architecture, splits[0].scaling)
            data = _training_data(selected.variant)
            files.write_json(folder / saving.DATA_FILE, data)
            write_predictions(paths.predictions(mode), selected.predictions)
            csv_files.write(paths.history(mode), in_use.history)
            files.write_json(paths.timing(mode), _timing(in_use, len(training.seeds)))


def _splits() -> list[_Split]:
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    return [
        _Split(
            target_changes.read_inputs(folder, sequences),
            UserUnits(sequences, target_changes.read(folder)),
            arrays.read(folder, Windows),
            scaling.read(folder / scaling.FOLDER),
        )
        for folder in splitting.folders(paths.WINDOWS)
    ]


def _said(variant: Variant, number: int, rate: float) -> str:
    """Say how a training differs from what is in use; nothing of that itself."""
    if number:
        return f", split {number + 1}"
    if variant.name != IN_USE:
        return f", {variant.name}"
    own = variant.training.settings.learning_rate
    return "" if own == rate else f", learning rate {own:g}"


def _log_so_far(stage: str) -> list[str]:
    """Return what shows a training in MLflow while it runs; nothing without DVC."""
    if "DVC_STAGE" not in os.environ:
        return []
    return [sys.executable, "stages/log.py", stage, "--so-far", str(os.getpid())]


def _training_data(variant: Variant) -> dict[str, Any]:
    """Say what a network takes, for those who give it more of the same."""
    settings = variant.training.settings
    data = {
        "variant": variant.name,
        "layout": variant.layout or files.read_json(paths.WINDOWS / LAYOUT_FILE),
        "reset": settings.reset if settings.stateful else "sequence",
    }
    file = paths.SEQUENCES / NAMES_FILE
    if file.exists():
        names = files.read_json(file)
        data |= {name: names[name] for name in ("features", "classes", "read")}
    change = target_changes.read(paths.WINDOWS)
    if change is not None:
        data["change"] = change._asdict()
    return data


def _timing(trained: Trained, seeds: int) -> dict[str, float]:
    first, *later = trained.seconds
    return {
        "seconds_first_epoch": round(first, 4),  # it compiles
        "seconds_per_epoch": round(median(later or [first]), 4),
        "updates": trained.updates,  # of each network
        "seeds": seeds,
    }


if __name__ == "__main__":
    command.run(main)
