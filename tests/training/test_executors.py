"""Trials on real Dask workers: the same table as by threads, whoever is killed."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import distributed
import numpy as np
import pandas as pd
import pytest
import small_search
from checkouts import REPOSITORY
from dask_clusters import ENVIRONMENT, scheduling, two_workers, working
from pandas.testing import assert_frame_equal
from servers import HOST

from statelab.errors import UserError
from statelab.lookback import trials
from statelab.lookback.outcomes import Trial
from statelab.training import executors

SEARCH = [sys.executable, str(REPOSITORY / "tests/helpers/small_search.py")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[str]:
    with two_workers(tmp_path_factory.mktemp("cluster")) as address:
        yield address


@pytest.fixture(scope="module")
def by_threads(tmp_path_factory) -> pd.DataFrame:
    """The table that every search has to have."""
    folder = tmp_path_factory.mktemp("by_threads")
    data = small_search.build(folder)
    with executors.threads(data.problem, 2) as workers:
        return small_search.run(data, workers, folder)


@contextmanager
def searching(folder: Path, address: str) -> Iterator[subprocess.Popen]:
    """Run the search in a process of its own, which does not outlive the block."""
    environment = ENVIRONMENT | {executors.SCHEDULER: address}
    with subprocess.Popen(
        [*SEARCH, str(folder)], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(folder: Path) -> dict[str, float]:
    """When each trial in the trial store was written."""
    return {file.name: file.stat().st_mtime for file in folder.glob("trials/*.json")}


def wait_for(done: Callable[[], object], process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while not done():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def table(folder: Path) -> pd.DataFrame:
    return pd.read_json(folder / "table.json", orient="records", precise_float=True)


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    ours, theirs = (
        each.astype({"gradient_window": "Int64"}) for each in (ours, theirs)
    )
    assert_frame_equal(ours, theirs, check_dtype=False, check_exact=False, rtol=1e-12)


def plugins(address: str) -> set[str]:
    """Those of ours that any worker has."""
    with distributed.Client(address, set_as_default=False) as client:
        names = client.run(lambda dask_worker: list(dask_worker.plugins)).values()
    return {name for name in itertools.chain(*names) if "statelab" in name}


@pytest.mark.slow
def test_two_workers_have_the_table_of_threads(cluster, by_threads, tmp_path):
    data = small_search.build(tmp_path)
    with executors.cluster(data.problem, cluster) as workers:
        assert len(plugins(cluster)) == 1
        assert_same(small_search.run(data, workers, tmp_path), by_threads)
    assert plugins(cluster) == set()


@pytest.mark.slow
def test_shards_are_searched_on_workers(cluster, tmp_path):
    """As in this process: whoever reads a file predicts the same."""
    data = small_search.build(tmp_path, shard_steps=240)
    assert len(data.problem.shards) == 3
    with executors.cluster(data.problem, cluster) as workers:
        ours = small_search.run(data, workers, tmp_path / "ours")
    with executors.threads(data.problem, 1) as workers:
        theirs = small_search.run(data, workers, tmp_path / "theirs")
    assert_same(ours, theirs)
    # the target is 2 steps back: windows of 3 hold it, shorter ones do not
    whole = ours[(ours["phase"] != "stateful") & (ours["state"] == "complete")]
    short = whole["window_length"] < 3
    assert np.all(whole.loc[short, "score"] < 0.75)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_trial(by_threads, tmp_path):
    with two_workers(tmp_path) as address, searching(tmp_path, address) as process:
        wait_for(lambda: ended(tmp_path), process)
        with distributed.Client(address, set_as_default=False) as client:
            busy: dict = {}
            wait_for(
                lambda: busy.update(client.processing()) or any(busy.values()), process
            )
            victim = next(worker for worker, keys in busy.items() if keys)
            (pid,) = client.run(os.getpid, workers=[victim]).values()
            os.kill(pid, signal.SIGKILL)
        assert process.wait(300) == 0, process.stderr.read()
        logs = [tmp_path / f"{name}.log" for name in ("one", "two")]
        assert sum("Restarting worker" in log.read_text() for log in logs) == 1
    assert_same(table(tmp_path), by_threads)


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_from_its_trial_store(
    cluster, by_threads, tmp_path
):
    with searching(tmp_path, cluster) as process:
        wait_for(lambda: len(ended(tmp_path)) > 1, process)
        process.kill()
        process.wait()
    before = ended(tmp_path)
    assert not (tmp_path / "table.json").exists()
    with searching(tmp_path, cluster) as process:
        assert process.wait(300) == 0, process.stderr.read()
    assert_same(table(tmp_path), by_threads)
    after = ended(tmp_path)
    assert {name: after[name] for name in before} == before  # none is trained twice
    assert plugins(cluster) == set()  # that of the killed one is gone as well


@pytest.mark.slow
def test_a_search_whose_scheduler_dies_goes_on_with_another(by_threads, tmp_path):
    with two_workers(tmp_path) as address, searching(tmp_path, address) as process:
        wait_for(lambda: ended(tmp_path), process)
        with distributed.Client(address, set_as_default=False) as client:
            scheduler = client.run_on_scheduler(os.getpid)
        os.kill(scheduler, signal.SIGKILL)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said == f"The Dask scheduler does not answer any more. Received: {address}\n"
    before = ended(tmp_path)
    with two_workers(tmp_path) as address, searching(tmp_path, address) as process:
        assert process.wait(300) == 0, process.stderr.read()
    assert_same(table(tmp_path), by_threads)
    assert before.items() <= ended(tmp_path).items()


@pytest.mark.slow
def test_a_scheduler_needs_no_statelab_and_a_worker_says_little(tmp_path):
    """The scheduler unpacks tasks: what a task names is imported there."""
    data = small_search.build(tmp_path)
    trial = Trial(5, 1, None, "sample", 3, 0.02)
    with ExitStack() as stack:
        address = stack.enter_context(scheduling())
        log = stack.enter_context(working(address, tmp_path, "one"))
        with executors.cluster(data.problem, address) as workers:
            state, _ = workers.submit(trials.train_next_part, trial).result()
            assert state.updates == small_search.SMALL["updates"] / 4
            with distributed.Client(address, set_as_default=False) as client:
                loaded = client.run_on_scheduler(lambda: list(sys.modules))
        ours = [name for name in loaded if "statelab" in name or "tensorflow" in name]
        assert ours == []
        said = [
            line for line in log.read_text().splitlines() if " - INFO - " not in line
        ]
        assert said == []


@pytest.mark.parametrize(
    "address", [f"tcp://{HOST}:1", "carrier-pigeon://coop", "nowhere"]
)
def test_an_address_where_no_scheduler_is(address, tmp_path, monkeypatch):
    monkeypatch.setattr(executors, "LOST", 1)
    data = small_search.build(tmp_path)
    with pytest.raises(
        UserError, match="`--scheduler` or STATELAB_SCHEDULER must be the address"
    ) as raised:
        with executors.cluster(data.problem, address):
            pass
    assert str(raised.value).count("\n") == 0
    assert str(raised.value).endswith(f"Received: {address}")
