"""The two trainings that are compared, and two names of their variants."""

from typing import Literal, get_args

Mode = Literal["stateless", "stateful"]
MODES: tuple[Mode, ...] = get_args(Mode)
IN_USE, AGAIN = "in use", "again"  # as params.yaml has it, and from other seeds
