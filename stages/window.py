"""Split the sequences, and cut them into samples."""

from pathlib import Path

from statelab import arrays, command, layouts, params
from statelab.sequences import Sequences


def main(sequences: Path, windows: Path) -> None:
    read = arrays.read(sequences, Sequences)
    table = layouts.cut(read, seed=params.load("seed"), **params.load("window"))
    arrays.write(windows, table)


if __name__ == "__main__":
    command.run(main)
