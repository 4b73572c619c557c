"""The pipeline on real DVC and real MLflow, in a small copy of this repository."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import vl_convert
from checkouts import TRAINED, Checkout
from ruamel.yaml import YAML
from typer.testing import CliRunner

from statelab.cli import main
from statelab.config import params
from statelab.evaluation import evaluation
from statelab.io.predictions import (
    predictions_in_use,
    read_predictions,
    write_predictions,
)
from statelab.pipeline import dvc_experiments, paths
from statelab.studies import post


def test_repro_writes_what_other_tools_rely_on(checkout):
    evaluated = evaluation.read(checkout.root)
    assert evaluated.layout == "per_timestep" and evaluated.score == "accuracy"
    headline = json.loads((checkout.root / "metrics/evaluate.json").read_text())
    assert headline["verdict"] == "too few seeds" and headline["score"] == "accuracy"
    # 1/4 of the steps are first steps: 1/4 + 3/4 · 1/2
    assert headline["ceilings"] == [0.625, 1.0]
    for nth, (mode, ceiling) in enumerate((("stateless", 0.625), ("stateful", 1.0))):
        assert evaluated.modes[mode].ceiling["accuracy"] == ceiling
        scores = evaluated.modes[mode].scores
        mean = scores["accuracy"].mean
        assert scores["accuracy"].n == 2 and mean is not None and mean <= ceiling
        assert {"loss", "balanced_accuracy", "auc", "train_accuracy"} < set(scores)
        assert headline[mode] == mean
        interval = [scores["accuracy"].low, scores["accuracy"].high]
        assert headline["intervals"][nth] == interval
    for name in (
        *("data/sequences/values.npy", "data/windows/first.npy"),
        *("data/models/stateful/weights.npz", "data/predictions/stateless.npz"),
        *("metrics/history/stateless.csv", "metrics/timing/stateless.json"),
        *("metrics/evaluate/learning_curves.svg", "metrics/memory/memory.svg"),
    ):
        assert (checkout.root / name).stat().st_size


def test_repro_keeps_data_out_of_git_and_metrics_in(checkout):
    tracked = checkout.run("git", "ls-files").splitlines()
    assert not [name for name in tracked if name.endswith((".npy", ".npz", ".db"))]
    assert "metrics/evaluate.json" in tracked


CURVES = "metrics/evaluate/learning_curves.csv"


def drawn(spec: str) -> dict[str, list[str]]:
    """What each kind of mark says of itself, once DVC's specification is drawn."""
    svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec, vl_version="5.8"))
    marks = {}
    for mark in svg.iter():
        kind = mark.get("aria-roledescription", "")
        marks.setdefault(kind, []).append(mark.get("aria-label", ""))
    marks["text"] = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    return marks


def test_plots_show_draws_both_modes_each_under_its_ceiling(checkout):
    spec = checkout.dvc("plots", "show", CURVES, "--show-vega")
    rows = json.loads(spec)["data"]["values"]
    assert {(row["mode"], row["epoch"], row["ceiling"]) for row in rows} == {
        *(("stateless", "1", "0.625"), ("stateless", "2", "0.625")),
        *(("stateful", "1", "1"), ("stateful", "2", "1")),
    }
    marks = drawn(spec)
    assert len(marks["area mark"]) == len(marks["line mark"]) == 2  # bands and means
    assert sorted(marks["rule mark"]) == [
        *["Max of baseline: 0.5; rev: workspace"] * 2,
        *("Max of ceiling: 0.625; rev: workspace", "Max of ceiling: 1; rev: workspace"),
    ]
    for text in ("stateless", "stateful", "accuracy", "epoch", "0.6250", "1.0000"):
        assert text in marks["text"]


@pytest.mark.parametrize(
    "file", ["evaluate/scores.csv", "history/stateless.csv", "history/stateful.csv"]
)
def test_plots_show_draws_every_seed(checkout, file):
    marks = drawn(checkout.dvc("plots", "show", f"metrics/{file}", "--show-vega"))
    if file == "evaluate/scores.csv":
        assert len(marks["point"]) == 4  # 2 modes of 2 seeds
    else:
        assert len(marks["line mark"]) == 2


