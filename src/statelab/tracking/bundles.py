"""All that one run in MLflow shows, as a folder of files that waits to be delivered.

bundle.json says what `Bundle` holds; series/ has tables of metrics by step; files/ is
shown as it is; model/, where there is one, is as `saving.write` left it, and
example.npy is of a request to it.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from statelab.io import files


class Bundle(NamedTuple):
    """What a run shows besides its tables and files."""

    stage: str
    fingerprint: str
    name: str
    experiment: str | None  # of DVC, that it was made in
    tags: Mapping[str, str]
    params: Mapping[str, Any]  # by their keys joined with dots
    metrics: Mapping[str, float]  # likewise
    dataset: Mapping[str, Any]  # its name, digest and profile
    seconds: float = 0.0  # that it took, where that is known
    note: str | None = None  # of a model its card, of a comparison the verdict
    model: Mapping[str, Any] | None = None  # what it takes and gives
    register: str | None = None  # the name to register it under
    trials: Sequence[
        Mapping[str, Any]
    ] = ()  # each a `Trial`, with a run below this one


class Trial(NamedTuple):
    """What a trial of a search shows as a run of its own."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    seconds: float


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Make a folder of files that is there when the block ends, and not before.

    Args:
        folder: to make or to replace.
    """
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        shutil.rmtree(folder, ignore_errors=True)
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write(folder: Path, bundle: Bundle) -> None:
    """Write what a run shows."""
    files.write_json(folder / "bundle.json", bundle._asdict())


def read(folder: Path) -> Bundle:
    """Read it back."""
    return Bundle(**files.read_json(folder / "bundle.json"))


def write_table(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of the same keys as MLflow shows a table."""
    table = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    files.write_json(file, table)


def write_series(folder: Path, name: str, table: pd.DataFrame) -> None:
    """Write a table of metrics, to the last digit; its index counts the steps."""
    (folder / "series").mkdir(exist_ok=True)
    table.to_parquet(folder / "series" / f"{name}.parquet")


def read_series(folder: Path) -> list[pd.DataFrame]:
    """Read back every such table."""
    return [pd.read_parquet(file) for file in (folder / "series").glob("*.parquet")]


def waiting(spool: Path) -> list[Path]:
    """Return the bundles in a folder of them."""
    return sorted(file.parent for file in spool.glob("[!.]*/bundle.json"))
