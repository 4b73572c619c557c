"""Fit the simple methods that networks are compared to."""

from statelab.baselines import simple, stored
from statelab.baselines.naive import forecast_of
from statelab.config import params
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.io import arrays
from statelab.pipeline import command, paths
from statelab.samples.windows import Windows


def main() -> None:
    settings = params.load()
    if settings.generate.source == "task":  # whose ceiling is known
        stored.write(paths.BASELINES, [])
        return
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    windows = arrays.read(paths.WINDOWS, Windows)
    season = settings.evaluate.season
    forecast = forecast_of(paths.SEQUENCES / NAMES_FILE, season)
    found = simple.of(sequences, windows, forecast)
    for baseline in found:
        if baseline.detail:
            print(f"{baseline.name}: {baseline.detail}")
    stored.write(paths.BASELINES, found)


if __name__ == "__main__":
    command.run(main)
