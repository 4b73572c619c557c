"""Against a real MLflow store."""

import os
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY

from statelab import models, tracking
from statelab.sequences import Sequences

NETWORK = {"cell": "lstm", "units": 2, "layers": 1, "features": 1}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that DVC would call the root, with no store as yet."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def a_run(**changes) -> tracking.Run:
    return tracking.Run(
        **{
            "name": "full stateful, first-try",
            "tags": {"layout": "full", "dvc.exp": "first-try"},
            "params": {"seed": 3, "train": {"epochs": 2, "clipnorm": None}},
            "scores": {"accuracy": {"mean": 0.75, "std": None}, "ceiling": {"auc": 1}},
            "curves": pd.DataFrame({"epoch.loss": [0.5, 0.25]}, index=[1, 2]),
            "files": [],
            "pictures": {"curve.svg": "<svg/>"},
            "dataset": "first_step",
            "sequences": Sequences(
                np.zeros((4, 1), np.float32), np.array([0, 2, 4]), np.array([0, 1])
            ),
            "model": None,
            "outputs": 1,
            "timesteps": -1,
            "width": 4,
            "example": np.zeros((1, 2, 1), np.float32),
            **changes,
        }
    )


def test_store_is_at_the_root_of_the_main_checkout(checkout):
    assert tracking.store() == f"sqlite:///{checkout}/mlflow.db"


def test_store_keeps_a_database_of_ones_own_out_of_temporary_workspaces(
    checkout, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    assert tracking.store() == f"sqlite:///{checkout}/mine.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/mine.db")
    assert tracking.store() == "sqlite:////elsewhere/mine.db"


def test_log_refuses_sequences_longer_than_a_stateless_network_has_seen(checkout):
    models.write(
        checkout / "stateless", models.initial_weights(range(1), **NETWORK), NETWORK
    )
    run_id = tracking.log(a_run(model=checkout / "stateless", timesteps=2))
    (output,) = mlflow.get_run(run_id).outputs.model_outputs
    loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    said = loaded.predict(np.zeros((3, 2, 1), np.float32))
    assert said["answers"].shape == (3, 2, 1) and said["state"].shape == (3, 4)
    with pytest.raises(mlflow.MlflowException, match="shape"):
        loaded.predict(np.zeros((3, 7, 1), np.float32))


def test_store_is_the_server_that_the_environment_names(checkout, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert tracking.store() == "http://localhost:5000"


def test_log_shows_what_it_was_given(checkout, monkeypatch):
    weights = models.initial_weights(range(1, 3), **NETWORK)
    models.write(checkout / "stateful", weights, NETWORK)
    table = checkout / "scores.csv"
    table.write_text("seed\n0\n")
    run_id = tracking.log(a_run(files=[table], model=checkout / "stateful"))
    monkeypatch.undo()  # MLflow keeps its store in the environment

    store = f"sqlite:///{checkout}/mlflow.db"
    client = mlflow.MlflowClient(store)
    logged = client.get_run(run_id)
    assert logged.info.run_name == "full stateful, first-try"
    assert logged.info.status == "FINISHED"
    assert logged.data.params == {
        "seed": "3",
        "train.epochs": "2",
        "train.clipnorm": "None",
    }
    assert logged.data.metrics == {
        "accuracy.mean": 0.75,
        "ceiling.auc": 1.0,
        "epoch.loss": 0.25,
    }
    assert logged.data.tags["layout"] == "full"
    assert logged.data.tags["dvc.exp"] == "first-try"
    curve = client.get_metric_history(run_id, "epoch.loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.25)]
    assert [each.dataset.name for each in logged.inputs.dataset_inputs] == [
        "first_step"
    ]
    kept = {file.path for file in client.list_artifacts(run_id)}
    assert kept == {"scores.csv", "curve.svg"}
    assert logged.info.artifact_uri.startswith(f"file://{checkout}/mlartifacts/")

    mlflow.set_tracking_uri(store)
    (output,) = logged.outputs.model_outputs
    loaded = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    for batch, timesteps in ((3, 7), (1, 2)):  # any batch, any length
        x = np.random.default_rng(0).normal(size=(batch, timesteps, 1))
        x = x.astype(np.float32)
        once, twice = (loaded.predict(x)["answers"] for _ in range(2))
        np.testing.assert_array_equal(once, twice)
        expected = models.build(**NETWORK, seed=1, return_sequences=True)(x)
        np.testing.assert_allclose(once, expected, atol=1e-6)


def test_log_puts_a_second_run_beside_the_first(checkout):
    first, second = (tracking.log(a_run()) for _ in range(2))
    client = mlflow.MlflowClient(f"sqlite:///{checkout}/mlflow.db")
    experiment = client.get_experiment_by_name("statelab")
    found = client.search_runs([experiment.experiment_id])
    assert {run.info.run_id for run in found} == {first, second}


def test_a_server_that_is_down_costs_one_line_and_no_outputs(tmp_path):
    """The second command of a stage; were it to fail, DVC would drop the training."""
    code = """
import sys
sys.path.insert(0, "stages")
import log
log._evaluate = lambda stage, data, written: None
log.main(log.Stage.EVALUATE, None, None)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0
    said = ended.stderr.strip().splitlines()[-1]
    assert said.startswith("evaluate: not logged to http://127.0.0.1:9: ")
