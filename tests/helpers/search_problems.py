"""Small problems to search."""

from pathlib import Path

import project_params

from statelab.data import tasks
from statelab.lookback import problem
from statelab.lookback.problem import SearchData

SEARCH = dict(seeds=3, updates=40, batch_size=8, validation_size=8, scored_steps=50)


def build(folder=Path("unused"), *, search=None, window=None, **task) -> SearchData:
    """A small lagged_copy: 40 sequences of 12 steps, 3 steps back."""
    task = {"task": "lagged_copy", "sequences": 40, "length": 12, "lag": 3, **task}
    params = project_params.params(
        seed=1,
        generate=task,
        window={"test_size": 8, **(window or {})},
        model={"units": 4},
    )
    return problem.build_problem(
        tasks.make(params.generate, params.seed),
        folder,
        params,
        project_params.search_params({**SEARCH, **(search or {})}),
    )
