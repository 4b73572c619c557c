"""A lookback search in a real MLflow store."""

import json
import shutil

import mlflow
import pytest
import searches
from checkouts import REPOSITORY
from project_params import generate

from statelab.config import params
from statelab.data import tasks
from statelab.io import arrays
from statelab.pipeline import paths
from statelab.pipeline.stage_fingerprints import Result
from statelab.tracking import bundle_builder, mlflow_store
from statelab.tracking.bundle_builder import Origin
from statelab.tracking.mlflow_runs import Shown


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A workspace that has been searched, and no store as yet."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    (tmp_path / "search").mkdir()
    for file in ("params.yaml", "search/params.yaml"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    task = tasks.make(generate(sequences=6, length=4), seed=0)
    arrays.write(tmp_path / "data/sequences", task)
    searches.write(tmp_path)
    yield tmp_path
    monkeypatch.undo()  # MLflow keeps its store in the environment


@pytest.fixture
def client(root):
    return mlflow.MlflowClient(f"sqlite:///{root}/mlflow.db")


def deliver(root, *, child_runs=False) -> Shown:
    file = root / "search/params.yaml"
    text = file.read_text()
    assert text.count("child_runs: false") == 1
    if child_runs:
        file.write_text(text.replace("child_runs: false", "child_runs: true"))
    result, origin = Result("lookback", "abc", "8df.dir"), Origin(None, "57fa74f")
    bundle_builder.build(result, origin, root, root / "bundle")
    file.write_text(text)
    return mlflow_store.deliver(root / "bundle")


def below(client, run_id) -> list[mlflow.entities.Run]:
    experiment = client.get_experiment_by_name("statelab").experiment_id
    query = f"tags.mlflow.parentRunId = '{run_id}'"
    found = client.search_runs([experiment], query)
    return sorted(found, key=lambda run: int(run.data.tags["trial"]))


def test_a_search_is_one_run_that_equals_its_files(root, client):
    shown = deliver(root)
    (experiment,) = client.search_experiments(filter_string="name = 'statelab'")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_id == shown.run_id and shown.finished
    assert run.info.run_name == "subsampled lookback, 57fa74f"
    told = json.loads((root / paths.LOOKBACK).read_text())
    logged = run.data.metrics
    headline = json.loads((root / paths.LOOKBACK_HEADLINE).read_text())
    assert headline == {"lookback": 3}
    means = {k: scored["mean"] for k, scored in told["scores"].items()}
    assert logged == {
        **headline,
        "best_window": 4,
        "accuracy.smallest": means["smallest"],
        "accuracy.best": means["best"],
        "accuracy.stateful": means["stateful"],
    }
    assert run.data.tags["smallest_window"] == "3"
    assert run.data.tags["mlflow.note.content"] == told["text"]
    logged = run.data.params
    flat = params.flatten(params.read(root / "search")["search"])
    assert {f"search.{k}": str(v) for k, v in flat.items()}.items() <= logged.items()
    assert logged["model.forget_bias"] == "unit"  # of the pipeline
    assert logged["search.model.forget_bias"] == "chrono"
    assert logged["generate.task"] == "first_step"
    (dataset,) = [each.dataset for each in run.inputs.dataset_inputs]
    assert (dataset.name, dataset.digest) == ("first_step", "8df.dir")
    files = {file.path for file in client.list_artifacts(shown.run_id)}
    assert files == {"curve.csv", "curve.svg", "result.json", "trials.json"}


def test_the_trials_are_a_table_to_mlflow(root, client):
    run_id = deliver(root).run_id
    (artefact,) = json.loads(client.get_run(run_id).data.tags["mlflow.loggedArtifacts"])
    assert artefact["type"] == "table"
    experiment = client.get_experiment_by_name("statelab").experiment_id
    table = client.load_table(experiment, artefact["path"], [run_id])
    assert table["window_length"].tolist() == [4, 1, 2, 4, 3]
    assert table["state"].tolist() == ["complete"] * 2 + ["pruned"] + ["complete"] * 2
    assert table["gradient_window"].isna().tolist() == [True, False, True, True, True]
    place = client.download_artifacts(run_id, artefact["path"])
    with open(place) as stream:
        written = json.load(stream)
    scores = [line[written["columns"].index("scores")] for line in written["data"]]
    assert scores == [each.scores for each in searches.OUTCOMES]  # to the last digit


def test_a_trial_is_a_run_below_where_that_is_asked_for_and_once(root, client):
    run = deliver(root)
    assert below(client, run.run_id) == [] and not mlflow_store.has_trials(run.run_id)
    for _ in range(2):  # asked for since, and delivered again
        assert deliver(root, child_runs=True) == run
        children = below(client, run.run_id)
        assert len(children) == 5
    assert mlflow_store.has_trials(run.run_id)
    assert [each.run_id for each in mlflow_store.shown()] == [run.run_id]
    child = children[1]
    assert child.info.status == "FINISHED"
    assert child.info.end_time - child.info.start_time == 3760
    assert child.data.params == {
        "window_length": "1",
        "stride": "1",
        "gradient_window": "1",
        "reset": "sample",
        "units": "10",
        "learning_rate": "0.02",
    }
    assert child.data.metrics["score"] == searches.OUTCOMES[1].mean
    assert child.data.metrics["seconds"] == pytest.approx(3.76)  # 1.5 + 2 + 0.25 + 0.01
    assert child.data.metrics["seconds_train"] == 2
    assert children[0].data.params["gradient_window"] == "None"
    assert [each.data.tags["state"] for each in children].index("pruned") == 2


def test_trials_that_were_half_shown_are_shown_whole(root, client):
    run = deliver(root, child_runs=True)
    first, second, *_ = below(client, run.run_id)
    client.delete_run(first.info.run_id)
    client.update_run(second.info.run_id, status="RUNNING")
    deliver(root, child_runs=True)
    children = below(client, run.run_id)
    numbers = [each.data.tags["trial"] for each in children]
    assert numbers == ["0", "1", "2", "3", "4"]
    assert {each.info.status for each in children} == {"FINISHED"}
    assert second.info.run_id not in [each.info.run_id for each in children]


def test_the_trials_go_with_the_search(root, client):
    run = deliver(root, child_runs=True)
    mlflow_store.discard(run.run_id)
    assert below(client, run.run_id) == []
