"""A comparison by one Dask worker of one thread and by two: `-m benchmarks.comparison`.

They take turns, as the speed of a machine changes from one minute to the next. In the
first turn each worker compiles; the next ones are what counts.
"""

import time
from contextlib import ExitStack
from statistics import median

import numpy as np
import typer
from rich.console import Console

from benchmarks import clusters, machine
from benchmarks.clusters import ROOT
from statelab.config import params
from statelab.config.settings import Training
from statelab.data import tasks
from statelab.pipeline import command
from statelab.samples import splitting
from statelab.samples.target_changes import UserUnits

with command.quiet_import():
    from statelab.training import executors, pieces
    from statelab.training.executors import Workers
    from statelab.training.pieces import Comparison, Split

CONSOLE = Console(highlight=False, soft_wrap=True, markup=False)
TASK = {"task": "lagged_copy", "sequences": 600, "length": 80, "lag": 20}
WINDOWS = (5, 10, 20, 40)  # steps of each variant's
SPLITS = 3
TURNS = 4  # the first one compiles


def main() -> None:
    """Print the seconds of each, and how many times as fast two workers are."""
    loaded = params.load(ROOT)
    data = tasks.make(loaded.generate.model_copy(update=TASK), loaded.seed)
    splits = [
        Split(
            data,
            UserUnits(data, None),
            splitting.split_and_window(data, loaded.window, seed=seed),
            None,
        )
        for seed in range(SPLITS)
    ]
    settings = loaded.train_stateless.model_copy(
        update={"epochs": 4, "batch_size": 32, "learning_rates": None}
    )
    model = loaded.model.model_copy(update={"units": 32})
    training = Training(model, settings, loaded.seed)
    ratios, predicted = [], []
    with ExitStack() as stack:
        workers = {
            count: stack.enter_context(
                executors.cluster(
                    Comparison(splits, training),
                    stack.enter_context(clusters.cluster(count)),
                )
            )
            for count in (1, 2)
        }
        for turn in range(TURNS):
            seconds = {}
            for count, each in workers.items():
                seconds[count], predictions = _compared(each, training)
                predicted.append(predictions)
            if turn:
                ratios.append(seconds[1] / seconds[2])
            what = "" if turn else ", of which some is compilation"
            CONSOLE.print(
                f"{len(WINDOWS) * SPLITS} trainings: {seconds[1]:.1f} s by 1 worker, "
                f"{seconds[2]:.1f} s by 2{what}"
            )
    same = all(predictions == predicted[0] for predictions in predicted)
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    CONSOLE.print(
        f"2 workers take 1/{median(ratios):.2f} of the time of 1, the median of "
        f"{listed}; predictions are the same to the byte: {same}"
    )
    CONSOLE.print(", ".join(f"{k} {v}" for k, v in machine.description().items()))


def _compared(workers: Workers, training: Training) -> tuple[float, list[bytes]]:
    """Return the seconds that all pieces take together, and what they predict."""
    started = time.perf_counter()
    futures = [
        workers.submit(pieces.train_piece, number, _layout(steps), training)
        for number in range(SPLITS)
        for steps in WINDOWS
    ]
    trained = [future.result()[0] for future in futures]
    seconds = time.perf_counter() - started
    return seconds, [np.asarray(each.predictions).tobytes() for each in trained]


def _layout(steps: int) -> dict[str, object]:
    return {"layout": "subsampled", "window_length": steps, "stride": 4}


if __name__ == "__main__":
    typer.run(main)
