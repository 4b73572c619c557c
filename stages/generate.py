"""Make the sequences."""

from pathlib import Path

from statelab import arrays, command, params, tasks


def main(sequences: Path) -> None:
    made = tasks.make(seed=params.load("seed"), **params.load("generate"))
    arrays.write(sequences, made)


if __name__ == "__main__":
    command.run(main)
