"""`statelab lookback` on real DVC, and searches of planted lookbacks."""

import json
import os
import subprocess
import sys
import time

import checkouts
import pandas as pd
import pytest
from checkouts import REPOSITORY
from ruamel.yaml import YAML

from statelab.evaluation import evaluation
from statelab.pipeline import paths

SEARCHED = "stages/lookback.py"  # in DVC's output, where it searches
SMALL = {"trials": 4, "group": 2, "updates": 60, "seeds": 2, "validation_size": 6}
TIMES = ["seconds_compile", "seconds_train", "seconds_score", "seconds_other", "worker"]


def change(root, file, **sections):
    yaml = YAML()
    read = yaml.load(root / file)
    for section, keys in sections.items():
        read[section].update(keys)
    yaml.dump(read, root / file)


@pytest.fixture(scope="module")
def searched(trained, tmp_path_factory):
    """A repository with a small task, and the search that has been run there."""
    checkout = checkouts.copy(trained, tmp_path_factory.mktemp("searched"))
    change(checkout.root, "search/params.yaml", search=SMALL)
    said = checkout.statelab("lookback", "--workers", "2")
    assert SEARCHED in said
    return checkout, said


def result_of(root):
    return json.loads((root / paths.LOOKBACK).read_text())


@pytest.mark.slow
def test_the_command_prints_a_table_sentences_and_a_line(searched):
    checkout, said = searched
    result = result_of(checkout.root)
    assert result["smallest"] == result["best"] == 4  # of first_step of 4
    assert result["high"] == 4
    assert result["trials"] == len(trials_of(checkout.root)) == 5  # one carries state
    assert result["text"] in said
    assert "| steps of a window" in said
    line = next(line for line in said.splitlines() if line.startswith("dvc exp run -S"))
    assert "-S window.window_length=4" in line
    assert (checkout.root / "metrics/lookback/curve.svg").stat().st_size > 1000


@pytest.mark.slow
def test_what_has_been_found_is_not_searched_again(searched):
    checkout, _ = searched
    assert SEARCHED not in checkout.statelab("lookback", "--workers", "1")
    assert SEARCHED not in checkout.dvc("repro")  # at the top, nor is it run
    assert not list((checkout.root / ".checkpoints").glob("*.trials"))


@pytest.mark.slow
def test_a_mistake_costs_a_line_and_nothing_else(searched):
    checkout, _ = searched
    before = result_of(checkout.root)
    checkout.edit("search/params.yaml", "low: 1 ", "low: 0 ")
    said = checkout.statelab("lookback", fails=True)
    assert said.startswith("search/params.yaml: `search.low` should be greater than")
    assert len(said.splitlines()) == 1
    checkout.edit("search/params.yaml", "low: 0 ", "low: 5 ")
    said = checkout.dvc("repro", "search/dvc.yaml", fails=True)
    assert "search/params.yaml: `search.low` must not be above 4" in said
    checkout.edit("search/params.yaml", "low: 5 ", "low: 1 ")
    assert result_of(checkout.root) == before


@pytest.mark.slow
def test_the_window_is_adopted(searched):
    """Windows of 4 of first_step of 4: a stateless network sees whole sequences."""
    checkout, _ = searched
    said = checkout.statelab("lookback", "--adopt")
    assert said.count(checkouts.TRAINED) == 2
    read = YAML().load(checkout.root / "params.yaml")
    assert read["window"]["window_length"] == 4
    assert read["model"]["forget_bias"] == "chrono_4"
    assert evaluation.read(checkout.root).layout == "subsampled"
    assert SEARCHED not in checkout.statelab("lookback")  # it would find the same
    checkout.restore()


# --- searches of planted lookbacks, by the stages alone -------------------------------


def workspace(folder, *, search=None, **sections):
    """A folder in which the stages run without DVC."""
    for name in ("stages", "search", "src"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / "search").unlink()
    (folder / "search").mkdir()
    for file in ("params.yaml", "search/params.yaml"):
        (folder / file).write_text((REPOSITORY / file).read_text())
    change(folder, "params.yaml", **sections)
    change(folder, "search/params.yaml", search=search or {})
    with stage(folder, "generate") as generated:
        succeeded(generated)
    return folder


def stage(folder, name):
    return subprocess.Popen(
        [sys.executable, f"stages/{name}.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def succeeded(process):
    said = process.communicate()[1]
    assert process.returncode == 0, said


def look(folder):
    return stage(folder, "lookback")


def search_in(folder):
    with look(folder) as search:
        succeeded(search)
    result = result_of(folder)
    assert result["trials"] == len(trials_of(folder))
    return result


def trials_of(folder):
    return pd.DataFrame(json.loads((folder / paths.TRIALS).read_text())["trials"])


@pytest.mark.slow
def test_the_first_of_20_steps_takes_windows_of_20(tmp_path):
    result = search_in(workspace(tmp_path))
    assert result["smallest"] == result["best"] == 20
    assert result["stateful_score"] == 1
    assert result["trials"] < result["grid_size"] == 20
    assert set(trials_of(tmp_path)["window_length"]) != set(range(1, 21))


LAGS = [2, 4, 7, 11, 23, 33, 40, 51, 58, 64]


@pytest.mark.slow
@pytest.mark.parametrize(
    "lag", [pytest.param(n, marks=[pytest.mark.sweep] * (n != 23)) for n in LAGS]
)
def test_a_planted_lag_is_found_with_a_third_of_the_grid(tmp_path, lag):
    task = {"task": "lagged_copy", "length": 80, "lag": lag}
    result = search_in(workspace(tmp_path, generate=task))
    assert result["smallest"] == lag + 1
    assert result["grid_size"] == 80 and result["trials"] <= 80 / 3


@pytest.mark.slow
def test_a_search_that_was_killed_ends_as_one_that_was_not(tmp_path):
    task = {"task": "lagged_copy", "sequences": 60, "length": 16, "lag": 5}
    tables = []
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        folder = workspace(
            tmp_path / name,
            generate=task,
            window={"test_size": 10},
            search={**SMALL, "trials": 8, "updates": 400, "validation_size": 12},
        )
        if name == "killed":
            with look(folder) as search:
                deadline = time.monotonic() + 300
                while len(list(folder.glob(".checkpoints/*.trials/*.json"))) < 3:
                    assert search.poll() is None and time.monotonic() < deadline
                    time.sleep(0.05)
                search.kill()
            assert not (folder / paths.LOOKBACK).exists()
            kept = len(list(folder.glob(".checkpoints/*.trials/*.json")))
        search_in(folder)
        assert not list(folder.glob(".checkpoints/*.trials"))
        tables.append(trials_of(folder))
    whole, killed = (table.drop(columns=TIMES) for table in tables)
    pd.testing.assert_frame_equal(whole, killed)
    assert 3 <= kept < len(whole)
