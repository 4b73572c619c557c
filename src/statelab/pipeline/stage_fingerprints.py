"""What tells a result of a stage from any other: its parameters and dependencies."""

import hashlib
import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from statelab.config import params
from statelab.errors import UserError

STAGES = ("train_stateless", "train_stateful", "evaluate")  # those with runs in MLflow
LOOKBACK = "lookback"  # has one as well, and is in a pipeline of its own
LOCKS = (params.LOCK, params.SEARCH / params.LOCK)
SEQUENCES = "data/sequences"


class Result(NamedTuple):
    """What a stage made of its parameters and dependencies."""

    stage: str
    fingerprint: str  # equal where stage, parameters and dependencies are
    sequences: str  # DVC's hash of them
    files: tuple[str, ...] = ()  # that hold it, or that it was made of


def recorded(lock: str) -> list[Result]:
    """Return the results that a dvc.lock tells of, or a search/dvc.lock.

    Args:
        lock: its text.
    """
    stages = (params.parse(lock) or {}).get("stages", {})
    found = []
    for stage in (*STAGES, LOOKBACK):
        if stage not in stages:
            continue
        told = stages[stage]
        deps = {dep["path"]: dep["md5"] for dep in told["deps"]}
        settings, *others = told["params"].items()  # those of params.yaml come first
        result = _result(stage, {**settings[1], **dict(others)}, deps)
        paths = [*deps, *(out["path"] for out in told["outs"])]
        data = [path for path in paths if not path.endswith(".py")]
        data += [file for file, _ in others]
        found.append(result._replace(files=tuple(data)))
    return found


def of_workspace() -> list[Result]:
    """Return the results that DVC's locks tell of in the working directory."""
    there = [lock for lock in LOCKS if lock.exists()]
    return [result for lock in there for result in recorded(lock.read_text())]


def current(stage: str, root: Path = Path(".")) -> Result:
    """Return the result that a stage is about to leave, or has just left.

    DVC writes to dvc.lock what a stage has read only once it is over. Until then the
    hashes of what earlier stages made are there, and all else is on disk.

    Args:
        stage: one of `STAGES`, or `LOOKBACK`.
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
    folder = root / params.SEARCH if stage == LOOKBACK else root
    told = params.parse((folder / "dvc.yaml").read_text())["stages"][stage]
    settings = {}
    for key in told["params"]:
        if isinstance(key, str):
            settings |= _asked(root / params.FILE, [key])
        else:  # of another file
            settings |= {name: _asked(root / name, keys) for name, keys in key.items()}
    deps = {dep: made.get(dep) or _md5(root / dep) for dep in told["deps"]}
    return _result(stage, settings, deps)


def _asked(file: Path, keys: list[str]) -> dict[str, Any]:
    read = params.read(file.parent)
    return {key: reduce(dict.__getitem__, key.split("."), read) for key in keys}


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
