"""The tracking store of MLflow: where it is, who writes to it, what it refuses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import mlflow
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from statelab.pipeline import paths, workspace

EXPERIMENT = "statelab"  # of MLflow, which calls a folder of runs so
SQLITE = "sqlite:///"
# The store does not answer, refuses, or needs a library that is not there.
NotLogged = (MlflowException, SQLAlchemyError, OSError, ImportError)


def uri() -> str:
    """Return the URI of the tracking store.

    It is `MLFLOW_TRACKING_URI`, or a database at the root of the main checkout, which
    DVC names even where it runs a stage in a temporary copy of it. The path of any
    database starts from there.
    """
    given = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{paths.STORE}"
    if given.startswith(SQLITE):
        return f"{SQLITE}{workspace.root() / given.removeprefix(SQLITE)}"
    return given


def address() -> str:
    """Return where the store is, without a password."""
    return _without_password(uri())


def refusal(error: Exception) -> str:
    """Say in a line which store does not take something, and why."""
    return _without_password(f"{uri()}: {why(error)}")


def _without_password(line: str) -> str:
    password = urlsplit(uri()).password
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


@contextmanager
def locked_client() -> Iterator[tuple[MlflowClient, str]]:
    """Be the only process of this checkout to write to the store.

    Two workers may be the first to come, and then make the tables of a database; or
    both may have trained the same, and would each make a run of it.

    Yields:
        A client, and the id of the experiment, which is made on first use.
    """
    if not uri().startswith((SQLITE, "http")):
        # MLflow would try a database that is down ten times, for a minute and more.
        with create_engine(uri()).connect():
            pass
    mlflow.set_tracking_uri(uri())
    artifacts = None  # a server keeps files where its own settings say
    if uri().startswith(SQLITE):
        artifacts = (workspace.root() / paths.ARTIFACTS).as_uri()
    with FileLock(workspace.root() / paths.STORE_LOCK):
        client = MlflowClient()
        present = client.get_experiment_by_name(EXPERIMENT)
        if present is not None:
            experiment = present.experiment_id
        else:
            experiment = client.create_experiment(EXPERIMENT, artifacts)
        mlflow.set_experiment(experiment_id=experiment)  # models are put there
        yield client, experiment
