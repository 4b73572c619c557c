"""One Dask worker of one thread against two, on one search: `-m benchmarks.lookback`.

They search in turns, as the speed of a machine changes from one minute to the next. A
pair counts for which neither had anything left to compile.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import distributed
import typer
from rich.console import Console

from benchmarks import machine
from statelab import command, params, tasks
from statelab.lookback import Outcome, Rule

with command.quiet_import():
    from statelab import carrying, ground, search, workers
    from statelab.ground import Laid

CONSOLE = Console(highlight=False, soft_wrap=True, markup=False)
ROOT = Path(__file__).resolve().parents[1]
MADE = {"task": "lagged_copy", "sequences": 600, "length": 80, "lag": 20}
COMPILED = 1.0  # seconds of compilation that a timed search may have
PAIRS = 3  # of searches that count
TRIES = 8  # of pairs, at most


class Timed(NamedTuple):
    """A search, and what it took."""

    outcomes: list[Outcome]
    seconds: float
    compiling: float

    @property
    def per_minute(self) -> float:
        """Trials carried out."""
        return 60 * len(self.outcomes) / self.seconds


def main(
    updates: Annotated[int, typer.Option(help="Of each network.")] = 1500,
) -> None:
    """Print the trials per minute of one worker and of two, and their ratio."""
    read, asked = params.read(ROOT), params.read(ROOT / "search")
    settings = asked["search"] | {"updates": updates}
    laid = ground.lay(
        tasks.make(seed=read["seed"], label="each_step", **MADE),
        Path(),
        seed=read["seed"],
        scaled=False,
        horizon=0,
        window=read["window"],
        model=read["model"] | asked["model"],
        search=settings,
    )
    with ExitStack() as stack:
        crews = {count: stack.enter_context(_workers(laid, count)) for count in (1, 2)}
        pairs = []
        for _ in range(TRIES):
            pair = {count: _search(laid, settings, of) for count, of in crews.items()}
            for count, timed in pair.items():
                CONSOLE.print(_told(count, timed))
            if max(timed.compiling for timed in pair.values()) < COMPILED:
                pairs.append(pair)
            if len(pairs) == PAIRS:
                break
    ratios = [pair[2].per_minute / pair[1].per_minute for pair in pairs]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    CONSOLE.print(f"ratio {median(ratios):.2f}, the median of {each}")
    asked_for = [
        [each[:8] for each in timed.outcomes]
        for pair in pairs
        for timed in pair.values()
    ]
    same = all(each == asked_for[0] for each in asked_for)
    CONSOLE.print(f"the same trials: {same}")
    CONSOLE.print(", ".join(f"{k} {v}" for k, v in machine.description().items()))


@contextmanager
def _workers(laid: Laid, count: int) -> Iterator[workers.Workers]:
    with _cluster(count) as address, workers.cluster(laid.ground, address) as crew:
        yield crew


def _told(count: int, timed: Timed) -> str:
    busy = sum(sum(each.seconds.values()) for each in timed.outcomes) / timed.seconds
    return (
        f"{count} worker{'s' * (count > 1)}: {timed.per_minute:.2f} trials per minute, "
        f"{len(timed.outcomes)} in {timed.seconds:.1f} s, of which "
        f"{timed.compiling:.1f} s compilation; busy {busy:.2f}"
    )


def _search(laid: Laid, settings: dict, crew: workers.Workers) -> Timed:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        space = search.space(
            **settings | {"high": laid.high}, default_units=laid.ground.network.units
        )
        outcomes = search.search(
            space,
            carrying.Crew(crew, Path(folder), lambda _: None),
            trials=settings["trials"] or search.enough(space),
            group=settings["group"],
            seed=laid.ground.seed,
            rule=Rule("accuracy", 0.01),
        )
        seconds = time.perf_counter() - began
    return Timed(outcomes, seconds, sum(o.seconds["compile"] for o in outcomes))


@contextmanager
def _cluster(count: int) -> Iterator[str]:
    """Run a scheduler and so many workers of one thread, until the block ends."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "scheduler.json"
        here = ("--no-dashboard", "--scheduler-file", str(file))
        stack.enter_context(_process("scheduler", "--port", "0", *here))
        for _ in range(count):
            scratch = ("--local-directory", folder, "--nthreads", "1", "--no-nanny")
            stack.enter_context(_process("worker", *here, *scratch))
        while not file.exists() or not (address := params.parse(file.read_text())):
            time.sleep(0.1)
        with distributed.Client(address["address"], set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)
        yield address["address"]


@contextmanager
def _process(name: str, *words: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{name}", *words],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    typer.run(main)