def test_plots_show_draws_how_far_back_each_mode_looks(checkout):
    memory = json.loads((checkout.root / paths.MEMORY).read_text())
    assert memory["stateless"]["change"]["memory"] == 0  # of samples of one step
    assert list(memory["warm_up"]["burn_in"]) == ["1", "2"]
    spec = checkout.dvc("plots", "show", str(paths.LAGS), "--show-vega")
    marks = drawn(spec)
    assert len(marks["area mark"]) == len(marks["line mark"]) == 4  # 2 modes, measures
    for text in (
        "stateless",
        "stateful",
        "change of predictions",
        "slope of predictions",
    ):
        assert text in marks["text"]


def test_memory_is_not_measured_where_training_has_read_less(checkout, tmp_path):
    copy = Checkout(tmp_path / "copy")
    shutil.copytree(checkout.root, copy.root, symlinks=True)
    for mode in ("stateless", "stateful"):
        file = copy.root / paths.predictions(mode)
        variants = [one._replace(updates=0) for one in read_predictions(file)]
        file.unlink()  # DVC's own files are not for writing
        write_predictions(file, variants)
    program = (
        "import runpy; from statelab.memory import budget; budget.ALWAYS = 0; "
        "runpy.run_path('stages/memory.py', run_name='__main__')"
    )
    said = copy.run("env", "PYTHONPATH=src", sys.executable, "-c", program)
    assert "memory is not measured: it would read more than the 0 time steps" in said
    assert list(json.loads((copy.root / paths.MEMORY).read_text())) == ["not_measured"]
    copy.statelab("report", "--out", "page.html")
    page = (copy.root / "page.html").read_text()
    assert "Memory is not measured: it would read more" in page
    assert "One input is replaced at a time" not in page


def test_repro_again_runs_nothing(checkout):
    said = checkout.dvc("repro")
    assert "Running stage" not in said
    assert "up to date" in said


BAD = [
    ("window.layout", "diagonal"),
    ("window.window_length", "5"),
    ("train_stateful.epochs", "-1"),
    ("model.units", "0"),
    ("model.unitz", "10"),
    ("model.units", "ten"),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_bad_parameters_give_one_line_and_lose_nothing(checkout, key, value):
    before = checkout.outputs()
    changes = ["-S", f"{'+' if key == 'model.unitz' else ''}{key}={value}"]
    if key == "window.window_length":
        changes += ["-S", "window.layout=subsampled"]
    said = checkout.dvc("exp", "run", *changes, fails=True)
    lines = [line for line in said.splitlines() if line.startswith("params.yaml: ")]
    assert len(lines) == 1 and f"`{key}`" in lines[0]
    assert "Traceback" not in said
    assert checkout.outputs() == before
    checkout.restore()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "score", "curve"),
    [
        ("adding", "rmse", "test_mae"),
        ("temporal_order_6a", "accuracy", "test_accuracy"),
    ],
)
def test_values_and_classes_go_all_the_way_to_mlflow(checkout, task, score, curve):
    changes = {
        "generate.task": task,
        "generate.label": "end",
        "generate.length": 10,
        "window.layout": "full",
        "model.forget_bias": "chrono",
    }
    words = [f"-S{key}={value}" for key, value in changes.items()]
    name = task.replace("_", "-")
    said = checkout.dvc("exp", "run", "--name", name, *words, "evaluate")
    assert "not logged" not in said
    evaluated = evaluation.read(checkout.root)
    for mode, scored in evaluated.modes.items():
        scores = scored.scores
        assert set(scored.baselines["constant"]) == {score, f"train_{score}"}
        (run,) = checkout.mlflow_runs(f"train_{mode}", task.replace("_", "-"))
        assert run.data.metrics[score] == scores[score].mean
        assert f"epoch.{curve}" in run.data.metrics
    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")


