"""Bundles -> MLflow: one run for each fingerprint, however often it is delivered."""

import json
import logging
import os
import platform
import shutil
import textwrap
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pandas as pd
import psutil
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    LifecycleStage,
    LoggedModel,
    LoggedModelStatus,
    Metric,
    Param,
    Run,
    RunStatus,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from statelab.pipeline import paths, workspace
from statelab.tracking import bundles
from statelab.tracking.bundles import Bundle, Trial

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# By default a server that is down is asked for four minutes, and that seven times.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

EXPERIMENT = "statelab"  # of MLflow, which calls a folder of runs so
FINGERPRINT, STAGE, NAMES, WRITER = "fingerprint", "dvc.stage", "dvc.exp", "writer"
PARENT, TRIAL = "mlflow.parentRunId", "trial"
LONGEST_TAG = 5000  # characters; MLflow takes 8,000

SQLITE = "sqlite:///"
# The store is out of reach, refuses, or needs a library that is not there.
NotLogged = (MlflowException, SQLAlchemyError, OSError, ImportError)


def address() -> str:
    """Return where the store is, without a password."""
    return _without_password(store())


def refusal(error: Exception) -> str:
    """Say in a line which store does not take something, and why."""
    return _without_password(f"{store()}: {why(error)}")


def _without_password(line: str) -> str:
    password = urlsplit(store()).password
    return line.replace(f":{password}@", ":***@") if password else line


def why(error: Exception) -> str:
    """Say in a line why something was not logged.

    Example:
        >>> why(OSError("Max retries (Caused by NewConnectionError(refused))"))
        'NewConnectionError(refused)'
    """
    line = str(error).partition("\n")[0] or type(error).__name__
    cause = line.rpartition("(Caused by ")[2]
    return line if cause == line else cause.removesuffix(")")


