"""Beyond the post: where its recipe stops working, as DVC experiments and a table.

The post updates at every step, and the gradient of an update reaches one step back.
That every step has a label is what makes it enough. Here sequences are fed in segments
of 1 and of 10 steps and whole, and an update's gradient reaches as far as its segment;
labels are at each step, or at the end of a sequence alone, and then that makes the only
update. Of a task all rows have as many epochs.
"""

from typing import Any, NamedTuple

from statelab.pipeline.dvc_experiments import Sections, changed, show
from statelab.studies.post import POST

SEEDS = 10
SHOWN = ("mean", "low", "high")


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


def sections(row: Row) -> Sections:
    """Return all of params.yaml for a row, but the seed."""
    budget = BUDGETS[row.task]
    whole = row.segment is None
    return changed(
        POST,
        generate={
            "task": row.task,
            "length": row.length,
            "label": row.label,
            **budget["generate"],
        },
        window={
            "layout": "full" if whole else "per_timestep",
            "segment_length": row.segment or 1,
            **budget["window"],
        },
        model=budget["model"],
        train_stateless=budget["train"],
        train_stateful=budget["train"],
    )


def scores() -> list[dict[str, Any]]:
    """Return what the experiments of the current commit gave, one for each row.

    Returns:
        Task, length, label, segment, the name of the score, and the score of
        `stateless` and of `stateful` as `mean`, `low` and `high`, and without a model
        as `baseline`: the accuracy at the last step, or of values the mean squared
        error. A row without its experiment has neither of the last three.
    """
    return [_scored(row) for row in ROWS]


def _scored(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = row._asdict()
    evaluated = show(row.experiment, "evaluate.json")
    if evaluated is None:
        return told
    baseline = evaluated["stateful"]["baseline"]
    if "final_accuracy" in baseline:
        told |= {"score": "accuracy", "baseline": baseline["final_accuracy"]}
        key = "final_accuracy"
    else:
        told |= {"score": "squared error", "baseline": baseline["rmse"] ** 2}
        key = "loss"
    for mode in ("stateless", "stateful"):
        told[mode] = {name: evaluated[mode][key][name] for name in SHOWN}
    return told


def table(scored: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Return the lines of the table, of what `scores` returned.

    Returns:
        Task, steps, label, segment, the score of state reset at each segment, of
        state carried through the sequence, and without a model.
    """
    return [_line(each) for each in scored]


def _line(scored: dict[str, Any]) -> tuple[str, ...]:
    told = (
        scored["task"],
        str(scored["length"]),
        scored["label"].replace("_", " "),
        str(scored["segment"] or "all"),
    )
    if "baseline" not in scored:
        return (*told, "no experiment", "", "")
    form = ".3f" if scored["score"] == "accuracy" else ".4f"
    shown = [
        "{} [{}, {}]".format(*(format(scored[mode][name], form) for name in SHOWN))
        for mode in ("stateless", "stateful")
    ]
    return (*told, *shown, format(scored["baseline"], form))
