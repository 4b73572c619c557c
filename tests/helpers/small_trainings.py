"""A small task to train on, and a progress callback that shows nothing."""

import numpy as np

from statelab.data.sequences import Sequences
from statelab.data.tasks import first_step
from statelab.samples.splitting import assign_splits
from statelab.samples.windows import (
    Windows,
    make_windows,
)


class Silent:
    def resumed(self, epoch, batch, done): ...

    def batches(self, done, total): ...

    def epoch(self, epoch, lines): ...

    def done(self): ...


def task_and_windows(**layout) -> tuple[Sequences, Windows]:
    """Six sequences to train on, four to validate on, two to test on."""
    rng = np.random.default_rng(0)
    task = first_step(sequences=12, length=4, rng=rng)
    codes = assign_splits(task.targets, test_size=2, validation_size=4, rng=rng)
    sizes = {"window_length": 2, "stride": 1, "segment_length": 1, **layout}
    return task, make_windows(task.offsets, codes, **sizes)
