"""MLflow in step with DVC: real stores, whatever came out of the cache or was lost."""

import json
import shutil
import subprocess
import sys

import mlflow
import pandas as pd
import pytest
import searches
from browser import browser, needs_browser
from checkouts import Checkout
from servers import HOST, free_port, serving

from statelab.pipeline import stage_fingerprints

DEAD = "http://127.0.0.1:9"


def results(checkout: Checkout, revision: str = "") -> dict[str, str]:
    """The fingerprint of each stage as dvc.lock tells it, here or in an experiment."""
    shown = checkout.run("git", "show", f"{revision}:dvc.lock") if revision else None
    lock = shown or (checkout.root / "dvc.lock").read_text()
    return {each.stage: each.fingerprint for each in stage_fingerprints.recorded(lock)}


def revision_of(checkout: Checkout, name: str) -> str:
    listed = checkout.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
    (ref,) = [line for line in listed.splitlines() if line.endswith(f"/{name}")]
    return ref


def seen(run: mlflow.entities.Run) -> tuple:
    """All of a run that does not tell when and where it was made."""
    name = "dvc.exp", "mlflow.runName", "git.commit", "mlflow.source.git.commit"
    tags = {key: tag for key, tag in run.data.tags.items() if key not in name}
    dataset = run.inputs.dataset_inputs[0].dataset
    models = len(run.outputs.model_outputs) if run.outputs else 0
    return run.data.metrics, run.data.params, tags, dataset.digest, models


def test_every_stage_has_a_run_that_equals_its_files_to_the_last_digit(checkout):
    headline = json.loads((checkout.root / "metrics/evaluate.json").read_text())
    modes = ("stateless", "stateful")
    (run,) = checkout.mlflow_runs("evaluate")
    figures = {name: headline[name] for name in (*modes, "gain")}
    for mode, interval, ceiling in zip(
        modes, headline["intervals"], headline["ceilings"], strict=True
    ):
        figures[f"{mode}.low"], figures[f"{mode}.high"] = interval
        figures[f"{mode}.ceiling"] = ceiling
    assert run.data.metrics == figures
    for mode in ("stateless", "stateful"):
        (run,) = checkout.mlflow_runs(f"train_{mode}")
        logged = run.data.metrics
        assert logged["accuracy"] == figures[mode]
        for name in ("low", "high", "ceiling"):
            assert logged[f"accuracy.{name}"] == figures[f"{mode}.{name}"]
        assert len(logged) <= 15  # on the page that compares runs
        history = pd.read_csv(checkout.root / f"metrics/history/{mode}.csv")
        client = mlflow.MlflowClient(f"sqlite:///{checkout.root}/mlflow.db")
        for score in history.columns.drop(["seed", "epoch"]):
            points = client.get_metric_history(run.info.run_id, f"epoch.{score}")
            curve = {point.step: point.value for point in points}
            assert curve == history.groupby("epoch")[score].mean().to_dict()
        assert run.data.params["train.epochs"] == "2"
        # what one mode alone has is listed behind
        own = {"stateless": "lookbacks", "stateful": "gradient_window"}[mode]
        assert run.data.params[f"train_{mode}.{own}"] == "None"
        assert run.data.params["window.layout"] == "per_timestep"
        assert logged["system/memory_usage_megabytes"] > 100
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        names = {"history.csv", "scores.csv", "learning_curve.svg", "model_card.md"}
        assert files == names
        assert run.data.tags["mlflow.note.content"].startswith(f"# {mode} lstm")


def test_a_fingerprint_is_the_same_before_dvc_has_written_its_lock_and_after(checkout):
    links = json.loads((checkout.root / "metrics/run.json").read_text())
    linked = {stage: link["fingerprint"] for stage, link in links.items()}
    assert linked == results(checkout)
    for stage in stage_fingerprints.STAGES:
        assert (
            stage_fingerprints.current(stage, checkout.root).fingerprint
            == linked[stage]
        )


