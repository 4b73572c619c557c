"""Score both modes beside what any model could reach, and draw how they learned."""

from pathlib import Path

import pandas as pd

from statelab.baselines import stored
from statelab.baselines.naive import Forecast, forecast_of
from statelab.config import params
from statelab.config.modes import MODES
from statelab.config.settings import Params
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.evaluation import (
    bounds,
    comparison,
    evaluation,
    interval_coverage,
    learning_curves,
    scores_text,
    scoring,
    verdict,
    verdict_text,
)
from statelab.evaluation.evaluation import Evaluation, IntervalCoverage, ModeScores
from statelab.evaluation.interval_coverage import Wanted
from statelab.io import arrays, csv_files, files
from statelab.io.predictions import (
    predictions_chosen,
    predictions_in_use,
    read_predictions,
)
from statelab.pipeline import command, paths
from statelab.report import figures
from statelab.samples import splitting
from statelab.samples.windows import Windows


def main() -> None:
    sequences = arrays.read(paths.SEQUENCES, Sequences)
    windows = arrays.read(paths.WINDOWS, Windows)
    settings = params.load()
    forecast = forecast_of(paths.SEQUENCES / NAMES_FILE, settings.evaluate.season)
    scores, tables, histories = {}, {}, {}
    for mode in MODES:
        predicted = predictions_in_use(paths.predictions(mode))
        histories[mode] = csv_files.read(paths.history(mode))
        tables[mode] = scoring.seed_scores(
            predicted.predictions, sequences, windows, histories[mode]
        )
        limits = bounds.of_scores(sequences, windows, predicted.visible_from, forecast)
        scores[mode] = ModeScores(scoring.intervals(tables[mode]), *limits)
        print(scores_text.in_words(mode, tables[mode], scores[mode]))
        del predicted  # of long data there is no room for that of both modes
    compared = [
        comparison.compare(
            sequences,
            arrays.read(folder, Windows),
            {mode: read_predictions(paths.predictions(mode), n) for mode in MODES},
            stored.read(paths.BASELINES, n),
            settings.generate.horizon,
        )
        for n, folder in enumerate(splitting.folders(paths.WINDOWS))
    ]
    pooled = comparison.pooled(compared)
    intervals = _intervals(settings, sequences, forecast)
    for mode, measured in intervals.items():
        print(interval_coverage.in_words(mode, measured))
    judged = verdict.judge(pooled, settings.evaluate.margin)
    summary = verdict_text.summary(pooled, judged, settings.window.target)
    print(summary.in_full())
    evaluation.write(
        Path("."),
        Evaluation(
            settings.window.layout, pooled.score.name, scores, summary, intervals
        ),
    )
    csv_files.write(paths.VARIANTS, comparison.table(compared[0]))
    csv_files.write(
        paths.SEED_SCORES,
        pd.concat([table.assign(mode=mode) for mode, table in tables.items()]),
    )
    csv_files.write(paths.LEARNING_CURVES, learning_curves.table(histories, scores))
    with files.atomic_write(paths.LEARNING_CURVES_FIGURE) as stream:
        stream.write(figures.svg(figures.learning_curves(histories, scores)))


def _intervals(
    settings: Params, sequences: Sequences, forecast: Forecast | None
) -> dict[str, IntervalCoverage]:
    """Return what the prediction intervals of each mode hold, where it has any."""
    coverage = settings.evaluate.coverage
    if coverage is None:
        return {}
    wanted = Wanted(
        coverage,
        horizon=forecast.horizon if forecast else 0,
        of_logarithms=settings.window.target == "log_difference",
    )
    folders = splitting.folders(paths.WINDOWS)
    measured = {}
    for mode in MODES:
        splits = (
            (
                arrays.read(folder, Windows),
                predictions_chosen(paths.predictions(mode), number),
            )
            for number, folder in enumerate(folders)
        )
        measured[mode] = interval_coverage.measure(sequences, splits, wanted)
    return {mode: each for mode, each in measured.items() if each is not None}


if __name__ == "__main__":
    command.run(main)
