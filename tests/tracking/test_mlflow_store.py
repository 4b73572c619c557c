"""Against a real MLflow store."""

import json
import os
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import psutil
import pytest
from checkouts import REPOSITORY

from statelab.networks.architecture import Architecture
from statelab.tracking import bundles, connection, mlflow_store

NETWORK = Architecture("lstm", "binary", layers=1, units=2, features=1, outputs=1)
MODEL = {"timesteps": -1, "features": 1, "outputs": 1, "width": 4}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder that DVC would call the root, with no store as yet."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    yield tmp_path
    monkeypatch.undo()  # MLflow keeps its store in the environment


@pytest.fixture
def client(root):
    return mlflow.MlflowClient(f"sqlite:///{root}/mlflow.db")


def runs(client) -> list[mlflow.entities.Run]:
    experiment = client.get_experiment_by_name("statelab")
    return client.search_runs([experiment.experiment_id])


def a_bundle(folder, losses=(0.5, 0.1 + 0.2), **changes):
    """Write a bundle; deliver takes it away."""
    told = {
        "stage": "train_stateful",
        "fingerprint": "abc",
        "name": "full first-try stateful",
        "experiment": "first-try",
        "tags": {"layout": "full", "git.commit": "57fa74f"},
        "params": {"seed": 3, "train.clipnorm": None},
        "metrics": {"accuracy.mean": 0.1 + 0.7, "ceiling.auc": 1},
        "dataset": {"name": "adding", "digest": "8df.dir", "profile": {"steps": 12}},
        **changes,
    }
    with bundles.atomic_folder(folder / "spool" / told["fingerprint"]) as part:
        epochs = pd.Index(range(1, len(losses) + 1), name="epoch")
        curve = pd.DataFrame({"epoch.loss": losses}, index=epochs)
        bundles.write_series(part, "epochs", curve)
        (part / "files").mkdir()
        (part / "files" / "scores.csv").write_text("seed\n0\n")
        if "model" in told:
            np.save(part / "example.npy", np.zeros((1, 2, 1), np.float32))
            from statelab.networks import keras_models, saving  # and TensorFlow

            weights = keras_models.initial_weights(range(1, 3), NETWORK)
            saving.write(part / "model", weights, NETWORK)
        bundles.write(part, bundles.Bundle(**told))
    return folder / "spool" / told["fingerprint"]


def test_store_is_at_the_root_of_the_main_checkout(root):
    assert connection.uri() == f"sqlite:///{root}/mlflow.db"


def test_store_keeps_a_database_of_ones_own_out_of_temporary_workspaces(
    root, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    assert connection.uri() == f"sqlite:///{root}/mine.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/mine.db")
    assert connection.uri() == "sqlite:////elsewhere/mine.db"


def test_store_is_the_server_that_the_environment_names(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert connection.uri() == "http://localhost:5000"


def test_deliver_shows_all_that_a_bundle_holds_to_the_last_digit(root, client):
    folder = a_bundle(root)
    shown = mlflow_store.deliver(folder)
    assert shown.finished and shown.names == ["first-try"]
    assert not folder.exists()
    run = client.get_run(shown.run_id)
    assert run.info.run_name == "full first-try stateful"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "3", "train.clipnorm": "None"}
    assert run.data.metrics == {
        "accuracy.mean": 0.7999999999999999,
        "ceiling.auc": 1.0,
        "epoch.loss": 0.30000000000000004,
    }
    curve = client.get_metric_history(shown.run_id, "epoch.loss")
    points = [(point.step, point.value) for point in curve]
    assert points == [(1, 0.5), (2, 0.30000000000000004)]
    tags = run.data.tags
    assert (tags["layout"], tags["dvc.stage"]) == ("full", "train_stateful")
    (dataset,) = [each.dataset for each in run.inputs.dataset_inputs]
    assert (dataset.name, dataset.digest) == ("adding", "8df.dir")
    assert json.loads(dataset.profile) == {"steps": 12}
    assert [file.path for file in client.list_artifacts(shown.run_id)] == ["scores.csv"]
    assert run.info.artifact_uri.startswith(f"file://{root}/mlartifacts/")


