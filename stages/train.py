"""Train one mode: its weights, its answers, and how it went."""

from enum import StrEnum
from pathlib import Path
from statistics import median

from statelab import arrays, command, params, results
from statelab.layouts import Windows
from statelab.progress import Progress
from statelab.sequences import Sequences

with command.quiet_import():
    from statelab import experiment, models


class Mode(StrEnum):
    STATELESS = "stateless"
    STATEFUL = "stateful"


def main(
    mode: Mode,
    sequences: Path,
    windows: Path,
    model: Path,
    predictions: Path,
    metrics: Path,
    history: Path,
    timing: Path,
) -> None:
    stage = f"train_{mode}"
    network, section = params.load("model"), params.load(stage)
    trained = experiment.train(
        arrays.read(sequences, Sequences),
        arrays.read(windows, Windows),
        Progress(stage, section["epochs"]),
        stateful=mode is Mode.STATEFUL,
        seed=params.load("seed"),
        **network,
        **section,
    )
    models.write(model, trained.weights, trained.network._asdict())
    results.write_predictions(
        predictions, results.Predictions(trained.probability, trained.visible_from)
    )
    results.write_table(history, trained.history)
    last = trained.history.groupby("seed").last()  # a network may have stopped early
    means = last.drop(columns="epoch").mean().to_dict()
    results.write_json(metrics, {"updates": trained.updates, **means})
    first, *later = trained.seconds
    results.write_json(
        timing,
        {
            "seconds_first_epoch": round(first, 4),
            "seconds_per_epoch": round(median(later or [first]), 4),
            "seeds": section["seeds"],
        },
    )


if __name__ == "__main__":
    command.run(main)
