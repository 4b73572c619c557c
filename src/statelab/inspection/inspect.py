"""What a file holds: settings to read it with, and what they read."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from statelab.baselines import season
from statelab.config.settings import FileFormat, GenerateSettings
from statelab.data import columns, excel, sources, tables
from statelab.data.sources import Loaded
from statelab.errors import UserError
from statelab.formatting import listed
from statelab.inspection import file_parts, roles, text_format
from statelab.inspection.guesses import Guess, TextTable, listed_values
from statelab.samples.target_changes import LEVEL
from statelab.samples.windows import make_windows

ROWS = 50_000  # of a Parquet file, from its beginning
SEASON_STEPS = 20_000  # that a season is looked for in
NEAR_STEPS = 1_000_000  # that changes are looked at in
NEAR = 0.5  # spread of changes by that of values, below which changes are modelled
FILLED = {"fill": "to fill or mask", "mask": "to mask"}  # how errors propose it


class Inspected(NamedTuple):
    """What was found out about a file."""

    settings: dict[str, Any]  # of section generate of params.yaml
    window: dict[str, Any]  # likewise, of section window
    guesses: list[Guess]
    notes: list[str]  # for the user
    loaded: Loaded | None  # what these settings read; None where they cannot
    error: str  # why not
    season: int | None  # steps after which the target recurs


def inspect(
    path: Path,
    defaults: Mapping[str, Any],
    *,
    target: str | None = None,
    horizon: int | None = None,
) -> Inspected:
    """Guess how a file, or the first file of a folder, is to be read; and read it.

    Args:
        path: a file, or a folder of such.
        defaults: section `generate` of params.yaml, for what is not guessed.
        target: the column to predict, or `remaining`; None to guess it.
        horizon: steps ahead of it; None to guess them.

    Raises:
        UserError: it is not there, is no table, or has no column `target`.
    """
    if target == "remaining" and horizon:
        raise UserError(f"--horizon must be 0 for the time left. Received: {horizon}")
    source, files = sources.find(path)
    guesses: list[Guess] = []
    notes: list[str] = []
    if source != "npz":
        first = next(iter(files.values()))
        if source == "csv":
            parts = _parts(first)
            tables.require_text(first, parts[0])
            if not any(text_format.has_text(part) for part in parts):
                rule = "must have a header and rows"
                raise UserError(f"{first}: {rule}. Received: no text")
            table, guesses = text_format.guess(parts)
        elif source == "excel":
            table, guesses = text_format.guess([excel.as_csv(first, ROWS)])
        else:
            table = _parquet(first)
        if not table.rows:
            raise UserError(f"{first}: must have rows. Received: none")
        try:
            found, notes = roles.guess(table, len(files), target)
        except KeyError:
            names = ", ".join(table.cells)
            raise UserError(
                f"{path}: --target must be one of its columns. Received: {target}; it "
                f"has {names[:200]}"
            ) from None
        guesses += found
    if horizon is not None:
        guesses = [each for each in guesses if each.setting != "horizon"]
        guesses.append(Guess("horizon", horizon, "named by the user"))
    settings = _settings(source, path, defaults, guesses)
    loaded, error = _load(settings)
    for how, wanted in FILLED.items():
        if error.endswith(f"{wanted}. Received: none"):
            where = error.partition(": must")[0].removeprefix(f"{path}").lstrip(", ")
            none_before = ", nor has one before it" * (how == "mask")
            evidence = f"{where} has no value{none_before}"
            guesses = [each for each in guesses if each.setting != "missing"]
            guesses.append(Guess("missing", how, evidence, certain=False))
            settings["missing"] = how
            loaded, error = _load(settings)
    found_season, window = None, {"target": LEVEL}
    if loaded is not None and settings["horizon"]:
        checked = GenerateSettings.model_validate(settings)
        found_season = _season(loaded, checked.forecast_feature)
        if loaded.classes is None and _stays_near(loaded, checked.forecast_feature):
            window = {"target": "difference"}
            evidence = "values stay near the one before, so that changes are modelled"
            guesses.append(Guess("window.target", "difference", evidence, False))
    given = loaded is not None and loaded.split is not None
    if given:
        guesses.append(Guess("window.split", "given", "it has a split of its own"))
    window["split"] = "given" if given else "auto"
    return Inspected(settings, window, guesses, notes, loaded, error, found_season)


def _settings(
    source: str, path: Path, defaults: Mapping[str, Any], guesses: list[Guess]
) -> dict[str, Any]:
    """Return section `generate`: what was guessed, and for all else the defaults."""
    values = listed_values(guesses)
    nested: dict[str, dict[str, Any]] = {
        "format": FileFormat().model_dump(),
        "columns": {
            "sequence": None,
            "time": None,
            "target": None,
            "features": None,
            "categories": None,
            "split": None,
        },
    }
    for key in [key for key in values if "." in key]:
        section, name = key.split(".")
        nested[section][name] = values.pop(key)
    values.pop("format", None)  # what is odd in it is no setting
    kept = {
        "horizon": 0,
        "max_gap": None,
        "calendar": None,
        "missing": "error",
        "duplicates": "error",
        "target_type": "auto",
        "label": "each_step",
    }
    return {**defaults, **kept, **values, **nested, "source": source, "path": str(path)}


def _load(settings: dict[str, Any]) -> tuple[Loaded | None, str]:
    try:
        return sources.load(GenerateSettings.model_validate(settings)), ""
    except UserError as error:
        return None, str(error)


def _season(loaded: Loaded, feature: str) -> int | None:
    sequences = loaded.sequences
    ends = np.minimum(sequences.offsets[1:], sequences.offsets[:-1] + SEASON_STEPS)
    longest = int((ends - sequences.offsets[:-1]).argmax())
    begin, end = int(sequences.offsets[longest]), int(ends[longest])
    part = sequences._replace(
        values=np.array(sequences.values[begin:end]),
        offsets=np.array([0, end - begin]),
        targets=sequences.targets[begin:end],
    )
    windows = make_windows(
        part.offsets,
        np.zeros(1, np.int8),
        layout="full",
        window_length=1,
        stride=1,
        segment_length=1,
    )
    return season.guess(part, windows, loaded.features.index(feature))


def _stays_near(loaded: Loaded, feature: str) -> bool:
    """Tell whether targets are nearer to the value at their step than to their mean."""
    sequences = loaded.sequences
    some = slice(0, NEAR_STEPS)
    values = np.array(sequences.values[some, loaded.features.index(feature)], float)
    targets = np.array(sequences.targets[some], float)
    return bool(np.nanstd(targets - values) < NEAR * np.nanstd(targets))


def _parts(file: Path) -> list[bytes]:
    try:
        return file_parts.read(file)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: must be a text file. Received: {error}") from None


def _parquet(file: Path) -> TextTable:
    try:
        batches = parquet.ParquetFile(file).iter_batches(ROWS)
        read = next(iter(batches), None)
    except Exception as error:  # pyarrow has many
        line = tables.in_a_line(error)
        raise UserError(f"{file}: must be a Parquet file. Received: {line}") from None
    if read is None:
        raise UserError(f"{file}: must have rows. Received: none")
    read = read.rename_columns(text_format.distinct(read.schema.names))
    cells = {
        name: _texts(columns.cells_of(read, name, str, 0, FileFormat()).values)
        for name in read.schema.names
        if name.strip()  # others cannot be named in params.yaml
    }
    return TextTable(cells, np.zeros(read.num_rows, int), 1)


def _texts(values: Any) -> list[str]:
    """Return cells as text; of what is none, a list say, its type.

    Example:
        >>> _texts(pa.array([1.5, None])), _texts(pa.array([[1], [2, 3]]))
        (['1.5', ''], ['<list<item: int64>>', '<list<item: int64>>'])
    """
    try:
        texts = values.cast("string").to_pylist()
    except pa.ArrowException:
        return [f"<{values.type}>"] * len(values)
    return ["" if text is None else text for text in texts]


def in_words(guess: Guess) -> tuple[str, str, str]:
    """Return a row of the table of guesses.

    Example:
        >>> in_words(Guess("columns.time", ["year", "month"], "named so", False))
        ('columns.time', 'year, month (uncertain)', 'named so')
    """
    value = guess.value
    if isinstance(value, list):
        value = listed([str(each) for each in value])
    elif isinstance(value, dict) and "format" in value:
        names = value["columns"]
        names = names if isinstance(names, str) else " ".join(names)
        value = f"{names}, as {value['format']}"
    elif isinstance(value, dict):
        value = ", ".join(f"{name}: {each}" for name, each in value.items())
    elif value is None:
        value = "none"
    doubt = "" if guess.certain else " (uncertain)"
    return guess.setting, f"{value}{doubt}", guess.evidence


def sparkline(values: np.ndarray, width: int = 72) -> str:
    """Draw a series in one line, each character the mean of a stretch of it.

    Args:
        values: of the steps; NaN for none.
        width: characters.

    Example:
        >>> sparkline(np.array([0, 1, 2, 3, np.nan, 7]), 6)
        '▁▂▃▄ █'
    """
    blocks = "▁▂▃▄▅▆▇█"
    parts = np.array_split(values.astype(float), min(width, len(values)))
    means = np.array([np.nanmean(p) if (~np.isnan(p)).any() else np.nan for p in parts])
    low, high = np.nanmin(means), np.nanmax(means)
    levels = (means - low) / ((high - low) or 1) * (len(blocks) - 1)
    return "".join(" " if np.isnan(x) else blocks[round(x)] for x in levels)
