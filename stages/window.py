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
    splits = splitting.count_of(sequences, settings.window, settings.evaluate.splits)
    for number in range(splits):
        windows = splitting.split_and_window(
            sequences,
            settings.window,
            seed=settings.seed,
            horizon=settings.generate.horizon,
            given=read_split(paths.SEQUENCES),
            number=number,
        )
        folder = splitting.folder_of(paths.WINDOWS, number)
        arrays.write(folder, windows)
        if scaling.applies(settings.window.scaling, settings.generate.source):
            arrays.write(folder / scaling.FOLDER, scaling.fit(sequences, windows))
        if number == 0:
            for note in dropped_notes(windows):
                print(f"{paths.SEQUENCES}: {note}", file=sys.stderr)
    layout = layout_settings(dict(settings.window))
    files.write_json(paths.WINDOWS / LAYOUT_FILE, layout)


if __name__ == "__main__":
    command.run(main)
