"""The pieces of a comparison: one training each, which needs none of the others."""

from collections.abc import Callable
from typing import Any, NamedTuple

from statelab.config.settings import Training
from statelab.data.sequences import Sequences
from statelab.pipeline.progress import Silent
from statelab.samples.scaling import Scaling
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, rewindow
from statelab.training import trainer
from statelab.training.trainer import ProgressCallback, Trained, TrainingProgress


class Split(NamedTuple):
    """The data of a split."""

    inputs: Sequences  # that networks are given: the user's, or changes
    units: UserUnits
    windows: Windows
    scaling: Scaling | None

    def cut(self, layout: dict[str, Any]) -> "Split":
        """Return the split with its samples cut in another layout; empty: as they are.

        Args:
            layout: as `samples.windows.rewindow` takes it.
        """
        return self._replace(windows=rewindow(self.windows, **layout))


class Comparison(NamedTuple):
    """What all pieces of a comparison have in common."""

    splits: list[Split]
    training: Training  # that is in use


def train_piece(
    comparison: Comparison, number: int, layout: dict[str, Any], training: Training
) -> Trained:
    """Train on a split, and show nothing: what a worker does.

    Args:
        comparison: with the data of all pieces.
        number: which split.
        layout: how samples are cut, as in `Split.cut`.
        training: the network, how it is trained, and the first seed.

    Returns:
        As `trainer.train`.
    """
    split = comparison.splits[number].cut(layout)
    return train_on(split, training, progress=Silent())


def train_on(
    split: Split,
    training: Training,
    *,
    progress: ProgressCallback,
    resume: TrainingProgress | None = None,
    on_checkpoint: Callable[[TrainingProgress], None] = lambda _: None,
) -> Trained:
    """Train on a split that is cut already.

    Args:
        split: the data.
        training, progress, resume, on_checkpoint: as in `trainer.train`.

    Returns:
        As `trainer.train`.
    """
    return trainer.train(
        split.inputs,
        split.windows,
        training,
        progress=progress,
        scaling=split.scaling,
        units=split.units,
        resume=resume,
        on_checkpoint=on_checkpoint,
    )
