"""Small grounds to search on."""

from pathlib import Path

from statelab.data import tasks
from statelab.lookback import problem

SEARCH = {
    **dict(low=1, high=None, seeds=3, updates=40, batch_size=8, optimizer="adam"),
    **dict(schedule="cosine", clipnorm=1.0, validation_size=8, answers=50),
    "shard_steps": None,
}
MODEL = {"cell": "lstm", "units": 4, "layers": 1, "forget_bias": "chrono"}
WINDOW = {
    **dict(layout="per_timestep", window_length=2, stride=1, segment_length=1),
    **dict(split="sequence", test_size=8, validation_size=0, scaling="auto"),
}


def build(folder=Path("unused"), *, search=None, model=None, window=None, **task):
    """The ground of a small lagged_copy: 40 sequences of 12 steps, 3 steps back."""
    task = {
        **dict(task="lagged_copy", label="each_step", seed=1, sequences=40),
        **dict(length=12, lag=3),
        **task,
    }
    return problem.build_problem(
        tasks.make(**task),
        folder,
        seed=1,
        scaled=False,
        horizon=0,
        window={**WINDOW, **(window or {})},
        model={**MODEL, **(model or {})},
        search={**SEARCH, **(search or {})},
    )
