"""The two trainings that are compared."""

from typing import Literal, get_args

Mode = Literal["stateless", "stateful"]
MODES: tuple[Mode, ...] = get_args(Mode)
