"""Train one mode: its weights, its predictions, and how it went."""

import os
import sys
from concurrent.futures import as_completed
from contextlib import ExitStack, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from statelab.baselines.naive import forecast_of
from statelab.config import params
from statelab.config.modes import IN_USE, Mode
from statelab.config.settings import Training
from statelab.data.sequences import NAMES_FILE, Sequences, head_of
from statelab.evaluation import selection
from statelab.evaluation.scoring import with_target
from statelab.evaluation.selection import Selected
from statelab.evaluation.variants import Variant
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import write_predictions
from statelab.pipeline import command, paths, progress, workspace
from statelab.pipeline.live_log import LiveLog
from statelab.pipeline.progress import Progress
from statelab.samples import prediction_intervals, scaling, splitting, target_changes
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import LAYOUT_FILE, Windows

with command.lean_import():
    from statelab.networks import devices, saving
    from statelab.training import checkpoints, executors, pieces
    from statelab.training.executors import Workers
    from statelab.training.pieces import Comparison, Split
    from statelab.training.trainer import Trained, TrainingProgress


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
                split = splits[number].cut(variant.layout)
                resume, save = until_written.enter_context(
                    checkpoints.of(
                        variant.training,
                        split.inputs,
                        split.windows,
                        split.scaling,
                        split.units,
                    )
                )
                what = _said(variant, number, training.settings.learning_rate)

                def on_checkpoint(current: TrainingProgress) -> None:
                    save(current)
                    if not what:
                        live_log.note(current.history)

                return pieces.train_on(
                    split,
                    variant.training,
                    progress=Progress(
                        f"{stage}{what}", variant.training.settings.epochs
                    ),
                    resume=resume,
                    on_checkpoint=on_checkpoint,
                )

            def train_all(wanted: list[tuple[Variant, int]]) -> list[Trained]:
                if workers is None:
                    return [train(*each) for each in wanted]
                return _train_on(workers, wanted, stage)

            named = nullcontext()
            if executors.are_named():
                named = executors.from_environment(Comparison(splits, training))
            with named as workers:
                selected = selection.select(
                    splits[0].units.data,
                    [split.windows for split in splits],
                    training,
                    loaded.train_stateful,
                    forecast_of(paths.SEQUENCES / NAMES_FILE, loaded.evaluate.season),
                    train_all,
                )
            chosen, in_use = selected.chosen, selected.in_use
            folder = paths.model(mode)
            csv_files.write(paths.usage(mode), live_log.usage())
            saving.write(folder, chosen.weights, chosen.architecture, splits[0].scaling)
            _write_intervals(folder, splits[0], selected)
            data = _training_data(selected.variant)
            files.write_json(folder / saving.DATA_FILE, data)
            write_predictions(paths.predictions(mode), selected.predictions)
            csv_files.write(paths.history(mode), in_use.history)
            files.write_json(paths.timing(mode), _timing(in_use, len(training.seeds)))


def _train_on(
    workers: Workers, wanted: list[tuple[Variant, int]], stage: str
) -> list[Trained]:
    """Train variants on workers, each as soon as one is free, and say what is done."""
    futures = {
        workers.submit(
            pieces.train_piece, number, variant.layout, variant.training
        ): f"{variant.name}, rate {variant.training.settings.learning_rate:g}, "
        f"split {number + 1}"
        for variant, number in wanted
    }
    with progress.lines(stage, "trainings") as line:
        for future in as_completed(futures):
            trained, worker = future.result()
            line(f"{futures[future]}: {sum(trained.seconds):.1f} s on {worker}")
    return [future.result()[0] for future in futures]


def _splits() -> list[Split]:
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    return [
        Split(
            target_changes.read_inputs(folder, sequences),
            UserUnits(sequences, target_changes.read(folder)),
            arrays.read(folder, Windows),
            scaling.read(folder / scaling.FOLDER),
        )
        for folder in splitting.folders(paths.WINDOWS)
    ]


def _write_intervals(folder: Path, split: Split, selected: Selected[Trained]) -> None:
    """Write how wide prediction intervals are by errors on validation; of values."""
    sequences, change = split.units
    if head_of(sequences.targets)[0] != "regression":
        return
    windows = split.cut(selected.variant.layout).windows
    numbers, target = with_target(sequences, windows, "validation")
    calibration = prediction_intervals.calibrate(
        selected.chosen.predictions[:, numbers],
        target,
        of_logarithms=change is not None and change.kind == "log_difference",
    )
    prediction_intervals.write(folder, calibration)


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
        kept = ("features", "classes", "forecast", "read")
        data |= {name: names[name] for name in kept}
    change = target_changes.read(paths.WINDOWS)
    if change is not None:
        data["change"] = change._asdict()
    return data


def _timing(trained: Trained, seeds: int) -> dict[str, float | str]:
    first, *later = trained.seconds
    return {
        "seconds_first_epoch": round(first, 4),  # it compiles
        "seconds_per_epoch": round(median(later or [first]), 4),
        "updates": trained.updates,  # of each network
        "seeds": seeds,
        "device": devices.current().name,
    }


if __name__ == "__main__":
    command.run(main)
