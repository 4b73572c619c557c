"""The ledger of a search: a file for each trial that has ended.

A search that was killed goes on from there: what it asks for again, it looks up.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from statelab.errors import UserError
from statelab.io import files
from statelab.lookback.decision import Outcome
from statelab.lookback.problem import SearchData
from statelab.lookback.trials import Trial
from statelab.pipeline import resume_key


@contextmanager
def of(laid: SearchData, settings: Mapping[str, Any]) -> Iterator[Path]:
    """Return the folder of the ledger of a search, by everything that decides it.

    It is removed when the block ends, and stays where it raises.

    Args:
        laid: what is searched.
        settings: of search/params.yaml.
    """
    ground = laid.ground
    known = {
        "search": dict(settings),
        "network": ground.network,
        "optimizer": ground.optimizer,
        "seed": ground.seed,
        "high": laid.high,
    }
    arrays = [*laid.data, *laid.windows, laid.asked, *(ground.scaling or ())]
    name = resume_key.fingerprint(known, arrays)
    folder = resume_key.folder() / f"{name}.trials"
    try:
        yield folder
    except UserError as error:
        kept = len(list(folder.glob("*.json")))
        if not kept:
            raise
        raise UserError(
            f"{error} ({kept} trials are kept: the same search goes on from there.)"
        ) from None
    shutil.rmtree(folder, ignore_errors=True)


def note(folder: Path, outcome: Outcome) -> None:
    """Write down how a trial has ended."""
    trial = Trial(*outcome[2:8])
    with files.atomic_write(_file(folder, outcome.phase, trial)) as stream:
        stream.write(json.dumps(outcome._asdict()).encode())


def look_up(folder: Path, phase: str, trial: Trial) -> Outcome | None:
    """Return how a trial has ended; None where it has not."""
    file = _file(folder, phase, trial)
    return Outcome(**json.loads(file.read_text())) if file.exists() else None


def _file(folder: Path, phase: str, trial: Trial) -> Path:
    """A trial that bisection asks for is never given up, and so another one."""
    digest = hashlib.sha256(json.dumps(trial).encode()).hexdigest()
    return folder / f"{phase}-{digest[:32]}.json"
