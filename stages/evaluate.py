"""Score both modes beside what any model could reach, and draw how they learned."""

from pathlib import Path

import pandas as pd

from statelab.config import params
from statelab.data.sequences import Sequences
from statelab.evaluation import comparison as comparison_
from statelab.evaluation import scoring, verdict, verdict_text
from statelab.evaluation.baselines import forecast_of
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import predictions_in_use, read_predictions
from statelab.pipeline import command
from statelab.report import figures as figures_
from statelab.samples.windows import Windows

MODES = ("stateless", "stateful")


def main(
    sequences: Path,
    windows: Path,
    predictions: Path,
    history: Path,
    scores: Path,
    figures: Path,
) -> None:
    data, cut = arrays.read(sequences, Sequences), arrays.read(windows, Windows)
    comparison, tables, histories = {}, {}, {}
    asked = params.read()["evaluate"]
    forecast = forecast_of(sequences / "names.json", asked["season"])
    everyone = {mode: read_predictions(predictions / f"{mode}.npz") for mode in MODES}
    for mode in MODES:
        predicted = predictions_in_use(predictions / f"{mode}.npz")
        histories[mode] = csv_files.read(history / f"{mode}.csv")
        tables[mode] = scoring.seed_scores(
            predicted.answers, data, cut, histories[mode]
        )
        comparison[mode] = {
            **scoring.summary(tables[mode]),
            **scoring.bounds(data, cut, predicted.visible_from, forecast),
        }
        print(scoring.in_words(mode, tables[mode], comparison[mode]))
        del predicted  # of long data there is no room for that of both modes
    contest = comparison_.compare(data, cut, everyone)
    told = verdict_text.figures(contest, verdict.judge(contest, asked["margin"]))
    print(told["text"])
    files.write_json(
        scores,
        {
            "layout": params.read()["window"]["layout"],
            "verdict": told,
            **comparison,
        },
    )
    csv_files.write(figures / "variants.csv", comparison_.table(contest))
    csv_files.write(
        figures / "scores.csv",
        pd.concat([table.assign(mode=mode) for mode, table in tables.items()]),
    )
    csv_files.write(
        figures / "learning_curves.csv", scoring.learning_curves(histories, comparison)
    )
    curves = figures_.learning_curves(histories, comparison)
    with files.atomic_write(figures / "learning_curves.svg") as stream:
        stream.write(figures_.svg(curves))


if __name__ == "__main__":
    command.run(main)
