"""What tells a result of a stage from any other: its parameters and dependencies."""

import hashlib
import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

from statelab.config import params
from statelab.errors import UserError
from statelab.pipeline import paths

STAGES = ("train_stateless", "train_stateful", "evaluate")  # those with runs in MLflow
LOOKBACK = "lookback"  # has one as well, and is in a pipeline of its own
LOCKS = (params.LOCK, params.SEARCH / params.LOCK)


class Result(NamedTuple):
    """What a stage made of its parameters and dependencies."""

    stage: str
    fingerprint: str  # equal where stage, parameters and dependencies are
    sequences: str  # DVC's hash of them
    files: tuple[str, ...] = ()  # that hold it, or that it was made of


def recorded(lock: str) -> list[Result]:
    """Return the results that a dvc.lock holds, or a search/dvc.lock.

    Args:
        lock: its text.
    """
    stages = (params.parse(lock) or {}).get("stages", {})
    results = []
    for name in (*STAGES, LOOKBACK):
        if name not in stages:
            continue
        stage = stages[name]
        deps = {dep["path"]: dep["md5"] for dep in stage["deps"]}
        settings, *others = stage["params"].items()  # those of params.yaml come first
        result = _result(name, {**settings[1], **dict(others)}, deps)
        data = [str(paths.DATA), str(paths.METRICS)]
        files = [path for path in deps if path.split("/")[0] in data]
        files += [out["path"] for out in stage["outs"]]
        files += [file for file, _ in others]
        results.append(result._replace(files=tuple(files)))
    return results


def of_workspace() -> list[Result]:
    """Return the results that DVC's locks hold in the working directory."""
    locks = [lock.read_text() for lock in LOCKS if lock.exists()]
    return [result for lock in locks for result in recorded(lock)]


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
        for earlier in stages.values()
        for out in earlier.get("outs", [])
    }
    folder = root / params.SEARCH if stage == LOOKBACK else root
    declared = params.parse((folder / "dvc.yaml").read_text())["stages"][stage]
    settings = {}
    for key in declared["params"]:
        if isinstance(key, str):
            settings |= _values(root / params.FILE, [key])
        else:  # of another file
            settings |= {name: _values(root / name, keys) for name, keys in key.items()}
    deps = {dep: made.get(dep) or _md5(root / dep) for dep in declared["deps"]}
    return _result(stage, settings, deps)


def _values(file: Path, keys: list[str]) -> dict[str, Any]:
    read = params.read(file.parent)
    return {key: reduce(dict.__getitem__, key.split("."), read) for key in keys}


def _result(stage: str, settings: Mapping[str, Any], deps: Mapping[str, str]) -> Result:
    known = json.dumps([stage, settings, deps], sort_keys=True)
    digest = hashlib.sha256(known.encode()).hexdigest()
    return Result(stage, digest[:32], deps[str(paths.SEQUENCES)])


def _md5(path: Path) -> str:
    """Return what DVC writes to dvc.lock for a file, or for a folder of code."""
    if path.is_dir():
        names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*.py"))
        listed = [{"md5": _md5(path / name), "relpath": name} for name in names]
        return f"{hashlib.md5(json.dumps(listed).encode()).hexdigest()}.dir"
    if not path.is_file():
        raise UserError(f"{path}: not known to dvc.lock. Run `dvc repro` to make it")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()
