"""Beyond the post: where its recipe stops working, as DVC experiments and a table.

The post updates at every step, and the gradient of an update reaches one step back.
That every step has a label is what makes it enough. Here sequences are fed in segments
of 1 and of 10 steps and whole, and an update's gradient reaches as far as its segment;
labels are at each step, or at the end of a sequence alone, and then that makes the only
update. Of a task all rows have as many epochs.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from statelab.evaluation.experiments import evaluation_of
from statelab.pipeline.dvc_experiments import Sections, changed
from statelab.studies import experiment_table
from statelab.studies.post import POST

SEEDS = 10
HEADINGS = (
    "task",
    "steps",
    "label at",
    "gradient window",
    f"state reset at each segment, {SEEDS} seeds",
    "state carried",
    "constant prediction",
)


class Row(NamedTuple):
    """One line of the table, and the experiment behind it."""

    task: str
    length: int
    label: str
    segment: int | None  # steps, also of the gradient window; None for all

    @property
    def experiment(self) -> str:
        """What DVC calls it."""
        task = self.task.replace("_", "-")
        return (
            f"beyond-{task}-{self.length}-{self.label.replace('_', '-')}-"
            f"{self.segment or 'all'}"
        )


# A budget for each task; the same for every row of it.
_TRAIN = {"epochs": 60, "learning_rate": 0.003, "schedule": "constant", "seeds": SEEDS}
_CLIPPED = {
    "epochs": 15,
    "batch_size": 32,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "clipnorm": 1.0,
}
BUDGETS: dict[str, dict[str, dict[str, object]]] = {
    "noisy_first": {
        "generate": {"sequences": 3000},
        "window": {"test_size": 2000},
        "model": {"units": 10},
        "train": _TRAIN,
    },
    "temporal_order_6a": {
        "generate": {"sequences": 6000},
        "window": {"test_size": 1000},
        "model": {"units": 10, "forget_bias": "chrono"},
        "train": {**_TRAIN, **_CLIPPED},
    },
    "adding": {
        "generate": {"sequences": 8000},
        "window": {"test_size": 1000},
        "model": {"units": 32},
        "train": {**_TRAIN, **_CLIPPED},
    },
}
ROWS = (
    *(
        Row("noisy_first", length, label, segment)
        for length in (20, 50)
        for label in ("each_step", "end")
        for segment in (1, 10, None)
    ),
    *(Row("temporal_order_6a", 100, "end", segment) for segment in (1, None)),
    *(Row("adding", 100, "end", segment) for segment in (1, None)),
)


def _sections(row: Row) -> Sections:
    """Return all of params.yaml for a row, but the seed."""
    budget = BUDGETS[row.task]
    return changed(
        POST,
        generate={
            "task": row.task,
            "length": row.length,
            "label": row.label,
            **budget["generate"],
        },
        window={
            "layout": "full" if row.segment is None else "per_timestep",
            "segment_length": row.segment or 1,
            **budget["window"],
        },
        model=budget["model"],
        train_stateless=budget["train"],
        train_stateful=budget["train"],
    )


EXPERIMENTS = {row.experiment: _sections(row) for row in ROWS}


def scores() -> list[dict[str, Any]]:
    """Return what the experiments of the current commit gave, one for each row.

    Returns:
        Task, length, label, segment, the name of the score, and the score of
        `stateless` and of `stateful` as `mean`, `low` and `high`, and of a constant
        prediction as `baseline`: the accuracy at the last step, or of values the mean
        squared error. A row without its experiment has no score.
    """
    return [{**row._asdict(), **_scores(row.experiment)} for row in ROWS]


def _scores(experiment: str) -> dict[str, Any]:
    evaluated = evaluation_of(experiment)
    if evaluated is None:
        return {}
    baseline = evaluated.modes["stateful"].baselines["constant"]
    if "final_accuracy" in baseline:
        score, key, value = "accuracy", "final_accuracy", baseline["final_accuracy"]
    else:
        score, key, value = "squared error", "loss", baseline["rmse"] ** 2
    by_mode = experiment_table.by_mode(evaluated, key)
    return {"score": score, "baseline": value, **by_mode}


def table(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the lines of the table under `HEADINGS`, of what `scores` returned."""
    return experiment_table.lines(rows, _description, _score_cells, HEADINGS)


def _description(row: Mapping[str, Any]) -> tuple[str, ...]:
    label, segment = row["label"].replace("_", " "), str(row["segment"] or "all")
    return row["task"], str(row["length"]), label, segment


def _score_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    digits = 3 if row["score"] == "accuracy" else 4
    modes = experiment_table.mode_cells(row, digits)
    return (*modes, f"{row['baseline']:.{digits}f}")