def test_deliver_again_changes_nothing(root, client):
    first = mlflow_store.deliver(a_bundle(root))
    before = client.get_run(first.run_id).to_dictionary()
    assert mlflow_store.deliver(a_bundle(root, losses=(7, 8, 9))) == first
    assert client.get_run(first.run_id).to_dictionary() == before
    assert len(runs(client)) == 1


def test_deliver_makes_another_run_for_another_fingerprint(root, client):
    for fingerprint in ("abc", "abd"):
        mlflow_store.deliver(a_bundle(root, fingerprint=fingerprint))
    assert len(runs(client)) == 2


def test_deliver_goes_on_with_a_run_that_shows_a_training_so_far(root, client):
    so_far = {"metrics": {}, "losses": (0.5,)}
    here = psutil.Process()
    shown = mlflow_store.deliver(a_bundle(root, **so_far), training=here)
    run = client.get_run(shown.run_id)
    assert run.info.start_time == int(1000 * here.create_time())
    assert run.info.status == "RUNNING" and not shown.finished
    assert run.data.metrics == {"epoch.loss": 0.5}
    assert mlflow_store.deliver(a_bundle(root)).run_id == shown.run_id
    curve = client.get_metric_history(shown.run_id, "epoch.loss")
    assert [point.step for point in curve] == [1, 2]  # none of them twice
    run = client.get_run(shown.run_id)
    assert run.info.status == "FINISHED" and "writer" not in run.data.tags
    # a teller that was late
    mlflow_store.deliver(a_bundle(root, **so_far), training=here)
    assert client.get_run(shown.run_id).info.status == "FINISHED"


def test_deliver_makes_a_run_anew_that_shows_another_training(root, client):
    """Trained again elsewhere, say, where the last digits are others."""
    here = psutil.Process()
    so_far = a_bundle(root, metrics={}, losses=(0.25,))
    first = mlflow_store.deliver(so_far, training=here)
    second = mlflow_store.deliver(a_bundle(root))
    assert second.run_id != first.run_id
    curve = client.get_metric_history(second.run_id, "epoch.loss")
    assert [point.value for point in curve] == [0.5, 0.1 + 0.2]
    assert [run.info.run_id for run in runs(client)] == [second.run_id]


def test_deliver_leaves_a_parameter_that_made_no_difference(root, client):
    here = psutil.Process()
    so_far = a_bundle(root, metrics={}, params={"generate.lag": 5})
    first = mlflow_store.deliver(so_far, training=here)
    second = mlflow_store.deliver(a_bundle(root, params={"generate.lag": 6, "seed": 3}))
    assert second.run_id == first.run_id and second.finished
    logged = client.get_run(second.run_id).data.params
    assert logged == {"generate.lag": "5", "seed": "3"}


def test_shown_tells_mlflow_of_a_training_that_was_killed(root, client):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as training:
        process = psutil.Process(training.pid)
        mlflow_store.deliver(a_bundle(root), training=process)
        (run,) = mlflow_store.shown()
        assert client.get_run(run.run_id).info.status == "RUNNING"
        training.kill()
    (run,) = mlflow_store.shown()
    assert client.get_run(run.run_id).info.status == "KILLED" and not run.finished
    assert mlflow_store.deliver(a_bundle(root)).finished  # it was begun again