@pytest.mark.slow
@needs_browser
def test_mlflow_puts_the_runs_of_both_modes_side_by_side(checkout):
    stages = ("train_stateless", "train_stateful")
    runs = [checkout.linked(stage) for stage in stages]
    port = free_port()
    ids = ",".join(f"%22{run.info.run_id}%22" for run in runs)
    experiment = runs[0].info.experiment_id
    with (
        serving(
            *(sys.executable, "-m", "mlflow", "ui", "--workers", 1),
            *("--host", HOST, "--port", port),
            *("--backend-store-uri", f"sqlite:///{checkout.root}/mlflow.db"),
            port=port,
        ),
        browser() as opened,
    ):
        page = opened.new_page(viewport={"width": 1280, "height": 900})
        at = f"http://{HOST}:{port}/#/compare-runs?runs=[{ids}]"
        page.goto(f"{at}&experiments=[%22{experiment}%22]")
        names = page.get_by_role("row").filter(has_text="Run Name:")
        names.wait_for(timeout=120_000)  # milliseconds
        for mode in ("stateless", "stateful"):
            assert f"per_timestep {mode}, " in names.inner_text()
        epochs = page.get_by_role("row").filter(has_text="train.epochs").inner_text()
        assert epochs.split() == ["train.epochs", "2", "2"]


def test_an_experiment_out_of_the_cache_finds_the_runs_that_show_it(checkout):
    said = checkout.dvc("exp", "run", "--name", "again", "-f", "check")
    assert "stages/log.py" not in said
    assert checkout.sync().named == 3
    for stage in stage_fingerprints.STAGES:
        (run,) = checkout.mlflow_runs(stage)
        assert "again" in run.data.tags["dvc.exp"]
    assert "0 found by more" in checkout.statelab("sync")


@pytest.fixture
def searched(checkout):
    """The checkout with a search that nobody has carried out, as DVC keeps one."""
    head = checkout.run("git", "rev-parse", "HEAD").strip()
    checkout.dvc("checkout", "--quiet", "dvc.yaml")
    checkout.dvc("repro", "--single-item", "search/dvc.yaml:check_lookback")
    searches.write(checkout.root)
    checkout.dvc("commit", "--force", "search/dvc.yaml:lookback")
    checkout.run("git", "add", ".")
    checkout.run("git", "commit", "--quiet", "-m", "Search")
    yield checkout
    checkout.run("git", "reset", "--quiet", "--hard", head)
    checkout.dvc("checkout", "--quiet", "dvc.yaml")


def test_a_search_out_of_the_cache_has_a_run_and_its_trials_if_asked_for(searched):
    lock = (searched.root / "search/dvc.lock").read_text()
    (result,) = stage_fingerprints.recorded(lock)
    assert stage_fingerprints.current("lookback", searched.root) == result._replace(
        files=()
    )
    assert searched.sync().made == 1
    run = searched.linked("lookback")
    assert run.data.tags["fingerprint"] == result.fingerprint
    assert searched.sync().made == 0
    searched.edit("search/params.yaml", "child_runs: false", "child_runs: true")
    for _ in range(2):
        assert searched.sync().lost == []
        assert len(trials_of(searched, run)) == 5
    assert len(searched.mlflow_runs("lookback")) == 1


def test_a_search_of_an_experiment_has_a_run_when_the_workspace_has_none(searched):
    searched.edit("search/params.yaml", "child_runs: false", "child_runs: true")
    searched.dvc("exp", "save", "--name", "searched")
    searched.run("git", "reset", "--quiet", "--hard", "HEAD~")
    client = mlflow.MlflowClient(f"sqlite:///{searched.root}/mlflow.db")
    for run in searched.mlflow_runs("lookback"):  # of another test
        client.delete_run(run.info.run_id)
    searched.sync()
    (run,) = searched.mlflow_runs("lookback", "searched")
    assert run.info.status == "FINISHED" and len(trials_of(searched, run)) == 5
    ref = revision_of(searched, "searched")
    searched.run("git", "update-ref", "-d", ref)


def trials_of(checkout: Checkout, run: mlflow.entities.Run) -> list:
    client = mlflow.MlflowClient(f"sqlite:///{checkout.root}/mlflow.db")
    query = f"tags.mlflow.parentRunId = '{run.info.run_id}'"
    return client.search_runs([run.info.experiment_id], query)


