"""Reads params.yaml. What it may hold is checked by `schema`, in the check stage."""

from collections.abc import Mapping
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


def read(root: Path = Path(".")) -> Any:
    """Return params.yaml whole.

    Args:
        root: the folder that it stands in.
    """
    return YAML(typ="safe", pure=True).load(root / FILE)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the keys of nested mappings with dots.

    Example:
        >>> flatten({"seed": 0, "window": {"layout": "full"}})
        {'seed': 0, 'window.layout': 'full'}
    """
    flat = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
