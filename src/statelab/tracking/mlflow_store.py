"""Bundles -> MLflow: one run for each fingerprint, however often it is delivered.

What is public takes the lock of the store, and gives it back.
"""

import json
import shutil
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    LifecycleStage,
    Metric,
    Param,
    Run,
    RunTag,
)

from statelab.pipeline import paths
from statelab.tracking import bundles, logged_model, mlflow_runs
from statelab.tracking.bundles import Bundle, Trial
from statelab.tracking.connection import locked_client
from statelab.tracking.mlflow_runs import Shown


class _Contradiction(Exception):
    """A run shows other values than a bundle: they are not of the same training."""


class Delivered(Exception):
    """A bundle is gone, as another process has delivered it."""


def require() -> None:
    """Make sure that the store is there.

    Raises:
        connection.NotLogged: it is not.
    """
    with locked_client():
        pass


def shown() -> list[Shown]:
    """Return every run that shows a result, the oldest first.

    Those that a training was showing when it was killed are marked so in MLflow.
    """
    with locked_client() as (client, experiment):
        query = f"tags.{mlflow_runs.FINGERPRINT} != ''"
        runs = mlflow_runs.search(client, experiment, query)
        for run in runs:
            if mlflow_runs.given_up(run):
                client.set_terminated(run.info.run_id, mlflow_runs.KILLED)
    return [mlflow_runs.shown(run) for run in runs]


def name(run_id: str, names: Iterable[str]) -> None:
    """Let a run be found by the names of the DVC experiments that share it."""
    with locked_client() as (client, _):
        mlflow_runs.add_names(client, client.get_run(run_id), names)


def register(run_id: str, name: str) -> None:
    """Register the model of a run under a name, unless it is."""
    with locked_client() as (client, _):
        logged_model.register(client, run_id, name)


def has_trials(run_id: str) -> bool:
    """Tell whether there are runs below that of a search."""
    with locked_client() as (client, _):
        return bool(mlflow_runs.trials(client, client.get_run(run_id)))


def discard(run_id: str) -> None:
    """Delete a run that another one is the same as; `mlflow gc` frees what it takes."""
    with locked_client() as (client, _):
        run = client.get_run(run_id)
        if run.info.lifecycle_stage != LifecycleStage.DELETED:  # by another process
            mlflow_runs.discard(client, run)


def deliver(folder: Path, *, training: psutil.Process | None = None) -> Shown:
    """Show a bundle as a run, unless there is one that shows it, and take it away.

    A run that was left unfinished is gone on with.

    Args:
        folder: of the bundle.
        training: what is still at it, where the bundle holds a training so far.

    Returns:
        The run.

    Raises:
        Delivered: another process was faster.
    """
    with locked_client() as (client, experiment):
        if not folder.exists():
            raise Delivered(folder)
        bundle = bundles.read(folder)
        begin = partial(_begin, client, experiment, bundle, training)
        show = partial(_show, client, bundle, folder, training)
        run = mlflow_runs.find(client, experiment, bundle.fingerprint) or begin()
        if mlflow_runs.finished(run):
            _show_trials(client, run, bundle)  # which may be wanted only since
        else:
            try:
                show(run)
            except _Contradiction:
                mlflow_runs.discard(client, run)
                run = begin()
                show(run)
        if bundle.experiment is not None:
            mlflow_runs.add_names(client, run, [bundle.experiment])
        run = client.get_run(run.info.run_id)
        shutil.rmtree(folder)
    return mlflow_runs.shown(run)


def _begin(
    client: MlflowClient,
    experiment: str,
    bundle: Bundle,
    training: psutil.Process | None,
) -> Run:
    """Make the run of a bundle, which began when what it shows did."""
    tags = {
        mlflow_runs.FINGERPRINT: bundle.fingerprint,
        mlflow_runs.STAGE: bundle.stage,
    }
    began = time.time() - bundle.seconds
    if training is not None:
        began = training.create_time()
        tags[mlflow_runs.WRITER] = mlflow_runs.writer(training)
    return client.create_run(
        experiment, start_time=int(1000 * began), run_name=bundle.name, tags=tags
    )


