"""Another revision's trainer and today's by turns: `-m benchmarks.revisions REV`.

Each trains in a process of its own, out of its own files, and sleeps until it is its
turn. Works that one of them does not have are left out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import geometric_mean, median
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import machine, table
from benchmarks.clusters import ROOT
from benchmarks.works import WORKS, Work

CONSOLE = Console(highlight=False, soft_wrap=True, markup=False)
# what another revision has as well: works by name, `ours.prepare`, and a turn
SERVE = """
import sys, time
from benchmarks.contestants import ours
from benchmarks.works import WORKS
(work,) = [work for work in WORKS if work.name == sys.argv[1]]
turn = ours.prepare(work, work.updates, "compiled")
turn.run()
print("ready", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    turn.run()
    print((time.perf_counter() - started) / turn.updates * 1e6, flush=True)
"""


def main(
    revision: Annotated[str, typer.Argument(help="What Git calls it.")],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Works whose name begins so; repeatable."),
    ] = None,
) -> None:
    """Print the µs per update and network of both revisions, and their ratio."""
    chosen = [
        work
        for work in WORKS
        if not work.name.startswith("flat")
        and (not only or work.name.startswith(tuple(only)))
    ]
    ratios: dict[str, list[float]] = {}
    CONSOLE.print(f"{'µs per update and network':26} {revision:>9} {'today':>9} ratio")
    with tempfile.TemporaryDirectory() as folder, _tree(revision, Path(folder)) as then:
        for work in chosen:
            with _serving(then, work) as before, _serving(ROOT, work) as now:
                if not (_ready(before) and _ready(now)):
                    CONSOLE.print(f"{work.name}: left out, one of them lacks it")
                    continue
                pairs = _by_turns(before, now, work)
            row = [table.figure(median(times)) for times in zip(*pairs, strict=True)]
            ratio = median(old / new for old, new in pairs)
            ratios.setdefault(work.group or "the others", []).append(ratio)
            CONSOLE.print(f"{work.name:26} {row[0]:>9} {row[1]:>9} {ratio:5.2f}")
    for group, each in ratios.items():
        CONSOLE.print(
            f"{group}, {len(each)} works: {geometric_mean(each):.2f} times as fast, "
            f"at least {min(each):.2f}"
        )
    CONSOLE.print(", ".join(f"{k} {v}" for k, v in machine.description().items()))


@contextmanager
def _tree(revision: str, folder: Path) -> Iterator[Path]:
    """Put the files of a revision into a folder of their own."""
    archive = subprocess.run(
        ["git", "archive", revision, "src", "benchmarks"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    if archive.returncode:
        raise SystemExit(2)  # Git has said why
    subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
    yield folder


@contextmanager
def _serving(tree: Path, work: Work) -> Iterator[subprocess.Popen[str]]:
    path = os.pathsep.join([str(tree / "src"), str(tree)])
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, work.name],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _ready(process: subprocess.Popen[str]) -> bool:
    return process.stdout is not None and process.stdout.readline() == "ready\n"


def _by_turns(
    before: subprocess.Popen[str], now: subprocess.Popen[str], work: Work
) -> list[tuple[float, float]]:
    pairs, end = [], time.monotonic() + work.seconds
    while len(pairs) < work.pairs or time.monotonic() < end:
        pairs.append((_turn(before), _turn(now)))
    return pairs


def _turn(process: subprocess.Popen[str]) -> float:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


if __name__ == "__main__":
    typer.run(main)
