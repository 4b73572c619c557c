"""Split the sequences, and cut them into samples."""

import sys

from statelab.baselines import season
from statelab.baselines.naive import Forecast
from statelab.config import params
from statelab.config.settings import Params
from statelab.data.sequences import NAMES_FILE, Sequences, read_split
from statelab.errors import UserError
from statelab.io import arrays, files
from statelab.pipeline import command, paths
from statelab.samples import scaling, splitting, target_changes
from statelab.samples.target_changes import TargetChange
from statelab.samples.windows import (
    LAYOUT_FILE,
    Windows,
    dropped_notes,
    layout_settings,
)


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
        inputs, change = sequences, _change(settings, sequences, windows)
        if change is not None:
            inputs = target_changes.changed(sequences, change)
            target_changes.write(folder, inputs, change)
        if scaling.applies(settings.window.scaling, settings.generate.source):
            arrays.write(folder / scaling.FOLDER, scaling.fit(inputs, windows))
        if number == 0:
            for note in dropped_notes(windows):
                print(f"{paths.SEQUENCES}: {note}", file=sys.stderr)
    layout = layout_settings(dict(settings.window))
    files.write_json(paths.WINDOWS / LAYOUT_FILE, layout)


def _change(
    settings: Params, sequences: Sequences, windows: Windows
) -> TargetChange | None:
    """Return how targets are changed; a season is guessed on each split's own train."""
    kind = settings.window.target
    if kind == target_changes.LEVEL:
        return None
    forecast = files.read_json(paths.SEQUENCES / NAMES_FILE)["forecast"]
    change = TargetChange(kind, **forecast)
    if kind != target_changes.SEASONAL:
        return change
    given = Forecast(change.feature, change.horizon, settings.evaluate.season)
    recurs = season.of(sequences, windows, given)
    if recurs is None:
        raise UserError(
            "`evaluate.season` must be given for `window.target: seasonal_difference`, "
            "as nothing is found to recur in train. Received: null"
        )
    return change._replace(season=recurs)


if __name__ == "__main__":
    command.run(main)
