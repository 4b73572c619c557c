"""The trial store of a search: a file for each trial that has ended.

A search that was killed goes on from there: a stored trial is not trained again.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from statelab.config.settings import SearchParams
from statelab.errors import UserError
from statelab.io import files
from statelab.lookback.outcomes import Outcome, Trial
from statelab.lookback.problem import SearchData
from statelab.pipeline import resume_key


@contextmanager
def opened(data: SearchData, search_params: SearchParams) -> Iterator[Path]:
    """Yield the folder of the trial store of a search.

    Its name is a hash of everything that decides the outcomes. The folder is removed
    when the block ends, and stays where the block raises.

    Args:
        data: what is searched.
        search_params: of search/params.yaml.
    """
    problem = data.problem
    known = {
        "search": search_params.model_dump(include={"search", "model"}),
        "network": problem.network,
        "optimizer": problem.optimizer,
        "seed": problem.seed,
        "longest_window": data.longest_window,
    }
    arrays = [
        *(*data.sequences, *data.windows, data.scored_steps),
        *(problem.scaling or ()),
    ]
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


def store(folder: Path, outcome: Outcome) -> None:
    """Store how a trial has ended."""
    with files.atomic_write(_file(folder, outcome.phase, outcome.trial)) as stream:
        stream.write(json.dumps(outcome._asdict()).encode())


def look_up(folder: Path, phase: str, trial: Trial) -> Outcome | None:
    """Return how a trial has ended; None where it has not."""
    file = _file(folder, phase, trial)
    return Outcome(**json.loads(file.read_text())) if file.exists() else None


def _file(folder: Path, phase: str, trial: Trial) -> Path:
    """Return the file of a trial; bisection has its own, as it prunes nothing."""
    digest = hashlib.sha256(json.dumps(trial).encode()).hexdigest()
    return folder / f"{phase}-{digest[:32]}.json"
