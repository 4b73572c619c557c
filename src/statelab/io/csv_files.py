"""Tables of results as CSV files."""

from pathlib import Path

import pandas as pd

from statelab.io import files


def write(file: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, every float32 to its last digit."""
    with files.atomic_write(file) as stream:
        table.to_csv(stream, index=False, float_format="%.9g")


def read(file: Path) -> pd.DataFrame:
    """Read a table back.

    Raises:
        UserError: there is no such file.
    """
    files.require(file)
    return pd.read_csv(file)
