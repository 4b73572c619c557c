"""Train one mode: its weights, its predictions, and how it went."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any, NamedTuple

from statelab.baselines.naive import forecast_of
from statelab.config import params
from statelab.config.modes import IN_USE, Mode
from statelab.config.settings import Training
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.evaluation import choice, convergence, variants
from statelab.evaluation.variants import Variant
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import Predictions, write_predictions
from statelab.networks.scores import OF_HEAD
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

    number: int
    sequences: Sequences  # in the user's units
    inputs: Sequences  # that networks are given: the same, or changes
    units: UserUnits
    windows: Windows
    scaling: Scaling | None


def main(mode: Mode) -> None:
    stage = f"train_{mode}"
    with workspace.only_writer(stage, paths.model(mode)):
        first, *later = _splits()
        loaded = params.load()
        training = Training(loaded.model, getattr(loaded, stage), loaded.seed)
        forecast = forecast_of(paths.SEQUENCES / NAMES_FILE, loaded.evaluate.season)
        in_use, *others = variants.of(
            first.sequences, first.windows, training, loaded.train_stateful, forecast
        )
        with (
            ExitStack() as until_written,
            LiveLog(paths.live_history(mode), _log_so_far(stage)) as live_log,
        ):

            def train(variant: Variant, split: _Split = first) -> Trained:
                cut = rewindow(split.windows, **variant.layout)
                resume, save = until_written.enter_context(
                    checkpoints.of(
                        variant.training, split.inputs, cut, split.scaling, split.units
                    )
                )

                def on_checkpoint(progress: trainer.TrainingProgress) -> None:
                    save(progress)
                    if variant is in_use:
                        live_log.note(progress.history)

                what = "" if variant is in_use else f", {_said(variant, split)}"
                return trainer.train(
                    split.inputs,
                    cut,
                    variant.training,
                    progress=Progress(
                        f"{stage}{what}", variant.training.settings.epochs
                    ),
                    scaling=split.scaling,
                    units=split.units,
                    resume=resume,
                    on_checkpoint=on_checkpoint,
                )

            used, trained = _at_the_best_rate(in_use, train)
            weights = [trained.weights]
            predicted = [_recorded(first, used, trained)]
            rate = used.training.settings.learning_rate
            tried = [used, *(variants.with_rate(other, rate) for other in others)]
            for other in tried[1:]:
                other_trained = train(other)
                weights.append(other_trained.weights)
                predicted.append(_recorded(first, other, other_trained))
            number = choice.choose(first.sequences, first.windows, predicted)
            predicted[number] = predicted[number]._replace(chosen=True)
            best = tried[number]
            total = variants.budget(first.sequences, first.windows, best)
            for split in later:
                own = variants.on_another_split(
                    split.sequences, split.windows, best, total
                )
                again = _recorded(split, own, train(own, split))
                predicted.append(again._replace(chosen=True))
            folder = paths.model(mode)
            csv_files.write(paths.usage(mode), live_log.usage())
            saving.write(folder, weights[number], trained.architecture, first.scaling)
            files.write_json(folder / saving.DATA_FILE, _training_data(best))
            write_predictions(paths.predictions(mode), predicted)
            csv_files.write(paths.history(mode), trained.history)
            files.write_json(paths.timing(mode), _timing(trained, len(training.seeds)))


def _splits() -> list[_Split]:
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    return [
        _Split(
            number,
            sequences,
            target_changes.read_inputs(folder, sequences),
            UserUnits(sequences, target_changes.read(folder)),
            arrays.read(folder, Windows),
            scaling.read(folder / scaling.FOLDER),
        )
        for number, folder in enumerate(splitting.folders(paths.WINDOWS))
    ]


def _at_the_best_rate(
    in_use: Variant, train: Callable[[Variant], Trained]
) -> tuple[Variant, Trained]:
    """Train what is in use at each learning rate, and keep the best on validation."""
    best, trained = in_use, train(in_use)
    for rate in variants.other_rates(in_use):
        other = variants.with_rate(in_use, rate)
        other_trained = train(other)
        if _score(other, other_trained) > _score(best, trained):
            best, trained = other, other_trained
    return best, trained


def _score(variant: Variant, trained: Trained) -> float:
    """Return what a training came to; higher is better."""
    settings = variant.training.settings
    best = settings.patience is not None
    reached = convergence.reached(trained.history, settings.epochs, best=best)
    return OF_HEAD[trained.architecture.head].main.sign * float(reached.mean())


def _said(variant: Variant, split: _Split) -> str:
    if split.number:
        return f"split {split.number + 1}"
    if variant.name != IN_USE:
        return variant.name
    return f"learning rate {variant.training.settings.learning_rate:g}"


def _recorded(split: _Split, variant: Variant, trained: Trained) -> Predictions:
    recorded = variants.recorded(
        split.sequences,
        split.windows,
        variant,
        trained.history,
        trained.predictions,
        trained.visible_from,
    )
    return recorded._replace(split=split.number)


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