def test_editing_code_reruns_what_depends_on_it(checkout):
    numpy = "import numpy as np"
    checkout.edit("src/statelab/samples/windows.py", numpy, f"{numpy}  # arrays")
    assert checkout.changed_stages() == {
        *("window", "train_stateless", "train_stateful"),
        *("baselines", "evaluate", "memory"),
    }
    said = checkout.dvc("repro", "window")
    assert "Running stage 'window'" in said and "Running stage 'generate'" not in said
    # the bytes of its output are the same, and stages that list windows.py wait on
    status = json.loads(checkout.dvc("status", "--json", "evaluate"))
    (changes,) = [each for each in status["evaluate"] if "changed deps" in each]
    assert set(changes["changed deps"]) == {"src/statelab/samples/windows.py"}
    checkout.restore()


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("report/figures", {"evaluate", "memory"}),
        ("evaluation/verdict", {"evaluate"}),
        ("memory/summary", {"memory"}),
        ("config/schema", {"check"}),
        ("tracking/mlflow_store", set()),
        ("pipeline/progress", set()),
    ],
)
def test_editing_what_training_does_not_use_retrains_nothing(checkout, module, stages):
    checkout.edit(f"src/statelab/{module}.py", '"""', '"""Edited. ')
    assert checkout.changed_stages() == stages
    checkout.restore()


