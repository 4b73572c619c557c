"""Keeps the runs of MLflow in step with the results of DVC.

A result of a stage has one run, whichever experiments share it: it is found by its
fingerprint. What could not be delivered waits in a folder at the root, and what came
out of DVC's cache is shown from there.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from tqdm import tqdm

from statelab import (
    bundles,
    experiments,
    fingerprints,
    params,
    projection,
    results,
    tracking,
    workspace,
)
from statelab.errors import UserError
from statelab.experiments import Experiment
from statelab.fingerprints import Result
from statelab.projection import Origin
from statelab.tracking import Shown

SPOOL = ".spool"
LINKS = Path("metrics/run.json")


class Synced(NamedTuple):
    """What was done to bring MLflow in step."""

    experiments: int
    results: int  # distinct ones of theirs, and of the workspace
    delivered: int  # runs that waited in the spool
    made: int  # runs of what is in DVC's cache
    named: int  # runs that are found by more experiments than before
    merged: int  # runs that were the same as others
    lost: list[str]  # why a result has no run


class _Wanted(NamedTuple):
    result: Result
    origin: Origin
    revision: str | None  # that holds it; None for the workspace
    names: set[str]  # of the experiments that share it


def log(stage: str, *, so_far: bool = False) -> None:
    """Show what a stage has just written, or has written so far.

    Args:
        stage: the one that DVC is running in this workspace.
        so_far: it is a training under way.

    Raises:
        tracking.NotLogged: it waits in the spool, unless it was written so far.
    """
    result = fingerprints.current(stage)
    origin = Origin(os.environ.get("DVC_EXP_NAME"), experiments.head())
    hidden = "." if so_far else ""  # it waits for nobody
    folder = spool() / f"{hidden}{result.fingerprint}"
    projection.project(result, origin, Path("."), folder, so_far=so_far)
    with suppress(tracking.Delivered):
        run = tracking.deliver(folder, finished=not so_far)
        _link({result: run.run_id})


def spool() -> Path:
    """Return where bundles wait."""
    return workspace.root() / SPOOL


def sync() -> Synced:
    """Bring MLflow in step with the experiments of DVC, and with the workspace.

    It may be run at any time, twice, and by two processes at once.

    Raises:
        tracking.NotLogged: the store does not take it.
    """
    waiting = bundles.waiting(spool())
    for folder in tqdm(waiting, "delivering", leave=False, disable=None):
        with suppress(tracking.Delivered):
            tracking.deliver(folder)
    runs, merged = _merged(tracking.shown())
    listed = experiments.listed()
    wanted = _wanted(listed)
    made, named = 0, 0
    lost: list[str] = []
    for want in tqdm(wanted.values(), "in step", leave=False, disable=None):
        fingerprint = want.result.fingerprint
        run = runs.get(fingerprint)
        if run is None or not run.finished:
            with tempfile.TemporaryDirectory() as scratch:
                bundle = Path(scratch, "bundle")
                try:
                    _project_from_cache(want, Path(scratch, "workspace"), bundle)
                except (UserError, DvcException, OSError) as error:
                    where = want.origin.experiment or "workspace"
                    lost.append(f"{where}, {want.result.stage}: {error}")
                    continue
                run = runs[fingerprint] = tracking.deliver(bundle)
            made += 1
        if not want.names <= set(run.names):
            tracking.name(run.run_id, want.names)
            named += 1
    _keep_up_workspace(runs)
    return Synced(len(listed), len(wanted), len(waiting), made, named, merged, lost)


def _merged(shown: list[Shown]) -> tuple[dict[str, Shown], int]:
    """Let each fingerprint have one run; return them, and how many others there were.

    Two machines that write to one server may both have made one.
    """
    kept: dict[str, Shown] = {}
    doubles = []
    for run in sorted(shown, key=lambda run: not run.finished):  # else the oldest first
        first = kept.setdefault(run.fingerprint, run)
        if first is not run:
            tracking.name(first.run_id, run.names)
            tracking.discard(run.run_id)
            doubles.append(run)
    return kept, len(doubles)


def _wanted(listed: list[Experiment]) -> dict[str, _Wanted]:
    """Return every result that is to have a run, by its fingerprint."""
    wanted: dict[str, _Wanted] = {}
    for each in listed:
        origin = Origin(each.name, each.baseline)
        for result in fingerprints.recorded(each.read("dvc.lock") or ""):
            want = _Wanted(result, origin, each.revision, set())
            wanted.setdefault(result.fingerprint, want).names.add(each.name)
    for result in _of_workspace():
        want = _Wanted(result, Origin(None, experiments.head()), None, set())
        wanted.setdefault(result.fingerprint, want)
    return wanted


def _of_workspace() -> list[Result]:
    lock = Path("dvc.lock")
    return fingerprints.recorded(lock.read_text()) if lock.exists() else []


def _project_from_cache(want: _Wanted, root: Path, folder: Path) -> None:
    """Write the bundle of a result that DVC keeps, by way of a workspace for it."""
    if want.revision is None:
        _require_unchanged(want.result.stage)
        root = Path(".")
    else:
        there = DVCFileSystem(rev=want.revision)
        for name in (str(params.FILE), *want.result.files):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            there.get(name, str(root / name), recursive=True)
    projection.project(want.result, want.origin, root, folder)


def _require_unchanged(stage: str) -> None:
    status = [sys.executable, "-m", "dvc", "status", "--quiet", stage]
    if subprocess.run(status, capture_output=True, check=False).returncode != 0:
        raise UserError("is not what dvc.lock says. Run `dvc repro` or `dvc checkout`")


def _keep_up_workspace(runs: Mapping[str, Shown]) -> None:
    """Link the workspace to its runs, and register its models as params.yaml says."""
    there = [each for each in _of_workspace() if each.fingerprint in runs]
    _link({result: runs[result.fingerprint].run_id for result in there})
    tracked = params.read().get("tracking", {})
    for result in there:
        mode = result.stage.removeprefix("train_")
        name = projection.registered(mode, **tracked)
        if name is not None and mode in ("stateless", "stateful"):
            tracking.register(runs[result.fingerprint].run_id, name)


def _link(runs: Mapping[Result, str]) -> None:
    """Say in a file of the workspace which runs show what is in it."""
    links = results.read_json(LINKS) if LINKS.exists() else {}
    for result, run_id in runs.items():
        links[result.stage] = {"fingerprint": result.fingerprint, "run_id": run_id}
    results.write_json(LINKS, links)
