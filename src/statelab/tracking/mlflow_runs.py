"""Runs of MLflow: how they are found, by which names, and whether they go on."""

import platform
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

import psutil
from mlflow import MlflowClient
from mlflow.entities import Run, RunStatus

from statelab.tracking import logged_model

FINGERPRINT, STAGE, NAMES, WRITER = "fingerprint", "dvc.stage", "dvc.exp", "writer"
PARENT, TRIAL = "mlflow.parentRunId", "trial"
LONGEST_TAG = 5000  # characters; MLflow takes 8,000
OLDEST_FIRST = ["attributes.start_time ASC"]
RUNNING, FINISHED, KILLED = (
    RunStatus.to_string(status)
    for status in (RunStatus.RUNNING, RunStatus.FINISHED, RunStatus.KILLED)
)


class Shown(NamedTuple):
    """A run that MLflow has."""

    run_id: str
    fingerprint: str
    finished: bool
    names: list[str]  # of the DVC experiments that share it


def shown(run: Run) -> Shown:
    """Return what identifies a run, and how far it is."""
    fingerprint = run.data.tags[FINGERPRINT]
    return Shown(run.info.run_id, fingerprint, finished(run), names(run))


def finished(run: Run) -> bool:
    """Tell whether a run shows all that it is to."""
    return run.info.status == FINISHED


def find(client: MlflowClient, experiment: str, fingerprint: str) -> Run | None:
    """Return the oldest run of a fingerprint."""
    query = f"tags.{FINGERPRINT} = '{fingerprint}'"
    runs = client.search_runs([experiment], query, max_results=1, order_by=OLDEST_FIRST)
    return runs[0] if runs else None


def search(client: MlflowClient, experiment: str, query: str) -> list[Run]:
    """Return every run that a query fits, the oldest first."""
    runs: list[Run] = []
    token = ""  # of the first page
    while token is not None:
        page = client.search_runs(
            [experiment], query, order_by=OLDEST_FIRST, page_token=token or None
        )
        runs += page
        token = page.token
    return runs


def trials(client: MlflowClient, search_run: Run) -> list[Run]:
    """Return the runs below that of a search."""
    below = f"tags.`{PARENT}` = '{search_run.info.run_id}'"
    return search(client, search_run.info.experiment_id, below)


def names(run: Run) -> list[str]:
    """Return the DVC experiments of a run: of its tag, and of those it goes on in."""
    pages = [
        value
        for key, value in run.data.tags.items()
        if key == NAMES or key.startswith(f"{NAMES}.")
    ]
    return sorted({name.rstrip(",") for page in pages for name in page.split()})


def add_names(client: MlflowClient, run: Run, more: Iterable[str]) -> None:
    """Let a run be found by the names of more DVC experiments."""
    before = names(run)
    if set(more) <= set(before):
        return
    pages = textwrap.wrap(
        ", ".join(sorted({*before, *more})),
        LONGEST_TAG,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for number, page in enumerate(pages, start=1):
        key = NAMES if number == 1 else f"{NAMES}.{number}"
        client.set_tag(run.info.run_id, key, page)


def writer(training: psutil.Process) -> str:
    """Return what tells a process from any other, on any machine."""
    return f"{platform.node()}:{training.pid}:{training.create_time():.0f}"


def given_up(run: Run) -> bool:
    """Tell whether a run waits for a training of this machine that is gone."""
    if run.info.status != RUNNING or WRITER not in run.data.tags:
        return False
    host, pid, _ = run.data.tags[WRITER].rsplit(":", 2)
    if host != platform.node():
        return False
    try:
        return writer(psutil.Process(int(pid))) != run.data.tags[WRITER]
    except psutil.NoSuchProcess:
        return True


def discard(client: MlflowClient, run: Run) -> None:
    """Delete a run, its models and its trials."""
    logged_model.discard(client, run)
    for run_or_trial in (*trials(client, run), run):
        client.delete_run(run_or_trial.info.run_id)
