"""Split the sequences, and cut them into samples."""

from pathlib import Path

import numpy as np

from statelab import arrays, command, layouts, params
from statelab.sequences import Sequences, split, targets_at


def main(sequences: Path, windows: Path) -> None:
    window = params.load("window")
    read = arrays.read(sequences, Sequences)
    last = read.offsets[1:] - 1
    targets = targets_at(read, np.arange(len(last)), last)
    codes = split(
        targets if targets.dtype.kind == "i" else np.zeros(len(targets)),
        test_size=window.pop("test_size"),
        validation_size=window.pop("validation_size"),
        rng=np.random.default_rng((params.load("seed"), 1)),
    )
    arrays.write(windows, layouts.windows(read.offsets, codes, **window))


if __name__ == "__main__":
    command.run(main)