def store() -> str:
    """Return the URI of the tracking store.

    It is `MLFLOW_TRACKING_URI`, or a database at the root of the main checkout, which
    DVC names even where it runs a stage in a temporary copy of it. The path of any
    database starts from there.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{paths.STORE}"
    if uri.startswith(SQLITE):
        return f"{SQLITE}{workspace.root() / uri.removeprefix(SQLITE)}"
    return uri


@contextmanager
def _alone() -> Iterator[tuple[MlflowClient, str]]:
    """Be the only process of this checkout to write to the store.

    Two workers may be the first to come, and then make the tables of a database; or
    both may have trained the same, and would each make a run of it.

    Yields:
        A client, and the id of the experiment, which is made on first use.
    """
    if not store().startswith((SQLITE, "http")):
        # MLflow would ask a database that is down ten times, for a minute and more.
        with create_engine(store()).connect():
            pass
    mlflow.set_tracking_uri(store())
    place = None  # a server keeps files where it was told to
    if store().startswith(SQLITE):
        place = (workspace.root() / paths.ARTIFACTS).as_uri()
    with FileLock(workspace.root() / paths.STORE_LOCK):
        client = MlflowClient()
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            experiment = found.experiment_id
        else:
            experiment = client.create_experiment(EXPERIMENT, artifact_location=place)
        mlflow.set_experiment(experiment_id=experiment)  # models are put there
        yield client, experiment


class _Contradiction(Exception):
    """A run shows other values than a bundle: they are not of the same training."""


class Delivered(Exception):
    """A bundle is gone, as another process has delivered it."""


class Shown(NamedTuple):
    """A run that MLflow has."""

    run_id: str
    fingerprint: str
    finished: bool
    names: list[str]  # of the DVC experiments that share it


def require() -> None:
    """Ask the store whether it is there.

    Raises:
        NotLogged: it is not.
    """
    with _alone():
        pass


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
    with _alone() as (client, experiment):
        if not folder.exists():
            raise Delivered(folder)
        bundle = bundles.read(folder)
        begin = partial(_begin, client, experiment, bundle, training)
        show = partial(_show, client, bundle, folder, training)
        run = _find(client, experiment, bundle.fingerprint) or begin()
        if _finished(run):
            _show_trials(client, run, bundle)  # which may have been asked for since
        else:
            try:
                show(run)
            except _Contradiction:
                _discard(client, run)
                run = begin()
                show(run)
        if bundle.experiment is not None:
            _name(client, run, [bundle.experiment])
        run = client.get_run(run.info.run_id)
        shutil.rmtree(folder)
    return _shown(run)


def _begin(
    client: MlflowClient,
    experiment: str,
    bundle: Bundle,
    training: psutil.Process | None,
) -> Run:
    """Make the run of a bundle, which began when what it shows did."""
    tags = {FINGERPRINT: bundle.fingerprint, STAGE: bundle.stage}
    began = time.time() - bundle.seconds
    if training is not None:
        began = training.create_time()
        tags[WRITER] = _writer(training)
    return client.create_run(
        experiment, start_time=int(1000 * began), run_name=bundle.name, tags=tags
    )


def _writer(training: psutil.Process) -> str:
    """Return what tells a process from any other, on any machine."""
    return f"{platform.node()}:{training.pid}:{training.create_time():.0f}"


def _find(client: MlflowClient, experiment: str, fingerprint: str) -> Run | None:
    found = client.search_runs(
        [experiment],
        f"tags.{FINGERPRINT} = '{fingerprint}'",
        max_results=1,
        order_by=["attributes.start_time ASC"],
    )
    return found[0] if found else None


def _finished(run: Run) -> bool:
    return run.info.status == RunStatus.to_string(RunStatus.FINISHED)


def _show(
    client: MlflowClient,
    bundle: Bundle,
    folder: Path,
    training: psutil.Process | None,
    run: Run,
) -> None:
    """Log what a run does not show as yet; the model comes last."""
    run_id = run.info.run_id
    client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
    tags = {
        **bundle.tags,
        "mlflow.source.name": f"dvc repro {bundle.stage}",
        "mlflow.source.git.commit": bundle.tags["git.commit"],
    }
    if bundle.note is not None:
        tags["mlflow.note.content"] = bundle.note
    if training is not None:
        tags[WRITER] = _writer(training)
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
    if bundle.model is not None and _model(client, run) is None:
        _discard_models(client, run)  # that it has only begun to log
        example = np.load(folder / "example.npy")
        _log_model(run_id, folder / "model", example=example, **bundle.model)
    if bundle.register is not None:
        _register(client, run_id, bundle.register)
    _show_trials(client, run, bundle)
    if WRITER in run.data.tags:
        client.delete_tag(run_id, WRITER)
    client.set_terminated(run_id)


def _show_trials(client: MlflowClient, run: Run, bundle: Bundle) -> None:
    """Make a run below that of a search for each trial, unless it is there."""
    if not bundle.trials:
        return
    there = set()
    for each in _trials(client, run):
        if _finished(each):
            there.add(each.data.tags[TRIAL])
        else:
            client.delete_run(each.info.run_id)
    for trial in [Trial(**told) for told in bundle.trials]:
        if trial.tags[TRIAL] not in there:
            _show_trial(client, run, trial)


def _show_trial(client: MlflowClient, search: Run, trial: Trial) -> None:
    began = search.info.start_time
    made = client.create_run(
        search.info.experiment_id,
        start_time=began,
        run_name=trial.name,
        tags={**trial.tags, PARENT: search.info.run_id},
    )
    client.log_batch(
        made.info.run_id,
        metrics=[Metric(k, v, began, 0) for k, v in trial.metrics.items()],
        params=[Param(name, str(value)) for name, value in trial.params.items()],
    )
    ended = began + int(1000 * trial.seconds)
    client.set_terminated(made.info.run_id, end_time=ended)


def _trials(client: MlflowClient, run: Run) -> list[Run]:
    below = f"tags.`{PARENT}` = '{run.info.run_id}'"
    return _runs(client, run.info.experiment_id, below)


def has_trials(run_id: str) -> bool:
    """Tell whether there are runs below that of a search."""
    with _alone() as (client, _):
        return bool(_trials(client, client.get_run(run_id)))


def _missing(client: MlflowClient, run: Run, table: pd.DataFrame) -> Iterator[Metric]:
    now = int(1000 * time.time())
    for name, column in table.items():
        there: dict[int, float] = {}
        if name in run.data.metrics:
            points = client.get_metric_history(run.info.run_id, str(name))
            there = {point.step: point.value for point in points}
        for step, value in column.dropna().items():
            at = int(str(step))
            if at not in there:
                yield Metric(str(name), float(value), now, at)
            elif there[at] != value:
                raise _Contradiction(f"{name} at {at}: {there[at]} and {value}")


def _dataset(*, name: str, digest: str, profile: dict[str, int]) -> Dataset:
    return Dataset(
        name=name,
        digest=digest,
        source_type="dvc",
        source=json.dumps({"path": str(paths.SEQUENCES), "md5": digest}),
        profile=json.dumps(profile),
    )


def _model(client: MlflowClient, run: Run) -> LoggedModel | None:
    """Return the model that a run has logged, whole."""
    models = _models(client, run)
    return next((m for m in models if m.status == LoggedModelStatus.READY), None)


def _models(client: MlflowClient, run: Run) -> list[LoggedModel]:
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    return [client.get_logged_model(output.model_id) for output in outputs]


def _discard_models(client: MlflowClient, run: Run) -> None:
    for model in _models(client, run):
        client.delete_logged_model(model.model_id)


def register(run_id: str, name: str) -> None:
    """Register the model of a run under a name, unless it is."""
    with _alone() as (client, _):
        _register(client, run_id, name)


def _register(client: MlflowClient, run_id: str, name: str) -> None:
    versions = client.search_model_versions(f"name = '{name}'")
    if any(each.run_id == run_id for each in versions):
        return
    run = client.get_run(run_id)
    model = _model(client, run)
    if model is not None:
        made = mlflow.register_model(model.model_uri, name)
        note = run.data.tags.get("mlflow.note.content", "")
        client.update_model_version(name, made.version, note)


def shown() -> list[Shown]:
    """Return every run that shows a result, the oldest first.

    Of those that a training was showing when it was killed, MLflow is told so.
    """
    with _alone() as (client, experiment):
        runs = _runs(client, experiment, f"tags.{FINGERPRINT} != ''")
        for run in runs:
            if _given_up(run):
                killed = RunStatus.to_string(RunStatus.KILLED)
                client.set_terminated(run.info.run_id, killed)
    return [_shown(run) for run in runs]


def _shown(run: Run) -> Shown:
    fingerprint = run.data.tags[FINGERPRINT]
    return Shown(run.info.run_id, fingerprint, _finished(run), _names(run))


def _runs(client: MlflowClient, experiment: str, query: str) -> list[Run]:
    found: list[Run] = []
    token = ""  # of the first page
    while token is not None:
        page = client.search_runs(
            [experiment],
            query,
            order_by=["attributes.start_time ASC"],
            page_token=token or None,
        )
        found += page
        token = page.token
    return found


def _given_up(run: Run) -> bool:
    """Tell whether a run waits for a training of this machine that is gone."""
    running = RunStatus.to_string(RunStatus.RUNNING)
    if run.info.status != running or WRITER not in run.data.tags:
        return False
    writer = run.data.tags[WRITER]
    host, pid, _ = writer.rsplit(":", 2)
    if host != platform.node():
        return False
    try:
        return _writer(psutil.Process(int(pid))) != writer
    except psutil.NoSuchProcess:
        return True


def name(run_id: str, names: Iterable[str]) -> None:
    """Let a run be found by the names of the DVC experiments that share it."""
    with _alone() as (client, _):
        _name(client, client.get_run(run_id), names)


def _names(run: Run) -> list[str]:
    """Return them from the tag, and from those that it goes on in."""
    pages = [
        value
        for key, value in run.data.tags.items()
        if key == NAMES or key.startswith(f"{NAMES}.")
    ]
    return sorted({each.rstrip(",") for page in pages for each in page.split()})


def _name(client: MlflowClient, run: Run, names: Iterable[str]) -> None:
    there = _names(run)
    if set(names) <= set(there):
        return
    pages = textwrap.wrap(
        ", ".join(sorted({*there, *names})),
        LONGEST_TAG,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for number, page in enumerate(pages, start=1):
        key = NAMES if number == 1 else f"{NAMES}.{number}"
        client.set_tag(run.info.run_id, key, page)


def discard(run_id: str) -> None:
    """Delete a run that another one is the same as; `mlflow gc` frees what it takes."""
    with _alone() as (client, _):
        run = client.get_run(run_id)
        if run.info.lifecycle_stage == LifecycleStage.DELETED:
            return  # another process was faster
        _discard(client, run)


def _discard(client: MlflowClient, run: Run) -> None:
    _discard_models(client, run)
    for each in (*_trials(client, run), run):
        client.delete_run(each.info.run_id)


def _log_model(
    run_id: str,
    folder: Path,
    *,
    timesteps: int,
    features: int,
    outputs: int,
    width: int,
    example: np.ndarray,
) -> None:
    """Log a trained network as `served.ExplicitState` answers for it.

    Args:
        run_id: of the run that it belongs to.
        folder: where `saving.write` put the weights.
        timesteps: of the sequences that it takes; -1 for any.
        features: of the input.
        outputs: of each answer.
        width: of the state of a sequence, as `Architecture.state_width` tells it.
        example: of a request, float32 [1, timesteps, features].
    """
    numbers = np.dtype(np.float32)
    # What it would say of the example is said of every model.
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
    Model.log(
        artifact_path=None,
        name="model",
        run_id=run_id,
        flavor=_Untried,
        flavor_name="mlflow.pyfunc",
        validate_serving_input=False,
        loader_module="statelab.served",
        data_path=str(folder),
        code_paths=[str(Path(__file__).parents[1])],
        signature=ModelSignature(
            inputs=Schema([TensorSpec(numbers, (-1, timesteps, features))]),
            outputs=Schema(
                [
                    TensorSpec(numbers, (-1, timesteps, outputs), "answers"),
                    TensorSpec(numbers, (-1, width), "state"),
                ]
            ),
            params=ParamSchema([ParamSpec("state", DataType.double, [], (-1,))]),
        ),
        input_example=(example, {"state": [0.0] * (len(example) * width)}),
        # Named here: otherwise MLflow loads the model to find them out.
        pip_requirements=[
            f"{name}=={version(name)}" for name in ("keras", "numpy", "tensorflow")
        ],
    )


class _Untried:
    """MLflow's flavor of Python functions, its example saved but not tried out: that
    would run the network, and import TensorFlow for it."""

    @staticmethod
    def save_model(validate_serving_input: bool, **arguments: Any) -> None:
        """Save a model; what `Model.log` alone heeds is left out."""
        mlflow.pyfunc.save_model(**arguments)
