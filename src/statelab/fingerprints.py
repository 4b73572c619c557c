"""What tells a result of a stage from any other: its parameters and dependencies."""

import hashlib
import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from statelab import params
from statelab.errors import UserError

STAGES = ("train_stateless", "train_stateful", "evaluate")  # those with runs in MLflow
SEQUENCES = "data/sequences"


class Result(NamedTuple):
    """What a stage made of its parameters and dependencies."""

    stage: str
    fingerprint: str  # equal where stage, parameters and dependencies are
    sequences: str  # DVC's hash of them
    files: tuple[str, ...] = ()  # that hold it, or that it was made of


def recorded(lock: str) -> list[Result]:
    """Return the results that a dvc.lock tells of.

    Args:
        lock: its text.
    """
    stages = (params.parse(lock) or {}).get("stages", {})
    found = []
    for stage in STAGES:
        if stage not in stages:
            continue
        told = stages[stage]
        deps = {dep["path"]: dep["md5"] for dep in told["deps"]}
        result = _result(stage, told["params"][params.FILE.name], deps)
        paths = [*deps, *(out["path"] for out in told["outs"])]
        data = tuple(path for path in paths if not path.endswith(".py"))
        found.append(result._replace(files=data))
    return found


def of_workspace() -> list[Result]:
    """Return the results that dvc.lock tells of in the working directory."""
    return recorded(params.LOCK.read_text()) if params.LOCK.exists() else []


def current(stage: str, root: Path = Path(".")) -> Result:
    """Return the result that a stage is about to leave, or has just left.

    DVC writes to dvc.lock what a stage has read only once it is over. Until then the
    hashes of what earlier stages made are there, and all else is on disk.

    Args:
        stage: one of `STAGES`.
        root: of the workspace.

    Raises:
        UserError: an earlier stage has not run.
    """
    lock = root / params.LOCK
    stages = params.parse(lock.read_text())["stages"] if lock.exists() else {}
    made = {
        out["path"]: out["md5"]
        for each in stages.values()
        for out in each.get("outs", [])
    }
    told = params.parse((root / "dvc.yaml").read_text())["stages"][stage]
    read = params.read(root)
    settings = {
        key: reduce(dict.__getitem__, key.split("."), read) for key in told["params"]
    }
    deps = {dep: made.get(dep) or _md5(root / dep) for dep in told["deps"]}
    return _result(stage, settings, deps)


def _result(stage: str, settings: Mapping[str, Any], deps: Mapping[str, str]) -> Result:
    told = json.dumps([stage, settings, deps], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()
    return Result(stage, digest[:32], deps[SEQUENCES])


def _md5(file: Path) -> str:
    """Return what DVC writes to dvc.lock for a file."""
    if not file.is_file():
        raise UserError(f"{file}: not known to dvc.lock. Run `dvc repro` to make it")
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
