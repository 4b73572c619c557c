"""Make the sequences."""

from pathlib import Path

import numpy as np

from statelab import arrays, command, params, tasks


def main(sequences: Path) -> None:
    task = params.load("generate")
    make = tasks.TASKS[task.pop("task")]
    rng = np.random.default_rng((params.load("seed"), 0))  # a stream of its own
    arrays.write(sequences, make(**task, rng=rng))


if __name__ == "__main__":
    command.run(main)
