"""The generated tasks: what is known of each before its sequences are drawn.

`data.tasks.TASK_FUNCTIONS` has a function for each, which draws them.
"""

from typing import NamedTuple


class Task(NamedTuple):
    """What the rules of params.yaml have to know of a task."""

    shortest: int = 1  # time steps that a sequence needs
    ragged: bool = False  # a sequence is up to a tenth longer than `generate.length`
    lagged: bool = False  # it has a lag, and no target in as many first time steps


TASKS = {
    "first_step": Task(),
    "noisy_first": Task(),
    "adding": Task(shortest=2),
    "multiplication": Task(shortest=2),
    "temporal_order_6a": Task(shortest=10, ragged=True),
    "temporal_order_6b": Task(shortest=10, ragged=True),
    "copy_memory": Task(shortest=21),
    "lagged_copy": Task(lagged=True),
    "parity": Task(),
    "noise": Task(),
}
