"""The experiments of the post as DVC experiments, and the table of what they gave.

Reference:
    Philippe Remy, Stateful LSTM in Keras, 2016.
"""

import json
from typing import NamedTuple

from statelab.config.settings import FileFormat
from statelab.evaluation.experiments import evaluation_of
from statelab.pipeline import paths
from statelab.pipeline.dvc_experiments import Sections, changed, named
from statelab.studies import experiment_table

SEEDS = 32
HEADINGS = (
    "test accuracy of",
    "the post",
    f"ours, {SEEDS} seeds",
    "ceiling",
    "at the last step",
    "s/epoch, post",
    f"s/epoch, all {SEEDS}",
)

# Everything that a row of the table rests on, whatever params.yaml says meanwhile.
_TRAIN = {
    "engine": "compiled",
    "epochs": 15,
    "updates": None,
    "batch_size": 1,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "learning_rates": None,
    "schedule": "cosine",
    "clipnorm": None,
    "seeds": SEEDS,
    "shuffle": False,
    "patience": None,
    "again": False,
}
POST: Sections = {
    "generate": {
        "source": "task",
        "task": "first_step",
        "sequences": 1200,
        "length": 20,
        "lag": 5,
        "label": "each_step",
        # of files, which the post has none of
        "path": "data/example.csv",
        "format": FileFormat().model_dump(),
        "columns": {
            "sequence": "id",
            "time": "time",
            "target": "target",
            "features": None,
            "categories": None,
            "split": None,
        },
        "horizon": 0,
        "max_gap": None,
        "calendar": None,
        "missing": "error",
        "duplicates": "error",
        "target_type": "auto",
    },
    "window": {
        "layout": "per_timestep",
        "window_length": 10,
        "stride": 1,
        "segment_length": 1,
        "split": "sequence",
        "test_size": 200,
        "validation_size": 0,
        "scaling": "none",
        "target": "level",
    },
    "model": {
        "cell": "lstm",
        "units": 10,
        "layers": 1,
        "forget_bias": "unit",
        "class_weight": None,
    },
    "train_stateless": {**_TRAIN, "lookbacks": None},
    "train_stateful": {
        **_TRAIN,
        "gradient_window": None,
        "gradient_windows": None,
        "burn_in": 0,
        "reset": "sequence",
        "batching": "aligned",
    },
    "tracking": {"register": None},
    "evaluate": {"margin": 0.01, "season": None, "splits": 1, "coverage": 0.8},
}


def _experiment(layout: str, **stateful: object) -> Sections:
    return changed(POST, window={"layout": layout}, train_stateful=stateful)


_NAIVE = {"batching": "contiguous", "reset": "never"}
# name -> the sections of params.yaml
EXPERIMENTS = {
    "post-windows": _experiment("subsampled", batch_size=10),
    "post-windows-naive-1": _experiment("subsampled", **_NAIVE),
    "post-windows-naive-10": _experiment("subsampled", **_NAIVE, batch_size=10),
    "post-per-timestep": _experiment("per_timestep"),
    "post-full": _experiment("full"),
}


class Row(NamedTuple):
    """One line of the table: the experiment behind it, and what the post reports."""

    title: str
    experiment: str  # a key of EXPERIMENTS
    mode: str
    accuracy: float | None  # the post's, on its test sequences
    seconds: int | None  # the post's, for an epoch


ROWS = (
    Row("windows, stateless", "post-windows", "stateless", 0.5455, 21),
    Row(
        "windows, stateful, naive batches of 1, no reset",
        "post-windows-naive-1",
        "stateful",
        0.5,
        20,
    ),
    Row(
        "windows, stateful, naive batches of 10, no reset",
        "post-windows-naive-10",
        "stateful",
        0.5,
        20,
    ),
    Row(
        "windows, stateful, aligned lanes of 10, reset",
        "post-windows",
        "stateful",
        None,
        None,
    ),
    Row("one step at a time, stateful", "post-per-timestep", "stateful", 1.0, 29),
    Row("one step at a time, stateless", "post-per-timestep", "stateless", 0.525, None),
    Row("full sequences, stateless", "post-full", "stateless", None, None),
)


def table() -> list[tuple[str, ...]]:
    """Return the lines of the table under `HEADINGS`.

    They are read from the experiments of the current commit. A line whose experiment is
    missing says so.
    """
    return [_line(row) for row in ROWS]


def _line(row: Row) -> tuple[str, ...]:
    evaluated = evaluation_of(row.experiment)
    timing = named(row.experiment).read(paths.timing(row.mode))
    posts_accuracy = "–" if row.accuracy is None else f"{row.accuracy:.4f}"
    posts_seconds = "–" if row.seconds is None else str(row.seconds)
    if evaluated is None or timing is None:
        missing = f"no experiment {row.experiment}"
        return (row.title, posts_accuracy, missing, "", "", posts_seconds, "")
    scored = evaluated.modes[row.mode]
    ceiling = scored.ceiling["accuracy"]
    ours = experiment_table.by_mode(evaluated, "accuracy")[row.mode]
    final = scored.scores.get("final_accuracy")
    return (
        row.title,
        posts_accuracy,
        experiment_table.cell(ours, 4),
        f"none; chance {scored.baselines['constant']['accuracy']:.4f}"
        if ceiling is None
        else f"{ceiling:.4f}",
        f"{final.mean:.4f}" if final else "–",  # of few sequences there is none
        posts_seconds,
        f"{json.loads(timing)['seconds_per_epoch']:.2f}",
    )
