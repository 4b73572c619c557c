"""How long a training takes, and how much memory, told by its first seconds."""

import resource
import sys
import time
from typing import Any, NamedTuple

import pandas as pd

from statelab.data.sequences import Sequences, head_of
from statelab.samples.scaling import Scaling
from statelab.samples.windows import Windows
from statelab.training import trainer
from statelab.training.trainer import TrainingProgress

SECONDS = 2.0  # of training, once it is compiled
PER_ANSWER = 64  # bytes, besides the answer itself: what it may depend on, its place


class Estimate(NamedTuple):
    """What a whole training takes, about."""

    seconds: float  # compilation counted
    memory: int  # bytes, at the peak


class _Enough(Exception):
    pass


class _Silent:
    def resumed(self, epoch: int, batch: int, done: int) -> None: ...

    def batches(self, done: int, total: int) -> None: ...

    def epoch(self, epoch: int, lines: pd.DataFrame) -> None: ...

    def done(self) -> None: ...


def estimate(
    sequences: Sequences,
    windows: Windows,
    scaling: Scaling | None,
    *,
    epochs: int,
    seeds: int,
    **settings: Any,
) -> Estimate:
    """Train for some seconds, and say what the whole of it takes.

    Where an epoch takes longer than that, the answers after each are not counted.

    Args:
        sequences, windows, scaling, epochs, seeds, settings: as in `trainer.train`.
    """
    started = time.perf_counter()
    marks: list[tuple[float, float]] = []  # seconds, and epochs done by then

    def keep(standing: TrainingProgress) -> None:
        run = standing.run
        scored = run.batch == 0  # the answers after an epoch are there
        done = standing.epoch + (0 if scored else run.batch / run.batches)
        if scored and standing.epoch == 1:
            marks.clear()  # what follows is how every epoch goes on
        marks.append((time.perf_counter() - started, done))
        (first, begun), (last, done) = marks[0], marks[-1]
        if last - first > SECONDS and done > begun:
            raise _Enough

    try:
        trainer.train(
            sequences,
            windows,
            _Silent(),
            scaling=scaling,
            epochs=epochs,
            seeds=seeds,
            keep=keep,
            **settings,
        )
        seconds = time.perf_counter() - started
    except _Enough:
        (first, begun), (last, done) = marks[0], marks[-1]
        seconds = first + (epochs - begun) * (last - first) / (done - begun)
    unit = 1 if sys.platform == "darwin" else 1024  # of what the system tells
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    each = 4 * seeds * head_of(sequences.targets)[1] + PER_ANSWER
    return Estimate(seconds, peak + each * int(windows.answers[-1]))
