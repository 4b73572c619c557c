"""Keeps the runs of MLflow in step with the results of DVC.

A result of a stage has one run, whichever experiments share it: it is found by its
fingerprint. What could not be delivered waits in a folder at the root, and what came
out of DVC's cache is shown from there.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
from ruamel.yaml import YAMLError

from statelab.config import params, schema
from statelab.errors import UserError
from statelab.io import files
from statelab.pipeline import (
    dvc_experiments,
    paths,
    progress,
    stage_fingerprints,
    workspace,
)
from statelab.pipeline.dvc_experiments import Experiment
from statelab.pipeline.stage_fingerprints import LOOKBACK, Result
from statelab.tracking import bundle_builder, bundles, connection, mlflow_store
from statelab.tracking.bundle_builder import Origin
from statelab.tracking.mlflow_runs import Shown


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


def bundle(stage: str) -> list[Path]:
    """Put into the spool what has no run yet; return where it waits.

    Args:
        stage: the one that DVC is running in this workspace. `evaluate` speaks for the
            trainings as well, so that a pipeline imports MLflow once.
    """
    stages = (
        stage_fingerprints.STAGES if stage in stage_fingerprints.STAGES else [stage]
    )
    links = _links()
    folders = []
    for logged in stages:
        result = stage_fingerprints.current(logged)
        if links.get(logged, {}).get("fingerprint") == result.fingerprint:
            continue
        # Another worker may have made the same.
        folder = spool() / f"{result.fingerprint}.{os.getpid()}"
        _link({logged: None})  # until it is delivered
        bundle_builder.build(result, _here(), Path("."), folder)
        folders.append(folder)
    return folders


def deliver(folder: Path) -> None:
    """Show a bundle of the workspace in MLflow, and link the workspace to the run.

    Raises:
        connection.NotLogged: it stays in the spool.
    """
    stage = bundles.read(folder).stage
    with suppress(mlflow_store.Delivered):
        _link({stage: mlflow_store.deliver(folder)})


def log_so_far(stage: str, pid: int) -> None:
    """Show what a training has written so far.

    Args:
        stage: the one that DVC is running in this workspace.
        pid: of the training.
    """
    training = psutil.Process(pid)
    result = stage_fingerprints.current(stage)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "bundle")
        bundle_builder.build(result, _here(), Path("."), folder, so_far=True)
        mlflow_store.deliver(folder, training=training)


def _here() -> Origin:
    return Origin(os.environ.get("DVC_EXP_NAME"), dvc_experiments.head())


def spool() -> Path:
    """Return where bundles wait."""
    return workspace.root() / paths.SPOOL


def sync() -> Synced:
    """Bring MLflow in step with the experiments of DVC, and with the workspace.

    It may be run at any time, twice, and by two processes at once.

    Raises:
        UserError: params.yaml is not sound.
        connection.NotLogged: the store does not answer.
    """
    settings = params.read()
    schema.check(settings)
    mlflow_store.require()
    lost: list[str] = []
    waiting = bundles.waiting(spool())
    delivered = [
        _unless_lost(
            lost, f"{paths.SPOOL}/{folder.name}", partial(mlflow_store.deliver, folder)
        )
        for folder in progress.track(waiting, "delivering", len(waiting))
    ]
    runs, merged = _merged(mlflow_store.shown())
    listed = dvc_experiments.listed()
    wanted = _wanted(listed, lost)
    made, named = 0, 0
    for fingerprint, want in progress.track(wanted.items(), "in step", len(wanted)):
        run = runs.get(fingerprint)
        if run is None or not run.finished:
            where = f"{want.origin.experiment or 'workspace'}, {want.result.stage}"
            run = _unless_lost(lost, where, partial(_made_from_cache, want))
            if run is None:
                continue
            runs[fingerprint] = run
            made += 1
        if not want.names <= set(run.names):
            mlflow_store.name(run.run_id, want.names)
            named += 1
    _keep_up_workspace(runs, settings["tracking"]["register"])
    _keep_up_search(runs, lost)
    count = sum(run is not None for run in delivered)
    return Synced(len(listed), len(wanted), count, made, named, merged, lost)


def _unless_lost(
    lost: list[str], where: str, show: Callable[[], Shown]
) -> Shown | None:
    """Show something; where that fails, and the store is there, say why among others.

    One that can not be shown must not keep the rest from it.
    """
    try:
        return show()
    except mlflow_store.Delivered:
        return None
    except Exception as error:
        mlflow_store.require()
        lost.append(f"{where}: {connection.why(error)}")
        return None


def _merged(shown: list[Shown]) -> tuple[dict[str, Shown], int]:
    """Let each fingerprint have one run; return them, and how many others there were.

    Two machines that write to one server may both have made one.
    """
    kept: dict[str, Shown] = {}
    doubles = []
    for run in sorted(shown, key=lambda run: not run.finished):  # else the oldest first
        first = kept.setdefault(run.fingerprint, run)
        if first is not run:
            mlflow_store.name(first.run_id, run.names)
            mlflow_store.discard(run.run_id)
            doubles.append(run)
    return kept, len(doubles)


def _wanted(listed: list[Experiment], lost: list[str]) -> dict[str, _Wanted]:
    """Return every result that is to have a run, by its fingerprint."""
    wanted: dict[str, _Wanted] = {}
    for experiment in listed:
        origin = Origin(experiment.name, experiment.baseline)
        for lock in stage_fingerprints.LOCKS:
            try:
                recorded = stage_fingerprints.recorded(experiment.read(lock) or "")
            except (YAMLError, KeyError) as error:
                lost.append(f"{experiment.name}, {lock}: {connection.why(error)}")
                continue
            for result in recorded:
                want = _Wanted(result, origin, experiment.revision, set())
                want = wanted.setdefault(result.fingerprint, want)
                want.names.add(experiment.name)
    for result in stage_fingerprints.of_workspace():
        want = _Wanted(result, _here(), None, set())
        wanted.setdefault(result.fingerprint, want)
    return wanted


def _made_from_cache(want: _Wanted) -> Shown:
    """Show a result that DVC keeps, by way of a workspace for it."""
    from dvc.api import DVCFileSystem  # stages that log need none of it

    with tempfile.TemporaryDirectory() as scratch:
        root, folder = Path(scratch, "workspace"), Path(scratch, "bundle")
        if want.revision is None:
            _require_unchanged(want.result.stage)
            root = Path(".")
        else:
            committed = DVCFileSystem(rev=want.revision)
            for name in (str(params.FILE), *want.result.files):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                committed.get(name, str(root / name), recursive=True)
        bundle_builder.build(want.result, want.origin, root, folder)
        return mlflow_store.deliver(folder)


def _require_unchanged(stage: str) -> None:
    targets = [("--with-deps", stage)]
    if stage == LOOKBACK:  # its check reads `tracking` as well, which changes nothing
        own = f"{params.SEARCH / 'dvc.yaml'}:{stage}"
        targets = [("--with-deps", "generate"), (own,)]
    for target in targets:
        status = [sys.executable, "-m", "dvc", "status", "--quiet", *target]
        if subprocess.run(status, capture_output=True, check=False).returncode != 0:
            raise UserError(
                "is not what dvc.lock says. Run `dvc repro` or `dvc checkout dvc.yaml`"
            )


def _keep_up_workspace(runs: Mapping[str, Shown], register: str | None) -> None:
    """Link the workspace to its runs, and register its models under a name."""
    linked = {
        result.stage: runs[result.fingerprint]
        for result in stage_fingerprints.of_workspace()
        if result.fingerprint in runs
    }
    _link(linked)
    for stage, run in linked.items():
        if register is not None and stage.startswith("train_"):
            mode = stage.removeprefix("train_")
            mlflow_store.register(run.run_id, bundle_builder.registered(mode, register))


def _keep_up_search(runs: Mapping[str, Shown], lost: list[str]) -> None:
    """Show the trials of the workspace's search, where the settings want it by now."""
    for result in stage_fingerprints.of_workspace():
        if result.stage != LOOKBACK or result.fingerprint not in runs:
            continue
        searched = schema.check_search(params.read(params.SEARCH), params.load())
        run = runs[result.fingerprint]
        if searched.tracking.child_runs and not mlflow_store.has_trials(run.run_id):
            want = _Wanted(result, _here(), None, set())
            where = f"workspace, trials of {LOOKBACK}"
            _unless_lost(lost, where, partial(_made_from_cache, want))


def _link(runs: Mapping[str, Shown | None]) -> None:
    """Say in a file of the workspace which runs show the results of its stages."""
    links = _links()
    for stage, run in runs.items():
        links.pop(stage, None)
        if run is not None:
            links[stage] = {"fingerprint": run.fingerprint, "run_id": run.run_id}
    files.write_json(paths.RUNS, links)


def _links() -> dict[str, dict[str, str]]:
    return files.read_json(paths.RUNS) if paths.RUNS.exists() else {}
