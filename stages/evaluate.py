"""Score both modes beside what any model could reach, and draw how they learned."""

from pathlib import Path

import pandas as pd

from statelab import (
    arrays,
    command,
    entrants,
    files,
    metrics,
    params,
    plots,
    results,
    verdict,
)
from statelab.layouts import Windows
from statelab.sequences import Sequences

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
    asked = params.load("evaluate")
    forecast = metrics.forecast_of(sequences / "names.json", asked["season"])
    everyone = {
        mode: results.read_predictions(predictions / f"{mode}.npz") for mode in MODES
    }
    for mode in MODES:
        predicted = results.predictions_in_use(predictions / f"{mode}.npz")
        histories[mode] = results.read_table(history / f"{mode}.csv")
        tables[mode] = metrics.seed_scores(
            predicted.answers, data, cut, histories[mode]
        )
        comparison[mode] = {
            **metrics.summary(tables[mode]),
            **metrics.bounds(data, cut, predicted.visible_from, forecast),
        }
        print(metrics.in_words(mode, tables[mode], comparison[mode]))
        del predicted  # of long data there is no room for that of both modes
    contest = entrants.contest(data, cut, everyone)
    told = verdict.figures(contest, verdict.judge(contest, asked["margin"]))
    print(told["text"])
    results.write_json(
        scores,
        {
            "layout": params.load("window")["layout"],
            "verdict": told,
            **comparison,
        },
    )
    results.write_table(figures / "variants.csv", entrants.table(contest))
    results.write_table(
        figures / "scores.csv",
        pd.concat([table.assign(mode=mode) for mode, table in tables.items()]),
    )
    results.write_table(
        figures / "learning_curves.csv", metrics.learning_curves(histories, comparison)
    )
    curves = plots.learning_curves(histories, comparison)
    with files.whole(figures / "learning_curves.svg") as stream:
        stream.write(plots.svg(curves))


if __name__ == "__main__":
    command.run(main)
