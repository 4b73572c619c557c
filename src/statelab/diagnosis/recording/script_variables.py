"""Copies the arrays among a script's variables, in which its samples may stand."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

MAX_BYTES = 200_000_000  # of all arrays; later ones are not kept
VISITS = 3  # of the variables of one function, at most


class ScriptVariables:
    """The arrays of a script that is running.

    Attributes:
        arrays: by the name of the variable; a quote for each other value it has had.
        scaled: what scalers were fitted on, after scaling, with the scaler's name.
    """

    def __init__(self, script: Path):
        self.arrays: dict[str, np.ndarray] = {}
        self.scaled: list[tuple[str, np.ndarray]] = []
        self._script = str(script)
        self._visits: Counter[CodeType] = Counter()
        self._bytes_left = MAX_BYTES

    def innermost_frame(self) -> FrameType | None:
        """Return the innermost frame of the script that is being run."""
        frame = sys._getframe(1)
        while frame is not None and not self._is_of_script(frame):
            frame = frame.f_back
        return frame

    def copy_from_frames(self, frame: FrameType | None) -> None:
        """Keep the arrays of a frame, and of those that have called it."""
        while frame is not None:
            if self._visits[frame.f_code] < VISITS and self._is_of_script(frame):
                self._visits[frame.f_code] += 1
                self.copy_arrays(dict(frame.f_locals))
            frame = frame.f_back

    def copy_arrays(self, variables: dict[str, Any]) -> None:
        """Keep the arrays among variables, and among the fields of objects."""
        for variable, value in variables.items():
            if variable.startswith("__"):
                continue
            for name, array in _named_arrays(variable, value):
                if array.nbytes > self._bytes_left or array.size < 8:
                    continue
                known = self.arrays.get(name)
                while known is not None and not _equal(known, array):
                    name += "'"
                    known = self.arrays.get(name)
                if known is None:
                    self._bytes_left -= array.nbytes
                    self.arrays[name] = array.copy()

    def copy_scaled(self, scaler: str, array: np.ndarray) -> None:
        """Keep what a scaler was fitted on."""
        if array.nbytes <= self._bytes_left:
            self._bytes_left -= array.nbytes
            self.scaled.append((scaler, array.copy()))

    def _is_of_script(self, frame: FrameType) -> bool:
        return frame.f_code.co_filename == self._script


def numeric_array(value: Any) -> np.ndarray | None:
    """Return a table or array of numbers as an array; None of anything else."""
    if isinstance(value, pd.DataFrame | pd.Series):
        value = value.select_dtypes("number") if value.ndim == 2 else value
        value = value.to_numpy()
    elif isinstance(value, tf.Tensor) and hasattr(value, "numpy"):
        value = value.numpy()
    elif isinstance(value, list) and len(value) > 7:
        if not isinstance(value[0], float | int | np.ndarray | np.number):
            return None
        try:
            value = np.asarray(value)
        except ValueError:
            return None
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return value
    return None


def _named_arrays(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a variable's arrays: itself, its members, or its fields."""
    array = numeric_array(value)
    if array is not None:
        yield name, array
        return
    if isinstance(value, list | tuple) and len(value) < 1000:
        members = {f"{name}[{index}]": member for index, member in enumerate(value)}
    elif isinstance(value, dict) and len(value) < 1000:
        members = {f"{name}[{key!r}]": member for key, member in value.items()}
    elif type(value).__module__ == "__main__" and hasattr(value, "__dict__"):
        members = {f"{name}.{key}": member for key, member in vars(value).items()}
    else:
        return
    for member_name, member in members.items():
        array = numeric_array(member)
        if array is not None:
            yield member_name, array


def _equal(some: np.ndarray, other: np.ndarray) -> bool:
    return some.shape == other.shape and some.tobytes() == other.tobytes()
