"""Make the sequences."""

from pathlib import Path

import numpy as np

from statelab import arrays, command, params, tasks
from statelab.sequences import at_the_end


def main(sequences: Path) -> None:
    task = params.load("generate")
    make, label = tasks.TASKS[task.pop("task")], task.pop("label")
    rng = np.random.default_rng((params.load("seed"), 0))  # a stream of its own
    made = make(**task, rng=rng)
    arrays.write(sequences, at_the_end(made) if label == "end" else made)


if __name__ == "__main__":
    command.run(main)
