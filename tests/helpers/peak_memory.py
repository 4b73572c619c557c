"""Trains on the sequences of a folder, mapped, and prints the peak of its memory.

A process of its own: the peak is that of a whole life. Linux alone tells it.
"""

import sys
from pathlib import Path

import numpy as np
from small_trainings import training

from statelab.data.sequences import SPLITS, Sequences
from statelab.io import arrays
from statelab.pipeline.progress import Silent
from statelab.samples.windows import make_windows
from statelab.training import checkpoints, trainer

TRAINING = training(
    stateful=False,
    seed=0,
    seeds=1,
    cell="simple_rnn",  # and one unit: it is not arithmetic that is measured
    units=1,
    epochs=1,
    batch_size=1024,
    learning_rate=0.001,
)


def main(folder: Path) -> None:
    sequences = arrays.read(folder, Sequences)
    split = np.full(len(sequences.offsets) - 1, SPLITS["train"], np.int8)
    split[-1] = SPLITS["test"]
    windows = make_windows(
        sequences.offsets,
        split,
        layout="subsampled",
        window_length=100,
        stride=1,
        segment_length=1,
    )
    with checkpoints.of(TRAINING, sequences, windows) as (resume, on_checkpoint):
        trainer.train(
            sequences,
            windows,
            TRAINING,
            progress=Silent(),
            resume=resume,
            on_checkpoint=on_checkpoint,
        )
    status = dict(
        line.split(":") for line in Path("/proc/self/status").read_text().splitlines()
    )
    print(int(status["VmHWM"].split()[0]) * 1024)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
