"""Real sequences that ship inside PyPI packages, as experiments and a table.

Only the data files of a package are read: it is found, and never imported.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from statelab.baselines import naive
from statelab.config.settings import GenerateSettings
from statelab.data import sources
from statelab.errors import UserError
from statelab.evaluation.experiments import evaluation_of
from statelab.io import files
from statelab.pipeline import paths
from statelab.pipeline.dvc_experiments import Sections, changed
from statelab.studies import datasets, experiment_table
from statelab.studies.post import POST

SEEDS = 10
BASELINES = ("constant", "persistence", "seasonal_naive")  # of the table
HEADINGS = (
    "data",
    "sequences",
    "steps",
    "samples",
    "score",
    f"stateless, {SEEDS} seeds",
    "stateful",
    *(naive.NAMES[name] for name in BASELINES),
)


# --- experiments ----------------------------------------------------------------------


class Row(NamedTuple):
    """One line of the table, and the experiment behind it."""

    experiment: str  # what DVC calls it
    cut: str  # how sequences become samples
    sections: Sections  # all of params.yaml, but the seed


class Example(NamedTuple):
    """A data set, and what is trained on it."""

    table: Callable[[Path], pd.DataFrame]  # of the folder of its package
    package: str  # whose folder that is
    requirement: str  # what has it, and is read in this version
    says: str  # what it is, in a line
    source: str  # where it is from, and under which terms
    rows: tuple[Row, ...]


_TRAIN = {"epochs": 20, "clipnorm": 1.0, "seeds": SEEDS}
_WINDOW = {"test_size": 0.2, "validation_size": 0.15, "scaling": "standard"}


def _sections(
    generate: Mapping[str, object],
    window: Mapping[str, object],
    *,
    units: int = 16,
    season: int | None = None,
    stateful: dict[str, object] | None = None,
    **train: object,
) -> Sections:
    """Return all of params.yaml but the seed, by what differs from the post."""
    return changed(
        POST,
        generate={"source": "csv", **generate},
        window={**_WINDOW, **window},
        model={"units": units},
        train_stateless={**_TRAIN, **train},
        train_stateful={**_TRAIN, **train, **(stateful or {})},
        evaluate={"season": season},
    )


def _segments(steps: int, **window: object) -> dict[str, object]:
    return {"layout": "per_timestep", "segment_length": steps, **window}


def _windows(steps: int, **window: object) -> dict[str, object]:
    return {"layout": "subsampled", "window_length": steps, **window}


_SUNSPOTS = {
    "path": str(paths.EXAMPLES / "sunspots.csv"),
    "horizon": 6,  # months
    "target_type": "values",
}
_GLUCOSE = {
    "path": str(paths.EXAMPLES / "glucose.csv"),
    "horizon": 6,  # readings, half an hour
    "max_gap": 600.0,  # seconds
    "target_type": "values",
}
_VOWELS = {
    "path": str(paths.EXAMPLES / "vowels.csv"),
    "label": "end",
    "target_type": "classes",
}
EXAMPLES = {
    "sunspots": Example(
        table=datasets.sunspots,
        package="pmdarima",
        requirement="pmdarima==2.1.1",
        says="monthly sunspot numbers from 1749 to 1983, six months ahead",
        source="Swiss Federal Observatory and Tokyo Astronomical Observatory, by way "
        "of Andrews and Herzberg, Data, 1985, and R; pmdarima is under MIT",
        rows=(
            Row(
                "example-sunspots",
                "segments of 12",
                _sections(
                    _SUNSPOTS,
                    _segments(12, split="time"),
                    season=132,
                    learning_rate=0.01,
                ),
            ),
            Row(
                "example-sunspots-windows",
                "windows of 24",
                _sections(
                    _SUNSPOTS,
                    _windows(24, split="time"),
                    season=132,
                    learning_rate=0.003,
                    batch_size=16,
                    shuffle=True,
                    # one lane: as many updates in an epoch as there are windows
                    stateful={"batch_size": 1, "epochs": 3},
                ),
            ),
        ),
    ),
    "glucose": Example(
        table=datasets.glucose,
        package="bokeh_sampledata",
        requirement="bokeh-sampledata==2026.1",
        says="blood glucose of one person every five minutes, half an hour ahead",
        source="given to a maintainer of Bokeh as public domain",
        rows=(
            Row(
                "example-glucose",
                "segments of 12",
                _sections(
                    _GLUCOSE, _segments(12), epochs=10, batch_size=8, learning_rate=0.01
                ),
            ),
            Row(
                "example-glucose-windows",
                "windows of 24",
                _sections(
                    _GLUCOSE,
                    _windows(24, stride=3),
                    epochs=8,
                    batch_size=32,
                    learning_rate=0.01,
                    shuffle=True,
                ),
            ),
        ),
    ),
    "vowels": Example(
        table=datasets.vowels,
        package="aeon",
        requirement="aeon==1.6.0",
        says="which of nine men says two Japanese vowels",
        source="Kudo, Toyama and Shimbo, 1999, UCI Machine Learning Repository; aeon "
        "is under BSD 3-Clause",
        rows=tuple(
            Row(
                experiment,
                cut,
                _sections(_VOWELS, window, units=32, batch_size=8, learning_rate=0.003),
            )
            for experiment, cut, window in (
                ("example-vowels", "segments of 5", _segments(5)),
                ("example-vowels-full", "whole", {"layout": "full"}),
            )
        ),
    ),
}


def write(name: str, folder: Path = paths.EXAMPLES) -> Path:
    """Write the table of one example as CSV; the same package gives the same bytes.

    Args:
        name: a key of `EXAMPLES`.
        folder: where it goes.

    Returns:
        The file.

    Raises:
        UserError: there is no such example, or its package is not installed.
    """
    if name not in EXAMPLES:
        known = ", ".join(EXAMPLES)
        raise UserError(f"an example must be one of {known}. Received: {name}")
    example = EXAMPLES[name]
    folder_of_package = datasets.package_folder(
        example.package, example.requirement, f"the example {name}"
    )
    table = example.table(folder_of_package)
    file = folder / f"{name}.csv"
    with files.atomic_write(file) as stream:
        table.to_csv(stream, index=False)
    return file


# --- what they gave -------------------------------------------------------------------


def scores(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return what the experiments of the current commit gave, one for each row.

    Args:
        names: keys of `EXAMPLES` whose tables are written.

    Returns:
        Example, cut, how many sequences and steps were read, and of the test split the
        name of the score, the score of `stateless` and of `stateful` as `mean`, `low`
        and `high`, and the `baselines` by name. A row without its experiment has none
        of the scores.
    """
    return [_row(name, row) for name in names for row in EXAMPLES[name].rows]