def _show(
    client: MlflowClient,
    bundle: Bundle,
    folder: Path,
    training: psutil.Process | None,
    run: Run,
) -> None:
    """Log what a run does not show as yet; the model comes last."""
    run_id = run.info.run_id
    client.update_run(run_id, status=mlflow_runs.RUNNING)
    tags = {
        **bundle.tags,
        "mlflow.source.name": f"dvc repro {bundle.stage}",
        "mlflow.source.git.commit": bundle.tags["git.commit"],
    }
    if bundle.note is not None:
        tags["mlflow.note.content"] = bundle.note
    if training is not None:
        tags[mlflow_runs.WRITER] = mlflow_runs.writer(training)
    scores = pd.DataFrame(bundle.metrics, index=[0])
    client.log_batch(
        run_id,
        metrics=[
            point
            for table in (scores, *bundles.read_series(folder))
            for point in _missing(client, run, table)
        ],
        params=[  # one that makes no difference may have been another when it began
            Param(name, str(value))
            for name, value in bundle.params.items()
            if name not in run.data.params
        ],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    client.log_inputs(run_id, [DatasetInput(_dataset(**bundle.dataset))])
    if training is not None:
        return
    client.log_artifacts(run_id, str(folder / "files"))
    if bundle.model is not None and logged_model.of_run(client, run) is None:
        logged_model.discard(client, run)  # that it has only begun to log
        example = np.load(folder / "example.npy")
        logged_model.log(run_id, folder / "model", example=example, **bundle.model)
    if bundle.register is not None:
        logged_model.register(client, run_id, bundle.register)
    _show_trials(client, run, bundle)
    if mlflow_runs.WRITER in run.data.tags:
        client.delete_tag(run_id, mlflow_runs.WRITER)
    client.set_terminated(run_id)


def _missing(client: MlflowClient, run: Run, table: pd.DataFrame) -> Iterator[Metric]:
    """Give the points of a table that a run does not show as yet."""
    now = int(1000 * time.time())
    for metric, column in table.items():
        logged: dict[int, float] = {}
        if metric in run.data.metrics:
            points = client.get_metric_history(run.info.run_id, str(metric))
            logged = {point.step: point.value for point in points}
        for index, value in column.dropna().items():
            step = int(str(index))
            if step not in logged:
                yield Metric(str(metric), float(value), now, step)
            elif logged[step] != value:
                raise _Contradiction(f"{metric} at {step}: {logged[step]} and {value}")


def _dataset(*, name: str, digest: str, profile: dict[str, int]) -> Dataset:
    return Dataset(
        name=name,
        digest=digest,
        source_type="dvc",
        source=json.dumps({"path": str(paths.SEQUENCES), "md5": digest}),
        profile=json.dumps(profile),
    )


def _show_trials(client: MlflowClient, search: Run, bundle: Bundle) -> None:
    """Make a run below that of a search for each trial, unless it is there."""
    if not bundle.trials:
        return
    complete = set()
    for run in mlflow_runs.trials(client, search):
        if mlflow_runs.finished(run):
            complete.add(run.data.tags[mlflow_runs.TRIAL])
        else:
            client.delete_run(run.info.run_id)
    for trial in [Trial(**fields) for fields in bundle.trials]:
        if trial.tags[mlflow_runs.TRIAL] not in complete:
            _show_trial(client, search, trial)


def _show_trial(client: MlflowClient, search: Run, trial: Trial) -> None:
    began = search.info.start_time
    made = client.create_run(
        search.info.experiment_id,
        start_time=began,
        run_name=trial.name,
        tags={**trial.tags, mlflow_runs.PARENT: search.info.run_id},
    )
    client.log_batch(
        made.info.run_id,
        metrics=[Metric(k, v, began, 0) for k, v in trial.metrics.items()],
        params=[Param(name, str(value)) for name, value in trial.params.items()],
    )
    ended = began + int(1000 * trial.seconds)
    client.set_terminated(made.info.run_id, end_time=ended)
