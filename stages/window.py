"""Split the sequences, and cut them into samples."""

import sys
from pathlib import Path

from statelab import arrays, command, layouts, params, results, scaling
from statelab.sequences import Sequences


def main(sequences: Path, windows: Path) -> None:
    read = arrays.read(sequences, Sequences)
    asked, source = params.load("window"), params.load("generate")["source"]
    table = layouts.cut(read, seed=params.load("seed"), **asked)
    arrays.write(windows, table)
    results.write_json(windows / "layout.json", layouts.layout_of(**asked))
    if scaling.wanted(asked["scaling"], source):
        arrays.write(windows / "scaling", scaling.fit(read, table))
    short, count = layouts.too_short(table)
    if short:
        kind = "sequences" if asked["split"] == "sequence" else "parts of sequences"
        print(
            f"{sequences}: {short} of {count} {kind} are shorter than the window of "
            f"{asked['window_length']} steps: they have no sample",
            file=sys.stderr,
        )


if __name__ == "__main__":
    command.run(main)
