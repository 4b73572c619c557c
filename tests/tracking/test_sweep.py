"""A sweep in DVC's queue, on a server that is killed half-way, and its runs."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir, suppress
from pathlib import Path

import mlflow
import pandas as pd
import psutil
import pytest
from checkouts import Checkout
from servers import HOST, free_port, serving

from statelab.evaluation import evaluation
from statelab.pipeline import dvc_experiments, paths, stage_fingerprints

pytestmark = pytest.mark.slow
LONGEST = 900  # seconds that a sweep may take


@pytest.fixture
def postgres() -> Iterator[str]:
    """A database in PostgreSQL, as Debian packages it."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    programs, port = found[-1].parent, free_port()
    with tempfile.TemporaryDirectory() as folder:
        user: dict[str, str] = {}
        if os.geteuid() == 0:  # as which PostgreSQL refuses to run
            user = {"user": "postgres", "group": "postgres"}
            shutil.chown(folder, **user)
        new = ("-D", f"{folder}/data", "-A", "trust", "-U", "me")
        initdb = [programs / "initdb", *new]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **user)
        here = ("-h", HOST, "-p", port, "-k", folder)
        program = (programs / "postgres", "-D", f"{folder}/data", *here)
        with serving(*program, port=port, cwd=folder, **user):
            yield f"postgresql+psycopg2://me@{HOST}:{port}/postgres"


class Server:
    """An MLflow server, which can be killed and begun again."""

    def __init__(self, database: str, files: Path):
        self.port = free_port()
        self.uri = f"http://{HOST}:{self.port}"
        self._words = (
            *(sys.executable, "-m", "mlflow", "server", "--workers", 1),
            *("--host", HOST, "--port", self.port),
            *("--backend-store-uri", database, "--artifacts-destination", files),
        )

    def up(self):
        return serving(*self._words, port=self.port)


@pytest.fixture
def fresh(checkout, tmp_path) -> Checkout:
    """A copy of the checkout, without what it has in MLflow."""
    root = tmp_path / "fresh"
    lost = shutil.ignore_patterns("mlflow.db", "mlartifacts", "exps", "run.json")
    shutil.copytree(checkout.root, root, symlinks=True, ignore=lost)
    copy = Checkout(root)
    with chdir(root):
        for each in dvc_experiments.listed():
            copy.dvc("exp", "remove", each.name)
    copy.dvc("checkout", "dvc.yaml")  # other tests leave data of other settings
    return copy


def workers(fresh: Checkout) -> list[psutil.Process]:
    """DVC's workers of this copy; `dvc queue status` misses one that is busy."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if "queue-worker" in process.cmdline() and process.cwd() == str(fresh.root):
                found.append(process)
    return found


def begin_sweep(fresh: Checkout, rates: list[str]) -> None:
    """Queue a sweep and begin it, once the workers of the one before have ended.

    A worker that is shutting down still takes what is queued, and loses it.
    """
    _, alive = psutil.wait_procs(workers(fresh), timeout=LONGEST)
    assert not alive
    change = f"train_stateful.learning_rate={','.join(rates)}"
    fresh.dvc("exp", "run", "--queue", "-S", change)
    subprocess.run(  # its workers would hold a pipe open until the queue is empty
        ["dvc", "queue", "start", "--jobs", "2"],
        cwd=fresh.root,
        env=fresh.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def wait_for(fresh: Checkout, count: int) -> None:
    """Wait until so many experiments are there."""
    deadline = time.monotonic() + LONGEST
    with chdir(fresh.root):
        while len(dvc_experiments.listed()) < count:
            assert time.monotonic() < deadline, fresh.dvc("queue", "status")
            time.sleep(1)


def in_step(fresh: Checkout, store: str) -> int:
    """Hold every result against its run; return how many there are."""
    with chdir(fresh.root):
        return _in_step(store)


def _in_step(store: str) -> int:
    client = mlflow.MlflowClient(store)
    (experiment,) = client.search_experiments(filter_string="name = 'statelab'")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    by_fingerprint = {run.data.tags["fingerprint"]: run for run in runs}
    assert len(by_fingerprint) == len(runs)  # none twice
    wanted = {
        each.fingerprint
        for each in stage_fingerprints.recorded(Path("dvc.lock").read_text())
    }
    for each in dvc_experiments.listed():
        evaluated = evaluation.parse(each.read(paths.EVALUATION))
        for result in stage_fingerprints.recorded(each.read(Path("dvc.lock"))):
            wanted.add(result.fingerprint)
            run = by_fingerprint[result.fingerprint]
            assert run.info.status == "FINISHED"
            assert each.name in run.data.tags["dvc.exp"].split(", ")
            logged = run.data.metrics
            if result.stage == "evaluate":
                for mode, scored in evaluated.modes.items():
                    mean = scored.scores[evaluated.score].mean
                    assert logged[mode] == mean
                continue
            mode = result.stage.removeprefix("train_")
            mean = evaluated.modes[mode].scores[evaluated.score].mean
            assert logged[evaluated.score] == mean
            history = pd.read_csv(io.StringIO(each.read(paths.history(mode))))
            points = client.get_metric_history(run.info.run_id, "epoch.test_loss")
            curve = {point.step: point.value for point in points}
            assert curve == history.groupby("epoch")["test_loss"].mean().to_dict()
            assert len(points) == len(curve)
            (output,) = run.outputs.model_outputs
            assert client.get_logged_model(output.model_id).status == "READY"
    assert wanted == set(by_fingerprint)
    return len(wanted)


@pytest.mark.parametrize(
    "count", [2, pytest.param(12, marks=pytest.mark.sweep)], ids="{} experiments".format
)
def test_a_sweep_stays_in_step_with_a_server_that_is_killed(
    fresh, postgres, tmp_path, count
):
    server = Server(postgres, tmp_path / "files")
    fresh.env["MLFLOW_TRACKING_URI"] = server.uri
    rates = [f"0.00{number}" for number in range(11, 11 + count)]
    with server.up():
        begin_sweep(fresh, rates)
        wait_for(fresh, count)
        print(fresh.statelab("sync"))
        # one stateless, and of each experiment a stateful and a comparison; and those
        # of the workspace
        assert in_step(fresh, server.uri) == 1 + 2 * count + 2
        begin_sweep(fresh, rates)
        wait_for(fresh, 2 * count)
        print(fresh.statelab("sync"))
        assert in_step(fresh, server.uri) == 1 + 2 * count + 2
        begin_sweep(fresh, [f"0.01{number}" for number in range(11, 11 + count)])
        wait_for(fresh, 2 * count + count // 3)
    wait_for(fresh, 3 * count)
    waiting = len(list((fresh.root / ".spool").iterdir()))
    assert waiting
    with server.up():
        print(fresh.statelab("sync"))
        assert in_step(fresh, server.uri) == 1 + 4 * count + 2
        assert "0 runs delivered from the spool, 0 made" in fresh.statelab("sync")


@pytest.mark.sweep
def test_a_sweep_of_twelve_stays_in_step_with_a_database_in_a_file(fresh):
    rates = [f"0.00{number}" for number in range(11, 23)]
    store = f"sqlite:///{fresh.root}/mlflow.db"
    for times in (1, 2):  # the second one comes out of the cache
        begin_sweep(fresh, rates)
        wait_for(fresh, 12 * times)
        print(fresh.statelab("sync"))
        assert in_step(fresh, store) == 1 + 2 * 12 + 2
