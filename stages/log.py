"""Show in MLflow what a stage has written, or has written so far."""

import signal
import sys
from enum import StrEnum
from typing import NoReturn

from statelab import command, lockstep, tracking

LONGEST = 60  # seconds that a stage waits for a store that takes its time


class Stage(StrEnum):
    STATELESS = "train_stateless"
    STATEFUL = "train_stateful"
    EVALUATE = "evaluate"


class _TooSlow(Exception):
    pass


def main(stage: Stage, so_far: bool = False) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(LONGEST)
    try:
        lockstep.log(stage, so_far=so_far)
    except Exception as error:
        # Training took long and its files are sound: they are kept, whatever this is.
        line = f"{stage}: not logged to {tracking.store()}: {tracking.why(error)}"
        if not so_far:
            line += ". `statelab sync` will, from what waits in .spool"
        print(line, file=sys.stderr)


def _give_up(*_: object) -> NoReturn:
    raise _TooSlow(f"it took over {LONGEST} seconds")


if __name__ == "__main__":
    command.run(main)
