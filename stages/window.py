"""Split the sequences, and cut them into samples."""

from pathlib import Path

from statelab import arrays, command, layouts, params, scaling
from statelab.sequences import Sequences


def main(sequences: Path, windows: Path) -> None:
    read = arrays.read(sequences, Sequences)
    asked, source = params.load("window"), params.load("generate")["source"]
    scaled = scaling.wanted(asked.pop("scaling"), source)
    table = layouts.cut(read, seed=params.load("seed"), **asked)
    arrays.write(windows, table)
    if scaled:
        arrays.write(windows / "scaling", scaling.fit(read, table))


if __name__ == "__main__":
    command.run(main)
