"""Beyond the post: where its recipe stops working, as DVC experiments and a table.

The post updates at every step, and the gradient of an update reaches one step back. Two
things make that enough: every step has a label, and the task is easy. Here the label,
the gradient window and the task change; the budget of a task stays.
"""

from typing import Any, NamedTuple

from statelab.experiments import Sections, changed, show
from statelab.post import POST

SEEDS = 10


class Row(NamedTuple):
    """One line of the table, and the experiment behind it."""

    task: str
    length: int
    label: str
    gradient_window: int | None  # None for a whole sequence

    @property
    def experiment(self) -> str:
        """What DVC calls it."""
        window = self.gradient_window or "all"
        task = self.task.replace("_", "-")
        return f"beyond-{task}-{self.length}-{self.label.replace('_', '-')}-{window}"


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
        Row("noisy_first", length, label, window)
        for length in (20, 50)
        for label in ("each_step", "end")
        for window in (1, 10, None)
    ),
    *(Row("temporal_order_6a", 100, "end", window) for window in (1, 10, None)),
    *(Row("adding", 100, "end", window) for window in (1, 10, None)),
)


def sections(row: Row) -> Sections:
    """Return all of params.yaml for a row, but the seed."""
    budget = BUDGETS[row.task]
    whole = row.gradient_window is None
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
            "segment_length": row.gradient_window or 1,
            **budget["window"],
        },
        model=budget["model"],
        train_stateless=budget["train"],
        train_stateful=budget["train"],
    )


def table() -> list[tuple[str, ...]]:
    """Return the lines of the table, read from the experiments of the current commit.

    Returns:
        Task, length, label, gradient window, the score of state reset at each sample,
        of state carried through the sequence, and without a model: accuracy at the
        last step, or mean squared error. A line without its experiment says so.
    """
    return [_line(row) for row in ROWS]


def _line(row: Row) -> tuple[str, ...]:
    window = "all" if row.gradient_window is None else str(row.gradient_window)
    label = {"each_step": "each step", "end": "end"}[row.label]
    told = (row.task, str(row.length), label, window)
    evaluated = show(row.experiment, "evaluate.json")
    if evaluated is None:
        return (*told, f"no experiment {row.experiment}", "", "")
    modes = (evaluated["stateless"], evaluated["stateful"])
    return (*told, *map(_score, modes), _baseline(modes[1]))


def _score(scored: dict[str, Any]) -> str:
    if "final_accuracy" in scored:
        score, form = scored["final_accuracy"], ".3f"
    else:
        score, form = scored["loss"], ".4f"
    mean, low, high = (format(score[key], form) for key in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _baseline(scored: dict[str, Any]) -> str:
    baseline = scored["baseline"]
    if "final_accuracy" in baseline:
        return f"{baseline['final_accuracy']:.3f}"
    return f"{baseline['final_rmse'] ** 2:.4f}"