def test_experiments_of_the_post_are_run_once_and_read_back(checkout, monkeypatch):
    settings = params.read(checkout.root)
    sections = {name: keys for name, keys in settings.items() if name != "seed"}
    monkeypatch.setattr(post, "EXPERIMENTS", {"post-small": sections})
    rows = (post.Row("small", "post-small", "stateful", 1.0, 29),)
    monkeypatch.setattr(post, "ROWS", rows)
    monkeypatch.chdir(checkout.root)
    for name in ("MLFLOW_TRACKING_URI", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    assert dvc_experiments.missing(post.EXPERIMENTS) == ["post-small"]
    before = checkout.outputs()
    dvc_experiments.run("post-small", sections)
    assert dvc_experiments.missing(post.EXPERIMENTS) == []
    mean = evaluation.read(checkout.root).modes["stateful"].scores["accuracy"].mean
    ((title, _, ours, *_),) = post.table()
    assert title == "small" and ours.startswith(f"{mean:.4f} [")
    assert checkout.outputs() == before  # it ran in a copy of the workspace
    checkout.dvc("exp", "remove", "post-small")
    ((_, _, ours, *_),) = post.table()
    assert ours == "no experiment post-small"


@pytest.mark.slow
def test_going_to_another_layout_and_back_trains_once(checkout):
    there = checkout.dvc("exp", "run", "-S", "window.layout=subsampled", "evaluate")
    assert there.count(TRAINED) == 2
    back = checkout.dvc("exp", "run", "-S", "window.layout=per_timestep", "evaluate")
    assert back.count(TRAINED) == 0
    assert evaluation.read(checkout.root).layout == "per_timestep"
    again = checkout.dvc("exp", "run", "-S", "window.layout=subsampled", "evaluate")
    assert again.count(TRAINED) == 0
    assert evaluation.read(checkout.root).layout == "subsampled"
    checkout.restore()


@pytest.mark.slow
def test_plots_diff_draws_two_layouts_each_under_its_ceiling(checkout):
    checkout.dvc("exp", "run", "-S", "window.layout=subsampled", "evaluate")
    marks = drawn(
        checkout.dvc("plots", "diff", "HEAD", "--targets", CURVES, "--show-vega")
    )
    ceilings = [label for label in marks["rule mark"] if "ceiling" in label]
    assert sorted(ceilings) == [
        "Max of ceiling: 0.625; rev: HEAD",
        "Max of ceiling: 0.666666667; rev: workspace",  # 1/3 + 2/3 · 1/2
        "Max of ceiling: 1; rev: HEAD",
        "Max of ceiling: 1; rev: workspace",
    ]
    assert len(marks["area mark"]) == len(marks["line mark"]) == 4
    checkout.restore()


def test_trainings_side_by_side_have_the_same_bytes(checkout):
    def outputs():
        lock = YAML(typ="safe").load(checkout.root / "dvc.lock")
        outs = lock["stages"]["train_stateless"]["outs"]
        return {out["path"]: out["md5"] for out in outs if "data/" in out["path"]}

    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")
    before = outputs()
    checkout.env["STATELAB_WORKERS"] = "2"
    try:
        said = checkout.dvc("repro", "--force", "--single-item", "train_stateless")
    finally:
        del checkout.env["STATELAB_WORKERS"]
    for variant in ("in use", "again"):
        assert f"train_stateless: {variant}, rate 0.001, split 1: " in said
    assert outputs() == before and len(before) == 2
    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")


@pytest.mark.slow
def test_ctrl_c_stops_a_training_within_a_second(checkout):
    checkout.edit("params.yaml", "epochs: 2", "epochs: 100000")
    with subprocess.Popen(
        ["dvc", "repro", "train_stateless"],
        cwd=checkout.root,
        env=checkout.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches a whole foreground group
    ) as dvc:
        assert dvc.stderr is not None
        for line in dvc.stderr:
            if "epoch 1/" in line:
                break
        (training,) = [
            process
            for process in psutil.Process(dvc.pid).children(recursive=True)
            if TRAINED in process.cmdline() and process.name().startswith("python")
        ]
        os.killpg(dvc.pid, signal.SIGINT)
        training.wait(timeout=1)
    assert dvc.returncode != 0
    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")


# A training of some seconds, in which an epoch has several chunks.
LONG = {
    "generate": {"sequences": 1200, "length": 20},
    "window": {"test_size": 100, "validation_size": 100},
    "model": {"units": 32},
    "train_stateful": {"epochs": 10, "seeds": 4, "shuffle": True, "patience": 9},
}
GOES_ON = "train_stateful: goes on from epoch "


class Long:
    """A long training, by itself or by DVC, and what it writes if nobody kills it."""

    def __init__(self, checkout: Checkout, folder: Path):
        self.checkout, self.folder = checkout, folder
        self.begun: list[psutil.Popen] = []
        self.whole = self.finish("whole")

    def begin(self, *words: str, cwd: Path | None = None, **env: str) -> psutil.Popen:
        process = psutil.Popen(
            words,
            cwd=cwd or self.checkout.root,
            env={**self.checkout.env, **env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.begun.append(process)
        return process

    def begin_stage(self, name: str) -> psutil.Popen:
        """Begin it as DVC would, but for where it writes to."""
        workspace = self.folder / name
        (workspace / paths.DATA).mkdir(parents=True, exist_ok=True)
        for read in ("params.yaml", paths.SEQUENCES, paths.WINDOWS):
            if not (workspace / read).exists():
                (workspace / read).symlink_to(self.checkout.root / read)
        return self.begin(
            *(sys.executable, str(self.checkout.root / "stages/train.py"), "stateful"),
            cwd=workspace,
            PYTHONPATH=str(self.checkout.root / "src"),
            TF_CPP_MIN_LOG_LEVEL="3",
            DVC_ROOT=str(self.checkout.root),
        )

    def finish(self, name: str, goes_on: bool = False) -> list[bytes]:
        process = self.begin_stage(name)
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
        assert (GOES_ON in said) == goes_on
        model = paths.model("stateful")
        files = (model / "weights.npz", model / "model.json")
        files += (paths.predictions("stateful"), paths.history("stateful"))
        return [(self.folder / name / file).read_bytes() for file in files]

    def checkpoint(self) -> int:
        """Return when the checkpoint was written; 0 where there is none."""
        files = (self.checkout.root / ".checkpoints").glob("*.checkpoint")
        return max((file.stat().st_mtime_ns for file in files), default=0)

    def wait_for_checkpoints(self, process: psutil.Popen, count: int) -> None:
        """Wait until a training that goes on has written so many."""
        last = self.checkpoint()
        for _ in range(count):
            while (now := self.checkpoint()) == last:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.002)
            last = now

    def orphan(self, held_up: bool = False) -> psutil.Process:
        """Begin it by DVC, which is killed; return the stage."""
        dvc = self.begin("dvc", "repro", "train_stateful")
        self.wait_for_checkpoints(dvc, 1)
        (stage,) = [
            process
            for process in dvc.children(recursive=True)
            if TRAINED in process.cmdline() and process.name().startswith("python")
        ]
        self.begun.append(stage)
        if held_up:
            stage.suspend()
        dvc.kill()
        dvc.wait()
        assert stage.is_running()
        return stage

    def close(self) -> None:
        for process in self.begun:
            if process.is_running():
                process.kill()
            if isinstance(process, psutil.Popen):
                process.wait()
                process.stderr.close()


@pytest.fixture(scope="module")
def long(checkout, tmp_path_factory) -> Iterator[Long]:
    yaml = YAML()
    params = yaml.load(checkout.root / "params.yaml")
    for section, changes in LONG.items():
        params[section].update(changes)
    yaml.dump(params, checkout.root / "params.yaml")
    checkout.dvc("repro", "window")
    # what the training that Ctrl-C stopped would have gone on from
    shutil.rmtree(checkout.root / ".checkpoints", ignore_errors=True)
    with closing(Long(checkout, tmp_path_factory.mktemp("long"))) as long:
        yield long
    checkout.restore()
    checkout.dvc("checkout", "dvc.yaml")


@pytest.mark.slow
def test_a_killed_stage_goes_on_and_writes_the_same_bytes(long):
    for count in (1, 2):
        process = long.begin_stage("parts")
        long.wait_for_checkpoints(process, count)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not (long.folder / "parts" / "history.csv").exists()
    assert long.finish("parts", goes_on=True) == long.whole
    assert long.checkpoint() == 0  # there is nothing left to go on from


@pytest.mark.slow
def test_an_orphan_ends_and_its_successor_goes_on_to_the_same_bytes(long):
    """DVC is killed twice. The first orphan is alive and well; the second one is held
    up, so that it can be seen that the next stage waits for it."""
    first = long.orphan()
    second = long.orphan(held_up=True)
    assert not first.is_running()
    last = long.begin("dvc", "repro", "train_stateful")
    waits = f"train_stateful: waits for process {second.pid}, "
    assert any(line.startswith(waits) for line in last.stderr)
    root = long.checkout.root
    assert not (root / "metrics/history/stateful.csv").exists()
    second.resume()
    said = last.stderr.read()
    assert last.wait() == 0, said
    assert GOES_ON in said
    assert not second.is_running()
    written = (
        *("data/models/stateful/weights.npz", "data/models/stateful/model.json"),
        *("data/predictions/stateful.npz", "metrics/history/stateful.csv"),
    )
    assert [(root / file).read_bytes() for file in written] == long.whole
    assert long.checkpoint() == 0
    assert "train_stateful" not in long.checkout.changed_stages()


PEAK = """
import atexit, sys

@atexit.register
def tell():
    status = open("/proc/self/status").read()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    with open("peaks.txt", "a") as file:
        print(peak, *sys.argv[:2], file=file)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells the peak")
def test_ten_million_steps_of_a_parquet_file_take_less_than_2_gb(checkout):
    """A panel of 4 features, each stage of it: pytest -s prints their peaks."""
    steps, each, at_once = 10**7, 10**4, 10**6
    rng = np.random.default_rng(0)
    names = [*"abcd", "target"]
    writer = None
    for first in range(0, steps, at_once):
        row = np.arange(first, first + at_once)
        columns = dict(zip(names, rng.normal(size=(5, at_once)), strict=True))
        table = pa.table({"id": row // each, "time": row % each, **columns})
        writer = writer or pq.ParquetWriter(checkout.root / "big.parquet", table.schema)
        writer.write_table(table)
    writer.close()
    (checkout.root / "peak").mkdir()
    (checkout.root / "peak" / "sitecustomize.py").write_text(PEAK)
    checkout.edit("dvc.yaml", "PYTHONPATH=src", "PYTHONPATH=src:peak")
    quick = {"epochs": 1, "batch_size": 256, "seeds": 8, "again": False}
    quick |= {"learning_rates": "null"}
    changes = {
        "generate.source": "parquet",
        "generate.path": "big.parquet",
        "window.test_size": 0.2,
        "window.segment_length": 100,
        "model.cell": "simple_rnn",
        "model.units": 1,
        **{f"train_stateless.{key}": value for key, value in quick.items()},
        **{f"train_stateful.{key}": value for key, value in quick.items()},
    }
    words = [f"-S{key}={value}" for key, value in changes.items()]
    said = checkout.dvc("exp", "run", *words, timeout=900)
    assert "not logged" not in said
    told = (checkout.root / "peaks.txt").read_text().splitlines()
    peaks = [(int(peak), *words) for peak, *words in map(str.split, told)]
    for peak, *command in peaks:
        print(f"{peak / 1e9:.2f} GB", *command)
    assert len(peaks) == 8 + 1  # eight stages, and a log
    assert max(peaks)[0] < 2e9
    shutil.rmtree(checkout.root / "peak")
    for name in ("big.parquet", "peaks.txt"):
        (checkout.root / name).unlink()
    checkout.restore()


# --- last, as params.yaml is another until the end ---


def write_panel(file: Path) -> list[str]:
    """Write 16 sequences of 5 to 8 steps, their class told by the first step; return
    the lines."""
    rng = np.random.default_rng(0)
    lines = ["id,time,target,level,noise"]
    for number in range(16):
        first = (-1) ** number
        for step in range(5 + number % 4):
            level = 100 + 20 * first if step == 0 else 100
            noise = rng.normal(3, 0.5)
            target = "up" if first > 0 else "down"
            lines.append(f"s{number},{10 * step},{target},{level},{noise:.3f}")
    file.write_text("\n".join(lines) + "\n")
    return lines


@pytest.fixture(scope="module")
def own(checkout) -> Iterator[Checkout]:
    """The checkout, once a file of the user's has gone through it."""
    lines = write_panel(checkout.root / "panel.csv")
    said = checkout.dvc(
        *("exp", "run", "--name", "own"),
        *("-S", "generate.source=csv", "-S", "generate.path=panel.csv"),
        *("-S", "window.test_size=0.25", "-S", "window.validation_size=0"),
        *("-S", "window.segment_length=1", "evaluate"),
    )
    assert said.count(TRAINED) == 2 and "not logged" not in said
    assert len(lines) == 1 + 4 * (5 + 6 + 7 + 8)
    yield checkout
    (checkout.root / "panel.csv").unlink()
    checkout.restore()


def test_a_file_of_ones_own_goes_all_the_way_to_mlflow(own):
    for mode, scored in evaluation.read(own.root).modes.items():
        accuracy = scored.scores["accuracy"]
        assert accuracy.n == 2
        assert 0.4 < scored.baselines["constant"]["accuracy"] < 0.6
        (run,) = own.mlflow_runs(f"train_{mode}", "own")
        assert run.inputs.dataset_inputs[0].dataset.name == "panel.csv"
        assert run.data.metrics["accuracy"] == accuracy.mean
    scaling = json.loads((own.root / "data/models/stateful/model.json").read_text())
    low, high = scaling["scaling"]["mean"]
    assert low == pytest.approx(100, abs=5) and high == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("mode", ["stateless", "stateful"])
def test_predict_answers_a_file_as_the_stage_did(own, mode, monkeypatch):
    """With a column of targets or without, whatever the order of its rows."""
    lines = (own.root / "panel.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines]
    header, *rows = [",".join([*row[:2], *row[3:]]) for row in cells]
    (own.root / "new.csv").write_text("\n".join([header, *rows[::-1]]) + "\n")
    monkeypatch.chdir(own.root)
    words = ("predict", "new.csv", "--mode", mode, "--batch-size", "3")
    ended = CliRunner().invoke(main.app, [*words, "--out", "answers.parquet"])
    assert ended.exit_code == 0
    table = pd.read_parquet(own.root / "answers.parquet")
    file = own.root / "data/predictions" / f"{mode}.npz"
    expected = predictions_in_use(file).predictions[0]
    # sequences are in the order in which they first appear: the last comes first
    ids = [row[0] for row in cells[1:]]
    last_first = [n for s in range(15, -1, -1) for n in range(104) if ids[n] == f"s{s}"]
    assert table["id"].tolist() == [ids[n] for n in last_first]
    assert table["time"].tolist() == [cells[1 + n][1] for n in last_first]
    np.testing.assert_allclose(table["probability_up"], expected[last_first], atol=1e-6)
    said = np.where(expected[last_first] > 0.5, "up", "down")
    assert table["prediction"].tolist() == said.tolist()
    for name in ("new.csv", "answers.parquet"):
        (own.root / name).unlink()


def test_export_writes_a_card_of_what_the_network_was_trained_with(own, monkeypatch):
    """Whatever params.yaml says by now."""
    own.edit("params.yaml", "layout: per_timestep", "layout: full")
    monkeypatch.chdir(own.root)
    words = ("export", "stateful", "out", "--network", "1")
    assert CliRunner().invoke(main.app, words).exit_code == 0
    own.edit("params.yaml", "layout: full", "layout: per_timestep")
    card = (own.root / "out" / "stateful-card.md").read_text()
    shutil.rmtree(own.root / "out")
    for fact in (
        "- **Source**: the file `panel.csv`.",
        "- **Sequences**: 12 train, 4 test; 5 to 8 steps in each of train, 104 in",
        "- **Features**: `level`, `noise`.",
        "- **Classes**: `down`, `up`.",
        "- **Layout**: `per_timestep`: a sample is a segment of 1 step.",
        "- **Seed**: 1; this is network 1 of 2",
    ):
        assert fact in card
    scores = pd.read_csv(own.root / "metrics/evaluate/scores.csv")
    (mine,) = scores.query("mode == 'stateful' and seed == 1").accuracy
    assert f"\n| accuracy | {mine:.4f} |" in card


@pytest.mark.slow
def test_a_byte_of_the_file_reruns_the_pipeline_and_touching_it_does_not(own):
    file = own.root / "panel.csv"
    file.touch()
    assert own.changed_stages() == {"memory"}
    assert "Running stage" not in own.dvc("repro", "evaluate")
    before = file.read_text()
    file.write_text(before.replace("120,2.", "121,2.", 1))
    assert "generate" in own.changed_stages()
    said = own.dvc("repro", "evaluate")
    assert "Running stage 'generate'" in said and said.count(TRAINED) == 2
    file.write_text(before)
    assert (
        own.dvc("repro", "evaluate").count(TRAINED) == 0
    )  # the results are in the cache


def test_inspect_writes_what_it_finds_and_keeps_comments(own):
    before = (own.root / "params.yaml").read_text()
    said = own.statelab("inspect", "panel.csv", "--target", "target", "--write")
    assert "| columns.sequence | id " in said
    after = (own.root / "params.yaml").read_text()
    assert re.findall("#.*", after) == re.findall("#.*", before)
    read = YAML(typ="safe").load(after)["generate"]
    assert read["columns"]["time"] == "time" and read["horizon"] == 0
    (own.root / "params.yaml").write_text(before)


@pytest.mark.slow
def test_try_trains_on_a_file_and_prints_the_verdict_once(own):
    before = (own.root / "params.yaml").read_text()
    said = own.statelab("try", "panel.csv")
    assert said.count("with carried state") >= 1 and "To track the changes" not in said
    assert said.count("Scores: ") == 1
    again = own.statelab("try", "panel.csv")
    assert again.count("Scores: ") == 1 and "Running stage" not in again
    (own.root / "params.yaml").write_text(before)
    own.dvc("repro", "evaluate")


def test_a_file_that_is_broken_costs_one_line_and_no_model(own):
    file = own.root / "panel.csv"
    before, models = file.read_text(), own.outputs()
    file.write_text(before.replace(",100,", ",high,", 1))
    said = own.dvc("repro", fails=True)
    (line,) = [line for line in said.splitlines() if line.startswith("panel.csv")]
    assert line == (
        "panel.csv, row 3, column `level`: must be a number. Received: 'high'"
    )
    assert "Traceback" not in said
    after = own.outputs()
    lost = {name for name in models if after.get(name) != models[name]}
    assert all(name.startswith("data/sequences") for name in lost)
    file.write_text(before)
    own.dvc("repro", "evaluate")
    assert own.outputs() == models
