"""Split the sequences, and cut them into samples."""

import sys
from pathlib import Path

from statelab.config import params
from statelab.data.sequences import Sequences
from statelab.io import arrays, files
from statelab.pipeline import command
from statelab.samples import scaling, splitting
from statelab.samples.windows import dropped_notes, layout_settings


def main(sequences: Path, windows: Path) -> None:
    read = arrays.read(sequences, Sequences)
    asked, made = params.read()["window"], params.read()["generate"]
    table = splitting.split_and_window(
        read, seed=params.read()["seed"], horizon=made["horizon"], **asked
    )
    arrays.write(windows, table)
    files.write_json(windows / "layout.json", layout_settings(**asked))
    if scaling.wanted(asked["scaling"], made["source"]):
        arrays.write(windows / "scaling", scaling.fit(read, table))
    for note in dropped_notes(table):
        print(f"{sequences}: {note}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
