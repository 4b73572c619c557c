"""Split the sequences, and cut them into samples."""

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


if __name__ == "__main__":
    command.run(main)
