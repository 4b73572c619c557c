"""Fit the simple methods that networks are compared to."""

from statelab.baselines import simple, stored
from statelab.baselines.naive import forecast_of
from statelab.config import params
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.io import arrays
from statelab.pipeline import command, paths
from statelab.samples import splitting
from statelab.samples.windows import Windows


def main() -> None:
    settings = params.load()
    if settings.generate.source == "task":  # whose ceiling is known
        none = [[] for _ in splitting.folders(paths.WINDOWS)]
        stored.write(paths.BASELINES, none)
        return
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    season = settings.evaluate.season
    forecast = forecast_of(paths.SEQUENCES / NAMES_FILE, season)
    by_split = [
        simple.of(sequences, arrays.read(folder, Windows), forecast)
        for folder in splitting.folders(paths.WINDOWS)
    ]
    for baseline in by_split[0]:
        if baseline.detail:
            print(f"{baseline.name}: {baseline.detail}")
    stored.write(paths.BASELINES, by_split)


if __name__ == "__main__":
    command.run(main)
