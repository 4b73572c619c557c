"""A CSV file of ten million rows, read by us and by others: `-m benchmarks.files`.

Ours makes sequences of it, checked and in order; others make a table. Each reads in a
process of its own, by turns.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import typer
from pyarrow import csv
from rich.console import Console

from benchmarks import machine
from benchmarks.clusters import ROOT

CONSOLE = Console(highlight=False, soft_wrap=True, markup=False)
ROWS, PART, LENGTH = 10**7, 10**6, 1000
TURNS = 5
READERS = {
    "statelab": """
from statelab.config import params
from statelab.data import sources
given = params.load().generate
columns = given.columns.model_copy(update={"sequence": "id", "time": "time"})
read = lambda: sources.load(given.model_copy(
    update={"source": "csv", "path": sys.argv[1], "columns": columns}))
""",
    "pandas": "import pandas\nread = lambda: pandas.read_csv(sys.argv[1])",
    "polars": "import polars\nread = lambda: polars.read_csv(sys.argv[1])",
}
TIMED = """
import resource, time
started = time.perf_counter()
read()
seconds = time.perf_counter() - started
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


def main() -> None:
    """Print the rows per second and the peak of memory of each."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in READERS}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        _write(file)
        for _ in range(TURNS):
            for name in times:
                if (timed := _timed(name, file)) is not None:
                    times[name].append(timed)
    ours = median(seconds for seconds, _ in times["statelab"])
    for name, each in times.items():
        if not each:
            CONSOLE.print(f"{name}: left out, not installed")
            continue
        seconds = median(seconds for seconds, _ in each)
        peak = max(peak for _, peak in each)
        CONSOLE.print(
            f"{name:9} {ROWS / seconds / 1e6:5.1f} million rows a second, "
            f"{peak:.2f} GB at the peak, {seconds / ours:.2f} of our time"
        )
    CONSOLE.print(", ".join(f"{k} {v}" for k, v in machine.description().items()))


def _write(file: Path) -> None:
    rng = np.random.default_rng(0)
    names = ["id", "time", "a", "b", "c", "target"]
    kinds = [pa.int64(), pa.int64(), *[pa.float64()] * 4]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with csv.CSVWriter(str(file), schema) as writer:
        for first in range(0, ROWS, PART):
            row = np.arange(first, first + PART)
            values = rng.normal(size=(4, PART)).round(4)
            columns = [row // LENGTH, row % LENGTH, *values]
            writer.write_table(pa.table(dict(zip(names, columns, strict=True))))


def _timed(name: str, file: Path) -> tuple[float, float] | None:
    """Return the seconds and the GB of one reading; None where it cannot be."""
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys\n{READERS[name]}\n{TIMED}", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        if "ModuleNotFoundError" in ended.stderr:
            return None
        raise SystemExit(ended.stderr)
    seconds, peak = map(float, ended.stdout.split())
    return seconds, peak


if __name__ == "__main__":
    typer.run(main)
