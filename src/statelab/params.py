"""Reads params.yaml. What it may hold is checked by `schema`, in the check stage."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FILE = Path("params.yaml")


def load(section: str) -> Any:
    """Return one section of params.yaml in the working directory.

    YAML 1.2, as DVC reads it: `1e-3` is a number.

    Args:
        section: a top-level key, such as `"window"`.

    Example:
        >>> load("window")["layout"]  # doctest: +SKIP
        'per_timestep'
    """
    return read()[section]


def read() -> Any:
    """Return params.yaml whole."""
    return YAML(typ="safe", pure=True).load(FILE)
