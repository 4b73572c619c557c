"""The pieces of a comparison have the same bytes wherever they are trained."""

import os
import signal
import threading
import time

import distributed
import numpy as np
import project_params
import pytest
from dask_clusters import two_workers

from statelab.config.settings import Training
from statelab.data import tasks
from statelab.errors import UserError
from statelab.evaluation import selection
from statelab.samples import splitting
from statelab.samples.target_changes import UserUnits
from statelab.training import executors, pieces
from statelab.training.pieces import Comparison, Split

PARAMS = project_params.params(
    generate={"task": "noisy_first", "sequences": 90, "length": 12},
    window={
        "layout": "per_timestep",
        "segment_length": 4,
        "test_size": 20,
        "validation_size": 20,
    },
    train_stateless={
        "seeds": 3,
        "epochs": 4,
        "batch_size": 8,
        "learning_rates": [0.01],
        "lookbacks": [2, 5],
    },
    train_stateful={"seeds": 3, "epochs": 4, "batch_size": 8},
)
PIECES = 2 + 3 + 1  # rates, variants besides the one in use, the other split


@pytest.fixture(scope="module")
def comparison():
    data = tasks.make(PARAMS.generate, seed=0)
    splits = [
        Split(
            data,
            UserUnits(data, None),
            splitting.split_and_window(data, PARAMS.window, seed=seed),
            None,
        )
        for seed in range(2)
    ]
    return Comparison(splits, Training(PARAMS.model, PARAMS.train_stateless, seed=0))


def compared(comparison, train_all):
    return selection.select(
        comparison.splits[0].inputs,
        [split.windows for split in comparison.splits],
        comparison.training,
        PARAMS.train_stateful,
        None,
        train_all,
    )


def compared_on(comparison, workers):
    submitted = []

    def train_all(wanted):
        futures = [
            workers.submit(pieces.train_piece, number, variant.layout, variant.training)
            for variant, number in wanted
        ]
        submitted.extend(futures)
        return [future.result()[0] for future in futures]

    selected = compared(comparison, train_all)
    assert len(submitted) == PIECES
    return selected


@pytest.fixture(scope="module")
def here(comparison):
    def train_all(wanted):
        return [
            pieces.train_piece(comparison, number, variant.layout, variant.training)
            for variant, number in wanted
        ]

    return compared(comparison, train_all)


def assert_same_bytes(ours, theirs):
    assert ours.variant == theirs.variant
    for one, two in zip(ours.predictions, theirs.predictions, strict=True):
        assert one._replace(predictions=0, visible_from=0) == two._replace(
            predictions=0, visible_from=0
        )
        assert one.predictions.tobytes() == two.predictions.tobytes()
    for name, weights in ours.chosen.weights.items():
        assert weights.tobytes() == theirs.chosen.weights[name].tobytes()


def test_the_pieces_that_are_compared(here):
    found = [
        (each.variant, each.learning_rate, each.split) for each in here.predictions
    ]
    rate = found[0][1]
    assert rate in (0.001, 0.01)
    assert found[:4] == [
        (name, rate, 0) for name in ("in use", "again", "lookback 2", "lookback 5")
    ]
    assert found[4] == (here.variant.name, rate, 1)
    assert np.isfinite(here.predictions[4].predictions).any()


def test_threads_train_what_one_process_does(comparison, here):
    with executors.threads(comparison, 2) as workers:
        assert_same_bytes(compared_on(comparison, workers), here)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_piece_alone(comparison, tmp_path):
    """Of two workers one is killed; the bytes are those of a worker alone."""
    with two_workers(tmp_path) as address:
        with executors.cluster(comparison, address) as workers:
            both = compared_on(comparison, workers)
        killing = threading.Thread(target=kill_one, args=(address,))
        killing.start()
        with executors.cluster(comparison, address) as workers:
            killed = compared_on(comparison, workers)
        killing.join()
        logs = [tmp_path / f"{name}.log" for name in ("one", "two")]
        assert sum("Restarting worker" in log.read_text() for log in logs) == 1
    assert_same_bytes(killed, both)


def kill_one(address):
    """Kill a worker as soon as it is training."""
    with distributed.Client(address, set_as_default=False) as client:
        deadline = time.monotonic() + 120
        busy = []
        while not busy and time.monotonic() < deadline:
            busy = [worker for worker, keys in client.processing().items() if keys]
            time.sleep(0.02)
        (pid,) = client.run(os.getpid, workers=busy[:1]).values()
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("given", ["four", "0", "-1", "1.5"])
def test_a_count_of_workers_that_is_none(given, monkeypatch):
    monkeypatch.setenv(executors.WORKERS, given)
    with pytest.raises(UserError, match="must be a whole number above 0") as raised:
        with executors.from_environment(None):
            pass
    assert str(raised.value).endswith(f"Received: {given}")
