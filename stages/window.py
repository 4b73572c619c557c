"""Split the sequences, and cut them into samples."""

import sys
from pathlib import Path

from statelab import arrays, command, layouts, params, results, scaling
from statelab.sequences import Sequences


def main(sequences: Path, windows: Path) -> None:
    read = arrays.read(sequences, Sequences)
    asked, made = params.load("window"), params.load("generate")
    table = layouts.cut(
        read, seed=params.load("seed"), horizon=made["horizon"], **asked
    )
    arrays.write(windows, table)
    results.write_json(windows / "layout.json", layouts.layout_of(**asked))
    if scaling.wanted(asked["scaling"], made["source"]):
        arrays.write(windows / "scaling", scaling.fit(read, table))
    for note in layouts.notes(table):
        print(f"{sequences}: {note}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
