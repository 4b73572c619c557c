"""Show in MLflow what a stage has written, or has written so far."""

import signal
import sys
from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from statelab.pipeline import command
from statelab.tracking import connection, sync

LONGEST = 60  # seconds that a stage waits for a store that takes its time


class Stage(StrEnum):
    STATELESS = "train_stateless"
    STATEFUL = "train_stateful"
    EVALUATE = "evaluate"
    LOOKBACK = "lookback"


class _TooSlow(Exception):
    pass


def main(
    stage: Stage,
    so_far: Annotated[
        int | None, typer.Option(help="The process that is still training.")
    ] = None,
) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    try:
        if so_far is not None:
            sync.log_so_far(stage, so_far)
            return
        waiting = sync.bundle(stage)
        signal.alarm(LONGEST)
        for folder in waiting:
            sync.deliver(folder)
    except Exception as error:
        signal.alarm(0)
        # Training took long and its files are sound: they are kept, whatever this is.
        if so_far is None:  # else it is said once the training is over
            said = f"not logged to {connection.refusal(error)}. `statelab sync` will"
            print(f"{stage}: {said}", file=sys.stderr)


def _give_up(*_: object) -> NoReturn:
    raise _TooSlow(f"it took over {LONGEST} seconds")


if __name__ == "__main__":
    command.run(main)
