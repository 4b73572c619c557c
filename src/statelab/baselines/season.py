"""After how many steps values recur."""

import numpy as np

from statelab.baselines.naive import Forecast
from statelab.data.sequences import SPLITS, Sequences
from statelab.samples.windows import Windows

LONGEST = 1000  # steps of a season that is looked for
LOWEST = 0.3  # autocorrelation of changes, below which nothing is said to recur
OFF = 0.02  # share of a lag by which a multiple of another one may miss it
ALIKE = 0.9  # share of the highest peak: a day is as good as two days, and shorter


def of(sequences: Sequences, windows: Windows, forecast: Forecast) -> int | None:
    """Return the season of a forecast, or where none is given guess it.

    Args:
        sequences, windows: as in `guess`.
        forecast: what is forecast.
    """
    if forecast.season is not None:
        return forecast.season
    return guess(sequences, windows, forecast.feature)


def guess(sequences: Sequences, windows: Windows, feature: int) -> int | None:
    """Guess the season of a feature from the train split.

    It is the lag at which the changes from step to step are most like themselves: where
    their autocorrelation, the mean over sequences weighted by their steps, has a peak
    of at least `LOWEST`. The highest one counts, or the first nearly as high of which
    it is a multiple. Changes are taken so that a trend does not hide it. At least three
    seasons must fit into a sequence.

    Args:
        sequences: the steps.
        windows: which of them are the train split.
        feature: the number of the feature.

    Returns:
        Steps; None where nothing recurs.

    Reference:
        Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2021, 2.8.
    """
    rows = np.flatnonzero(windows.split == SPLITS["train"])
    longest = int((windows.stop - windows.first)[rows].max(initial=0)) // 3
    longest = min(longest, LONGEST)
    if longest < 2:
        return None
    total, steps = np.zeros(longest + 2), 0
    for row in rows:
        stretch = sequences.values[windows.first[row] : windows.stop[row], feature]
        change = np.diff(stretch.astype(float))
        if len(change) <= longest + 1 or not np.ptp(change):
            continue
        total += len(change) * _autocorrelation(change, longest + 1)
        steps += len(change)
    if not steps:
        return None
    mean = total / steps
    inner = mean[2:-1]
    peak = (inner > mean[1:-2]) & (inner >= mean[3:]) & (inner >= LOWEST)
    if not peak.any():
        return None
    lags = 2 + np.flatnonzero(peak)
    best = int(lags[inner[peak].argmax()])
    alike = lags[inner[peak] >= ALIKE * inner[peak].max()]
    times = np.round(best / alike)
    off = np.abs(best - times * alike)
    # peaks are off by a step or two; of a few steps all lags are nearly multiples
    near = np.minimum(np.maximum(times / 2, OFF * best), alike / 4)
    return int(alike[off <= near][0])


def _autocorrelation(values: np.ndarray, longest: int) -> np.ndarray:
    from scipy import signal  # takes a second to import

    centred = values - values.mean()
    full = signal.correlate(centred, centred, mode="full", method="fft")
    return full[len(values) - 1 : len(values) + longest] / full[len(values) - 1]
