"""What a trial costs beside its training: `python -m benchmarks.lookback`.

One search by one Dask worker of one thread, by two, and by a thread of this process.

They take turns, as the speed of a machine changes from one minute to the next. A turn
counts when nothing had to be compiled any more.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from benchmarks import clusters, machine
from benchmarks.clusters import ROOT
from statelab.config import params
from statelab.config.settings import SearchSettings
from statelab.data import tasks
from statelab.lookback.decision import Rule
from statelab.lookback.outcomes import Outcome
from statelab.pipeline import command

with command.quiet_import():
    from statelab.lookback import problem, scheduler, search
    from statelab.lookback.problem import SearchData
    from statelab.training import executors

CONSOLE = Console(highlight=False, soft_wrap=True, markup=False)
TASK = {"task": "lagged_copy", "sequences": 600, "length": 80, "lag": 20}
COMPILED = 1.0  # seconds of compilation that a timed search may have
TURNS = 3  # that count
TRIES = 8  # turns, at most


class Timed(NamedTuple):
    """A search, and what it took."""

    outcomes: list[Outcome]
    seconds: float
    compiling: float

    @property
    def per_minute(self) -> float:
        """Trials that have ended."""
        return 60 * len(self.outcomes) / self.seconds


def main(
    updates: Annotated[int, typer.Option(help="Of each network.")] = 1500,
) -> None:
    """Print the trials per minute of each, and what is not compiling or training."""
    loaded, search_params = params.load(ROOT), params.load_search(ROOT)
    settings = search_params.search.model_copy(update={"updates": updates})
    task = loaded.generate.model_copy(update=TASK)
    data = problem.build_problem(
        tasks.make(task, loaded.seed),
        Path(),
        loaded.model_copy(update={"generate": task}),
        search_params.model_copy(update={"search": settings}),
    )
    with ExitStack() as stack:
        workers_by_name = {
            "1 worker": stack.enter_context(_workers(data, 1)),
            "2 workers": stack.enter_context(_workers(data, 2)),
            "1 thread": stack.enter_context(executors.threads(data.problem, 1)),
        }
        turns: list[dict[str, Timed]] = []
        for _ in range(TRIES):
            turn = {}
            for name, workers in workers_by_name.items():
                turn[name] = _search(data, settings, workers)
                CONSOLE.print(f"{name:>9}: {_in_words(turn[name], int(name[0]))}")
            if max(timed.compiling for timed in turn.values()) < COMPILED:
                turns.append(turn)
            if len(turns) == TURNS:
                break
    if not turns:
        raise SystemExit("Something had to be compiled in every turn: try again.")
    ratios = [
        turn["2 workers"].per_minute / turn["1 worker"].per_minute for turn in turns
    ]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    CONSOLE.print(
        f"2 workers train {median(ratios):.2f} times as many trials as 1, the median "
        f"of {listed}"
    )
    searches = [
        [outcome[:8] for outcome in timed.outcomes]
        for turn in turns
        for timed in turn.values()
    ]
    same = all(trials == searches[0] for trials in searches)
    CONSOLE.print(f"the same trials: {same}")
    CONSOLE.print(", ".join(f"{k} {v}" for k, v in machine.description().items()))


@contextmanager
def _workers(data: SearchData, count: int) -> Iterator[executors.Workers]:
    with clusters.cluster(count) as address:
        with executors.cluster(data.problem, address) as workers:
            yield workers


def _in_words(timed: Timed, workers: int) -> str:
    seconds = [outcome.seconds for outcome in timed.outcomes]
    scoring = median(1000 * spent["score"] for spent in seconds)
    own = median(1000 * (spent["score"] + spent["other"]) for spent in seconds)
    idle = workers * timed.seconds - sum(sum(spent.values()) for spent in seconds)
    return (
        f"{timed.per_minute:.2f} trials per minute, {len(seconds)} in "
        f"{timed.seconds:.1f} s, of which {timed.compiling:.1f} s compilation; all but "
        f"compiling and training {own:.0f} ms of a trial, of which scoring "
        f"{scoring:.0f}, and {1000 * idle / len(seconds):.0f} until the next"
    )


def _search(
    data: SearchData, settings: SearchSettings, workers: executors.Workers
) -> Timed:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        trial_scheduler = scheduler.TrialScheduler(
            workers, Path(folder), lambda _: None
        )
        outcomes = search.search(
            search.space(settings, data.longest_window, data.problem.network.units),
            trial_scheduler.submit,
            trials=settings.trials,
            group=settings.group,
            seed=data.problem.seed,
            rule=Rule("accuracy", 0.01),
        )
        seconds = time.perf_counter() - began
    return Timed(outcomes, seconds, sum(o.seconds["compile"] for o in outcomes))


if __name__ == "__main__":
    typer.run(main)
