"""How long a training takes, and how much memory, by its first seconds."""

import resource
import sys
import time
from typing import NamedTuple

from statelab.config.settings import Training
from statelab.data.sequences import Sequences, head_of
from statelab.pipeline.progress import Silent
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows
from statelab.training import trainer
from statelab.training.trainer import TrainingProgress

SECONDS = 2.0  # of training, once it is compiled
PER_PREDICTION = 64  # bytes, besides itself: what it may depend on, its place


class Estimate(NamedTuple):
    """What a whole training takes, about."""

    seconds: float  # compilation counted
    memory: int  # bytes, at the peak


class _Enough(Exception):
    pass


def estimate(
    sequences: Sequences,
    windows: Windows,
    training: Training,
    scaling: Scaling | None = None,
) -> Estimate:
    """Train for some seconds, and say what the whole of it takes.

    Where an epoch takes longer than that, the predictions after it are not counted.

    Args:
        sequences, windows, training, scaling: as in `trainer.train`.
    """
    epochs = training.settings.epochs
    started = time.perf_counter()
    marks: list[tuple[float, float]] = []  # seconds, and epochs done by then

    def on_checkpoint(progress: TrainingProgress) -> None:
        state = progress.state
        scored = state.batch == 0  # the predictions after an epoch are there
        done = progress.epoch + (0 if scored else state.batch / state.batches)
        if scored and progress.epoch == 1:
            marks.clear()  # what follows is how every epoch goes on
        marks.append((time.perf_counter() - started, done))
        (first, begun), (last, done) = marks[0], marks[-1]
        if last - first > SECONDS and done > begun:
            raise _Enough

    try:
        trainer.train(
            sequences,
            windows,
            training,
            progress=Silent(),
            scaling=scaling,
            on_checkpoint=on_checkpoint,
        )
        seconds = time.perf_counter() - started
    except _Enough:
        (first, begun), (last, done) = marks[0], marks[-1]
        seconds = first + (epochs - begun) * (last - first) / (done - begun)
    unit = 1 if sys.platform == "darwin" else 1024  # of what the system tells
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    outputs = head_of(sequences.targets)[1]
    per_prediction = 4 * training.settings.seeds * outputs + PER_PREDICTION
    return Estimate(seconds, peak + per_prediction * int(windows.answers[-1]))
