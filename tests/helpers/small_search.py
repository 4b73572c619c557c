"""A lookback search of seconds: `python small_search.py FOLDER [SHARD_STEPS]`.

It is carried out where the environment says, keeps its ledger in a folder, and leaves
its table there: table.json.
"""

import sys
from pathlib import Path

import pandas as pd

from statelab.config import params
from statelab.data import tasks
from statelab.io import files
from statelab.lookback import search_result
from statelab.lookback.decision import Rule
from statelab.pipeline import command

with command.quiet_import():
    from statelab.lookback import executors, problem, scheduler, search
    from statelab.lookback.executors import Workers
    from statelab.lookback.problem import SearchData

REPOSITORY = Path(__file__).resolve().parents[2]
WHO = ["worker", "seconds_compile", "seconds_train", "seconds_score", "seconds_other"]
SMALL = {
    "high": 8,
    "trials": 6,
    "group": 3,
    "seeds": 2,
    "updates": 120,
    "batch_size": 4,
}


def lay(folder: Path, shard_steps: int | None = None) -> SearchData:
    """Lay the ground: 60 sequences of 12 steps, each a label of 2 steps ago."""
    read, asked = params.read(REPOSITORY), params.read(REPOSITORY / "search")
    made = {"task": "lagged_copy", "sequences": 60, "length": 12, "lag": 2}
    return problem.build_problem(
        tasks.make(seed=1, label="each_step", **made),
        folder / "shards",
        seed=0,
        scaled=False,
        horizon=0,
        window=read["window"],
        model=read["model"] | asked["model"] | {"units": 3},
        search=asked["search"] | SMALL | {"shard_steps": shard_steps},
    )


def run(laid: SearchData, crew: Workers, folder: Path) -> pd.DataFrame:
    """Return the table of the search, times and workers apart."""
    settings = params.read(REPOSITORY / "search")["search"] | SMALL
    outcomes = search.search(
        search.space(**settings, default_units=3),
        scheduler.TrialScheduler(crew, folder / "ledger", lambda _: None),
        trials=settings["trials"],
        group=settings["group"],
        seed=0,
        rule=Rule("accuracy", 0.01),
    )
    return search_result.table(outcomes).drop(columns=WHO)


def main(folder: Path, shard_steps: int | None = None) -> None:
    laid = lay(folder, shard_steps)
    with executors.opened(laid.ground) as crew:
        table = run(laid, crew, folder)
    with files.atomic_write(folder / "table.json") as stream:
        stream.write(table.to_json(orient="records", double_precision=15).encode())


if __name__ == "__main__":
    with command.one_line_errors():
        main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
