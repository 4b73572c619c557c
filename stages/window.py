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
    loaded = params.load()
    data = arrays.read(sequences, Sequences)
    table = splitting.split_and_window(
        data, loaded.window, seed=loaded.seed, horizon=loaded.generate.horizon
    )
    arrays.write(windows, table)
    files.write_json(windows / "layout.json", layout_settings(dict(loaded.window)))
    if scaling.applies(loaded.window.scaling, loaded.generate.source):
        arrays.write(windows / "scaling", scaling.fit(data, table))
    for note in dropped_notes(table):
        print(f"{sequences}: {note}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
