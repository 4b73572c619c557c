"""Split the sequences, and cut them into samples."""

import sys
from pathlib import Path

from statelab.config import params
from statelab.data.sequences import Sequences
from statelab.io import arrays, predictions
from statelab.pipeline import command
from statelab.samples import scaling
from statelab.samples import windows as windows_


def main(sequences: Path, windows: Path) -> None:
    read = arrays.read(sequences, Sequences)
    asked, made = params.load("window"), params.load("generate")
    table = windows_.cut(
        read, seed=params.load("seed"), horizon=made["horizon"], **asked
    )
    arrays.write(windows, table)
    predictions.write_json(windows / "layout.json", windows_.layout_of(**asked))
    if scaling.wanted(asked["scaling"], made["source"]):
        arrays.write(windows / "scaling", scaling.fit(read, table))
    for note in windows_.notes(table):
        print(f"{sequences}: {note}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