@pytest.fixture(scope="module")
def outage(checkout) -> str:
    """What DVC says of an experiment that trains while the store is down."""
    checkout.env["MLFLOW_TRACKING_URI"] = DEAD
    change = "train_stateful.learning_rate=0.002"
    words = ("exp", "run", "--name", "outage", "-S", change)
    said = checkout.dvc(*words, "evaluate")
    del checkout.env["MLFLOW_TRACKING_URI"]
    yield said
    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")


def test_what_is_trained_while_the_store_is_down_waits_in_the_spool(checkout, outage):
    refused = [line for line in outage.splitlines() if f"not logged to {DEAD}" in line]
    assert [line.partition(":")[0] for line in refused] == ["evaluate"]
    assert "Traceback" not in outage
    made = results(checkout, revision_of(checkout, "outage"))
    folders = (checkout.root / ".spool").iterdir()
    waiting = {folder.name.partition(".")[0] for folder in folders}
    assert waiting == {made["train_stateful"], made["evaluate"]}
    checkout.env["MLFLOW_TRACKING_URI"] = DEAD
    said = checkout.statelab("sync", fails=True)
    del checkout.env["MLFLOW_TRACKING_URI"]
    assert said.startswith(f"sync: stopped by {DEAD}: ") and said.count("\n") == 1
    broken = checkout.root / ".spool" / "broken"
    broken.mkdir()
    (broken / "bundle.json").write_text("{}")
    synced = checkout.sync()
    assert synced.delivered == 2  # one that is broken keeps none from it
    (lost,) = synced.lost
    assert lost.startswith(".spool/broken: ") and "\n" not in lost
    shutil.rmtree(broken)
    assert not list((checkout.root / ".spool").iterdir())
    (run,) = checkout.mlflow_runs("train_stateful", "outage")
    assert run.data.params["train.learning_rate"] == "0.002"
    assert run.data.tags["fingerprint"] == made["train_stateful"]
    assert len(checkout.mlflow_runs("train_stateless")) == 1  # shared


def test_a_store_that_is_lost_is_made_again_by_two_at_once(checkout, outage):
    before = {
        run.data.tags["fingerprint"]: run
        for stage in stage_fingerprints.STAGES
        for run in checkout.mlflow_runs(stage)
    }
    assert len(before) == 5
    store = f"sqlite:///{checkout.root}/again.db"
    own = "import sys; sys.path.insert(0, 'src'); from statelab.cli import main"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", f"{own}; main.main()", "sync"],
            cwd=checkout.root,
            env={**checkout.env, "MLFLOW_TRACKING_URI": store},
        )
        for _ in range(2)
    ]
    assert [each.wait() for each in both] == [0, 0]
    after = [
        run
        for stage in stage_fingerprints.STAGES
        for run in checkout.mlflow_runs(stage, store=store)
    ]
    assert len(after) == 5
    for run in after:
        assert run.info.status == "FINISHED"
        assert seen(run) == seen(before[run.data.tags["fingerprint"]])


def test_the_workspace_has_no_run_of_other_settings(checkout, outage):
    store = f"sqlite:///{checkout.root}/others.db"
    checkout.edit("params.yaml", "units: 10", "units: 11")
    checkout.edit("params.yaml", "learning_rate: 0.002", "learning_rate: 0.003")
    synced = checkout.sync(store)
    checkout.edit("params.yaml", "units: 11", "units: 10")
    checkout.edit("params.yaml", "learning_rate: 0.003", "learning_rate: 0.002")
    runs = [
        run
        for stage in stage_fingerprints.STAGES
        for run in checkout.mlflow_runs(stage, store=store)
    ]
    assert {run.data.params["model.units"] for run in runs} == {"10"}
    assert all("dvc repro" in line for line in synced.lost)


def test_what_the_cache_has_lost_is_told_in_a_line(checkout, outage):
    (checkout.root / ".dvc/cache").rename(checkout.root / "kept")
    synced = checkout.sync(f"sqlite:///{checkout.root}/empty.db")
    (checkout.root / "kept").rename(checkout.root / ".dvc/cache")
    lost = [line for line in synced.lost if line.startswith("outage, ")]
    assert len(lost) == 2 and not any("\n" in line for line in lost)