def test_two_processes_that_deliver_the_same_make_one_run(root, client):
    code = """
import sys
sys.path[:0] = ["tests/tracking", "tests/helpers"]
from pathlib import Path
import test_mlflow_store as tests
folder = tests.a_bundle(Path(sys.argv[1]), experiment=sys.argv[2])
print(flush=True)
sys.stdin.readline()
tests.mlflow_store.deliver(folder)
"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(root / name), name],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("brave-cat", "dizzy-dog")
    ]
    for each in both:
        each.stdout.readline()
    for each in both:
        each.communicate(b"\n")
    assert [each.returncode for each in both] == [0, 0]
    (run,) = mlflow_store.shown()
    assert run.finished and run.names == ["brave-cat", "dizzy-dog"]


def test_deliver_says_that_another_process_was_faster(root):
    with pytest.raises(mlflow_store.Delivered):
        mlflow_store.deliver(root / "spool" / "abc")


def test_name_finds_a_run_by_more_names_than_a_tag_can_hold(root, client):
    run = mlflow_store.deliver(a_bundle(root))
    names = [f"experiment-number-{number}" for number in range(700)]
    mlflow_store.name(run.run_id, names[:400])
    mlflow_store.name(run.run_id, names[400:])
    (run,) = mlflow_store.shown()
    assert run.names == sorted(["first-try", *names])
    (found,) = client.search_runs(
        [client.get_experiment_by_name("statelab").experiment_id],
        "tags.`dvc.exp.4` LIKE '%experiment-number-699%'",
    )
    assert found.info.run_id == run.run_id


def test_discard_leaves_no_trace_but_for_mlflow_gc(root, client):
    run = mlflow_store.deliver(a_bundle(root, model=MODEL))
    mlflow_store.discard(run.run_id)
    mlflow_store.discard(run.run_id)  # by another process, as it were
    assert mlflow_store.shown() == []
    experiment = client.get_experiment_by_name("statelab").experiment_id
    assert client.search_logged_models([experiment]) == []


def test_a_model_is_registered_once(root, client):
    registered = {"model": MODEL, "register": "glucose", "note": "# A card"}
    run = mlflow_store.deliver(a_bundle(root, **registered))
    mlflow_store.register(run.run_id, "glucose")
    (version,) = client.search_model_versions("name = 'glucose'")
    assert (version.run_id, version.description) == (run.run_id, "# A card")


def test_a_model_refuses_sequences_longer_than_a_stateless_network_has_seen(
    root, client
):
    mlflow_store.deliver(a_bundle(root, model={**MODEL, "timesteps": 2}))
    (model,) = client.search_logged_models([runs(client)[0].info.experiment_id])
    mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    assert loaded.predict(np.zeros((3, 2, 1), np.float32))["answers"].shape == (3, 2, 1)
    with pytest.raises(mlflow.MlflowException, match="shape"):
        loaded.predict(np.zeros((3, 7, 1), np.float32))


def test_a_model_that_was_half_logged_is_logged_anew(root, client):
    run = mlflow_store.deliver(a_bundle(root), training=psutil.Process())
    broken = client.create_logged_model(
        runs(client)[0].info.experiment_id, "model", source_run_id=run.run_id
    )
    output = mlflow.entities.LoggedModelOutput(broken.model_id, step=0)
    client.log_outputs(run.run_id, [output])
    mlflow_store.deliver(a_bundle(root, model=MODEL))
    (model,) = client.search_logged_models([runs(client)[0].info.experiment_id])
    assert model.model_id != broken.model_id and model.status == "READY"
    mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    said = loaded.predict(np.zeros((3, 2, 1), np.float32))
    assert said["answers"].shape == (3, 2, 1) and said["state"].shape == (3, 4)


@pytest.mark.parametrize(
    "address",
    ["http://me:secret@127.0.0.1:9", "postgresql+psycopg2://me:secret@127.0.0.1:9/x"],
)
def test_a_store_that_is_down_costs_one_line_and_the_bundle_stays(
    root, monkeypatch, address
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    folder = a_bundle(root)
    with pytest.raises(connection.NotLogged) as refused:
        mlflow_store.deliver(folder)
    said = connection.refusal(refused.value)
    assert "refused" in said and "\n" not in said and "secret" not in said
    assert bundles.waiting(folder.parent) == [folder]


def test_log_costs_a_stage_nothing_whatever_happens(tmp_path):
    """The second command of a stage: were it to fail, DVC would drop the training."""
    ended = subprocess.run(
        [sys.executable, REPOSITORY / "stages" / "log.py", "evaluate"],
        env={**os.environ, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0
    (said,) = ended.stderr.splitlines()
    assert said.startswith("evaluate: not logged to http://127.0.0.1:9: ")
    assert said.endswith("No such file or directory: 'dvc.yaml'. `statelab sync` will")
