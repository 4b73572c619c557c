"""A lookback search of seconds: `python small_search.py FOLDER [SHARD_STEPS]`.

Its trials are trained where the environment says. It keeps its trial store in a folder,
and leaves its table there: table.json.
"""

import sys
from pathlib import Path

import pandas as pd
import project_params

from statelab.data import tasks
from statelab.io import files
from statelab.lookback import search_result
from statelab.lookback.decision import Rule
from statelab.pipeline import command

with command.quiet_import():
    from statelab.lookback import problem, scheduler, search
    from statelab.lookback.problem import SearchData
    from statelab.training import executors
    from statelab.training.executors import Workers

WHO = ["worker", "seconds_compile", "seconds_train", "seconds_score", "seconds_other"]
SMALL = {
    "high": 8,
    "trials": 6,
    "group": 3,
    "seeds": 2,
    "updates": 120,
    "batch_size": 4,
}


def build(folder: Path, shard_steps: int | None = None) -> SearchData:
    """Return 60 sequences of 12 steps to search, each a label of 2 steps ago."""
    task = {"task": "lagged_copy", "sequences": 60, "length": 12, "lag": 2}
    params = project_params.params(generate=task, model={"units": 3})
    return problem.build_problem(
        tasks.make(params.generate, seed=1),
        folder / "shards",
        params,
        project_params.search_params(SMALL | {"shard_steps": shard_steps}),
    )


def run(data: SearchData, workers: Workers, folder: Path) -> pd.DataFrame:
    """Return the table of the search, without times and workers."""
    settings = project_params.search_params(SMALL).search
    trial_scheduler = scheduler.TrialScheduler(
        workers, folder / "trials", lambda _: None
    )
    outcomes = search.search(
        search.space(settings, data.longest_window, units=3),
        trial_scheduler.submit,
        trials=settings.trials,
        group=settings.group,
        seed=0,
        rule=Rule("accuracy", 0.01),
    )
    return pd.DataFrame(search_result.records(outcomes)).drop(columns=WHO)


def main(folder: Path, shard_steps: int | None = None) -> None:
    data = build(folder, shard_steps)
    with executors.from_environment(data.problem) as workers:
        table = run(data, workers, folder)
    with files.atomic_write(folder / "table.json") as stream:
        stream.write(table.to_json(orient="records", double_precision=15).encode())


if __name__ == "__main__":
    with command.one_line_errors():
        main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
