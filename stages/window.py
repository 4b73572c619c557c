"""Split the sequences, and cut them into samples."""

import sys

from statelab.config import params
from statelab.data.sequences import Sequences, read_split
from statelab.io import arrays, files
from statelab.pipeline import command, paths
from statelab.samples import scaling, splitting
from statelab.samples.windows import LAYOUT_FILE, dropped_notes, layout_settings


def main() -> None:
    settings = params.load()
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    windows = splitting.split_and_window(
        sequences,
        settings.window,
        seed=settings.seed,
        horizon=settings.generate.horizon,
        given=read_split(paths.SEQUENCES),
    )
    arrays.write(paths.WINDOWS, windows)
    layout = layout_settings(dict(settings.window))
    files.write_json(paths.WINDOWS / LAYOUT_FILE, layout)
    if scaling.applies(settings.window.scaling, settings.generate.source):
        fitted = scaling.fit(sequences, windows)
        arrays.write(paths.WINDOWS / scaling.FOLDER, fitted)
    for note in dropped_notes(windows):
        print(f"{paths.SEQUENCES}: {note}", file=sys.stderr)


if __name__ == "__main__":
    command.run(main)