def _row(name: str, row: Row) -> dict[str, Any]:
    generate: dict[str, Any] = row.sections["generate"]
    sequences = sources.load(GenerateSettings.model_validate(generate)).sequences
    return {
        "example": name,
        "cut": row.cut,
        "experiment": row.experiment,
        "sequences": len(sequences.offsets) - 1,
        "steps": len(sequences.values),
        **_scores(row.experiment),
    }


def _scores(experiment: str) -> dict[str, Any]:
    evaluated = evaluation_of(experiment)
    if evaluated is None:
        return {}
    score = evaluated.score
    by_mode = experiment_table.by_mode(evaluated, score)
    # both modes predict the same steps, so they have one baseline
    by_name = {
        name: by_score[score]
        for name, by_score in evaluated.modes["stateful"].baselines.items()
    }
    return {"score": score, "baselines": by_name, **by_mode}


def table(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the lines of the table under `HEADINGS`, of what `scores` returned."""
    return experiment_table.lines(rows, _description, _score_cells, HEADINGS)


def _description(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["example"], f"{row['sequences']:,}", f"{row['steps']:,}", row["cut"]


def _score_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    score = row["score"]
    digits = 3 if score == "accuracy" else 2
    modes = experiment_table.mode_cells(row, digits)
    by_name = {name: f"{value:.{digits}f}" for name, value in row["baselines"].items()}
    by_name["constant"] = f"{naive.CONSTANT[score]} {by_name['constant']}"
    return (score, *modes, *(by_name.get(name, "–") for name in BASELINES))
