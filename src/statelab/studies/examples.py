"""Real sequences that ship inside PyPI packages, as experiments and a table.

Only the data files of a package are read: it is found, and never imported.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import util
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from statelab.data import sources
from statelab.errors import UserError
from statelab.io import files
from statelab.pipeline.dvc_experiments import Sections, changed, show
from statelab.studies import datasets
from statelab.studies.post import POST

FOLDER = Path("data/examples")  # where the tables are written
SEEDS = 10
SHOWN = ("mean", "low", "high")
# what evaluate.json calls forecasts without a model -> what the table calls them
NAIVE = {"persistence": "persistence", "seasonal_naive": "seasonal naive"}


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
    "path": str(FOLDER / "sunspots.csv"),
    "horizon": 6,  # months
    "target_type": "values",
}
_GLUCOSE = {
    "path": str(FOLDER / "glucose.csv"),
    "horizon": 6,  # readings, half an hour
    "max_gap": 600.0,  # seconds
    "target_type": "values",
}
_VOWELS = {
    "path": str(FOLDER / "vowels.csv"),
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
                    _GLUCOSE,
                    _segments(12),
                    epochs=10,
                    batch_size=8,
                    learning_rate=0.01,
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


def write(name: str, folder: Path = FOLDER) -> Path:
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
    table = example.table(_folder(name, example))
    file = folder / f"{name}.csv"
    with files.atomic_write(file) as stream:
        table.to_csv(stream, index=False)
    return file


def _folder(name: str, example: Example) -> Path:
    """Find the folder of a package without importing it: it may lack what it needs."""
    found = util.find_spec(example.package)
    if found is None or found.origin is None:
        raise UserError(
            f"the example {name} needs {example.package}: run "
            f"`pip install --no-deps {example.requirement}`, which is enough: only its "
            "data are read"
        )
    return Path(found.origin).parent


# --- what they gave -------------------------------------------------------------------


def scores(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return what the experiments of the current commit gave, one for each row.

    Args:
        names: keys of `EXAMPLES` whose tables are written.

    Returns:
        Example, cut, how many sequences and steps were read, and of the test split the
        name of the score, and the score of `stateless` and of `stateful` as `mean`,
        `low` and `high`, and without a model as `baselines`. A row without its
        experiment has none of the scores.
    """
    return [_scored(name, row) for name in names for row in EXAMPLES[name].rows]


def _scored(name: str, row: Row) -> dict[str, Any]:
    asked: dict[str, Any] = row.sections["generate"]
    read = sources.load(**asked).sequences
    told: dict[str, Any] = {
        "example": name,
        "cut": row.cut,
        "experiment": row.experiment,
        "sequences": len(read.offsets) - 1,
        "steps": len(read.values),
    }
    evaluated = show(row.experiment, "evaluate.json")
    if evaluated is None:
        return told
    of_values = "rmse" in evaluated["stateful"]
    score = "rmse" if of_values else "accuracy"
    # the same answers are asked for in both modes
    naive = {"baseline": "mean" if of_values else "majority", **NAIVE}
    told["score"] = score
    told["baselines"] = {
        shown: evaluated["stateful"][key][score]
        for key, shown in naive.items()
        if key in evaluated["stateful"]
    }
    for mode in ("stateless", "stateful"):
        told[mode] = {name: evaluated[mode][score][name] for name in SHOWN}
    return told


def table(scored: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the lines of the table, of what `scores` returned.

    Returns:
        Example, sequences, steps, cut, score, that of state reset at each sample and of
        state carried, and without a model: of the mean or the most frequent class, of
        persistence, and of the season before.
    """
    return [_line(each) for each in scored]


def _line(scored: dict[str, Any]) -> tuple[str, ...]:
    told = (
        scored["example"],
        f"{scored['sequences']:,}",
        f"{scored['steps']:,}",
        scored["cut"],
    )
    if "score" not in scored:
        return (*told, f"no experiment {scored['experiment']}", *5 * ("",))
    form = ".3f" if scored["score"] == "accuracy" else ".2f"
    shown = [
        "{} [{}, {}]".format(*(format(scored[mode][name], form) for name in SHOWN))
        for mode in ("stateless", "stateful")
    ]
    baselines = dict(scored["baselines"])
    first = next(name for name in ("mean", "majority") if name in baselines)
    simple = f"{first} {baselines.pop(first):{form}}"
    naive = [
        format(baselines[name], form) if name in baselines else "–"
        for name in NAIVE.values()
    ]
    return (*told, scored["score"], *shown, simple, *naive)
