"""Features that are made of columns: words as numbers, and the calendar."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from statelab.data import columns
from statelab.data.columns import Cells

CALENDAR = {  # its parts: steps of a cycle, and the number of one from 0 on
    "minute": (60, lambda dates: dates.minute),
    "hour": (24, lambda dates: dates.hour + dates.minute / 60),
    "weekday": (7, lambda dates: dates.day_of_week),
    "day": (31, lambda dates: dates.day - 1),
    "month": (12, lambda dates: dates.month - 1),
}


class Encoding(NamedTuple):
    """How features were made of columns, for files that are predicted."""

    columns: list[str]  # that were read, in the order of their features
    words: dict[str, list[str]]  # of columns of words, each in order
    masked: dict[str, float]  # features with masks: what stands before a first value


def names(
    read: list[str], kinds: Mapping[str, str], words: Mapping[str, list[str]]
) -> list[str]:
    """Return the names of the features that columns make.

    Args:
        read: the columns.
        kinds: of columns of words, `one_hot` or `index`.
        words: of these columns.

    Example:
        >>> names(["x", "wind"], {"wind": "one_hot"}, {"wind": ["N", "S"]})
        ['x', 'wind=N', 'wind=S']
    """
    features = []
    for column in read:
        if kinds.get(column) == "one_hot":
            features += [f"{column}={word}" for word in words[column]]
        else:
            features.append(column)
    return features


def numbers(cells: Cells, kind: str | None, words: list[str]) -> np.ndarray:
    """Return the numbers that a column makes, NaN where a cell has no value.

    Args:
        cells: of the column.
        kind: `one_hot`, `index`, or None for numbers as they are.
        words: of the column.

    Returns:
        [rows, features].

    Raises:
        UserError: a cell is no number; or none of the words.

    Example:
        >>> import pyarrow as pa
        >>> cells = Cells(pa.array(["S", None, "N"]), "wind", str)
        >>> numbers(cells, "one_hot", ["N", "S"])
        array([[ 0.,  1.],
               [nan, nan],
               [ 1.,  0.]])
        >>> numbers(cells, "index", ["N", "S"]).ravel()
        array([ 1., nan,  0.])
    """
    if kind is None:
        return columns.numbers(cells)[:, None]
    known = {word: number for number, word in enumerate(words)}
    codes = columns.words(cells, known)
    if len(known) > len(words):
        rule = f"must be one of the words of training, {', '.join(words)[:80]}"
        raise cells.error(int((codes >= len(words)).argmax()), rule)
    if kind == "index":
        return np.where(codes < 0, np.nan, codes)[:, None]
    hot = (codes[:, None] == np.arange(len(words))).astype(float)
    hot[codes < 0] = np.nan
    return hot


def calendar_names(parts: Iterable[str]) -> list[str]:
    """Return the names of the features that parts of the calendar make."""
    return [f"{part} {wave}" for part in parts for wave in ("sine", "cosine")]


def calendar(
    ticks: np.ndarray, parts: Iterable[str], zone: str | None = None
) -> np.ndarray:
    """Return where in each cycle of the calendar times are.

    Args:
        ticks: nanoseconds since 1970.
        parts: keys of `CALENDAR`.
        zone: whose clocks and days count; None for those of UTC, or of dates that name
            no zone.

    Returns:
        The sine and the cosine of each part, [times, 2 · parts].

    Example:
        >>> six = pd.Timestamp("2024-01-01 06:00").value
        >>> calendar(np.array([six]), ["hour"]).round(6)
        array([[1., 0.]])
        >>> calendar(np.array([six]), ["hour"], "Asia/Tokyo").round(3)  # three o'clock
        array([[-0.707, -0.707]])
    """
    dates = pd.DatetimeIndex(ticks.astype("datetime64[ns]"))
    if zone is not None:
        dates = dates.tz_localize("UTC").tz_convert(zone)
    waves = []
    for part in parts:
        steps, place = CALENDAR[part]
        angle = 2 * np.pi * np.asarray(place(dates), float) / steps
        waves += [np.sin(angle), np.cos(angle)]
    return np.stack(waves, axis=1) if waves else np.empty((len(ticks), 0))
