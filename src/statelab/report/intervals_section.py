"""What the page shows of prediction intervals."""

from typing import Any

import numpy as np

from statelab.baselines.naive import forecast_of
from statelab.config.settings import Params
from statelab.data.sequences import NAMES_FILE, Sequences
from statelab.evaluation import interval_coverage
from statelab.evaluation.evaluation import Evaluation
from statelab.evaluation.interval_coverage import Wanted
from statelab.io.predictions import predictions_chosen
from statelab.pipeline import paths
from statelab.report import captions, page_figures
from statelab.report.inline_svg import picture
from statelab.samples import prediction_intervals
from statelab.samples.windows import Windows

STEPS = 150  # that are drawn


def intervals(
    evaluated: Evaluation, settings: Params, data: Sequences, windows: Windows
) -> dict[str, Any] | None:
    """Draw the last intervals of each mode on test; None where there are none."""
    if not evaluated.intervals:
        return None
    forecast = forecast_of(paths.SEQUENCES / NAMES_FILE, settings.evaluate.season)
    pictures = []
    for mode, measured in evaluated.intervals.items():
        wanted = Wanted(
            measured.wanted,
            forecast.horizon if forecast else 0,
            measured.of_logarithms,
        )
        predicted = predictions_chosen(paths.predictions(mode))
        of_test = interval_coverage.on_test(data, windows, predicted, wanted)
        if of_test is None:
            continue
        longest = int(np.diff(of_test.offsets).argmax())
        end = int(of_test.offsets[longest + 1])
        shown = slice(max(end - STEPS, int(of_test.offsets[longest])), end)
        prediction = predicted.predictions[:1, of_test.numbers[shown]]
        lower, upper = prediction_intervals.bounds(
            prediction, of_test.radius[:1, shown], of_logarithms=wanted.of_logarithms
        )
        target = of_test.target[shown]
        pictures.append(
            picture(
                page_figures.forecast(mode, target, prediction[0], lower[0], upper[0]),
                f"intervals-{mode}",
                captions.intervals(mode, target, lower[0], upper[0]),
                f"{mode}, the first network",
            )
        )
    return {
        "facts": [
            interval_coverage.in_words(mode, measured)
            for mode, measured in evaluated.intervals.items()
        ],
        "follows": forecast is not None,
        "pictures": pictures,
    }
