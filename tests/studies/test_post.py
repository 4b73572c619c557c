import json
import subprocess
from pathlib import Path

import pytest
from checkouts import REPOSITORY
from test_schema import PARAMS
from typer.testing import CliRunner

from statelab.cli import main
from statelab.config import schema
from statelab.pipeline import dvc_experiments
from statelab.studies import beyond, post


def git(*words: str, given: str = "") -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the one experiment `post-full` on its only commit."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Begin")
    scored = {
        "accuracy": {"mean": 0.98765, "low": 0.98, "high": 0.99},
        "final_accuracy": {"mean": 0.75},
        "ceiling": {"accuracy": 1.0},
    }
    files = {
        "evaluate.json": {"stateless": scored},
        "timing/stateless.json": {"seconds_per_epoch": 0.456},
    }
    file_experiment("post-full", files)
    return tmp_path


def file_experiment(name: str, files: dict) -> None:
    """File an experiment where DVC does, in the repository of this folder."""
    for path, content in files.items():
        file = Path("metrics", path)
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(json.dumps(content))
    git("add", "metrics")
    head = git("rev-parse", "HEAD")
    commit = git("commit-tree", git("write-tree"), "-p", head, "-m", "experiment")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", commit)


def test_table_reads_its_figures_from_the_experiment(repository):
    (full,) = [line for line in post.table() if line[0] == "full sequences, stateless"]
    ours = "0.9877 [0.9800, 0.9900]"
    assert full[1:] == ("–", ours, "1.0000", "0.7500", "–", "0.46")


def test_table_says_which_experiment_is_missing(repository):
    line = post.table()[0]
    assert line[2] == "no experiment post-windows"
    assert line[1] == "0.5455"  # what the post says is known all the same
    assert "post-full" not in dvc_experiments.missing(post.EXPERIMENTS)
    assert len(dvc_experiments.missing(post.EXPERIMENTS)) == len(post.EXPERIMENTS) - 1


def test_table_of_another_commit_has_no_experiments(repository):
    git("commit", "-q", "--allow-empty", "-m", "Go on")
    assert set(dvc_experiments.missing(post.EXPERIMENTS)) == set(post.EXPERIMENTS)


def test_every_row_names_an_experiment_that_is_there():
    assert {row.experiment for row in post.ROWS} == set(post.EXPERIMENTS)


@pytest.mark.parametrize(
    "sections", [*post.EXPERIMENTS.values(), *map(beyond.sections, beyond.ROWS)]
)
def test_every_experiment_says_all_of_params_yaml_itself(sections):
    """So that no row changes its meaning with an edit of params.yaml."""
    schema.check({"seed": 0, **sections})
    assert set(sections) | {"seed"} == set(PARAMS)
    for name, keys in sections.items():
        assert set(keys) == set(PARAMS[name])


RESET = {"mean": 0.25, "low": 0.125, "high": 0.5}
CARRIED = {"mean": 0.75, "low": 0.625, "high": 0.875}


def test_beyond_tells_accuracy_from_squared_error_and_says_what_is_missing():
    told = {"task": "adding", "length": 9, "label": "each_step", "segment": None}
    known = {"baseline": 1 / 6, "stateless": RESET, "stateful": CARRIED}
    one, two, three = beyond.table(
        [
            {**told, **known, "score": "squared error"},
            {**told, **known, "score": "accuracy"},
            told,
        ]
    )
    assert one[:4] == two[:4] == three[:4] == ("adding", "9", "each step", "all")
    carried = "0.7500 [0.6250, 0.8750]"
    assert one[4:] == ("0.2500 [0.1250, 0.5000]", carried, "0.1667")
    assert two[4:] == ("0.250 [0.125, 0.500]", "0.750 [0.625, 0.875]", "0.167")
    assert three[4:] == ("no experiment", "", "")


def test_beyond_reads_its_scores_from_the_experiments(repository):
    names = ["beyond-adding-100-end-all", "beyond-noisy-first-20-each-step-1"]
    baselines = [
        {"rmse": 0.5, "final_rmse": 3.0},
        {"accuracy": 0.4, "final_accuracy": 0.25},
    ]
    for name, key, baseline in zip(
        names, ("loss", "final_accuracy"), baselines, strict=True
    ):
        evaluated = {
            mode: {"loss": {}, key: {**score, "std": 1, "n": 9}, "baseline": baseline}
            for mode, score in (("stateless", RESET), ("stateful", CARRIED))
        }
        file_experiment(name, {"evaluate.json": evaluated})
    found = {
        row.experiment: scored
        for row, scored in zip(beyond.ROWS, beyond.scores(), strict=True)
    }
    assert [name for name in found if "baseline" in found[name]] == names[::-1]
    for name, score in zip(names, ("squared error", "accuracy"), strict=True):
        assert found[name]["score"] == score
        assert found[name]["stateless"] == RESET
        assert found[name]["stateful"] == CARRIED
        assert found[name]["baseline"] == 0.25


def test_readme_shows_what_beyond_wrote():
    document = json.loads((REPOSITORY / "metrics" / "beyond.json").read_text())
    assert document["seeds"] == beyond.SEEDS
    readme = (REPOSITORY / "README.md").read_text()
    shown = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in readme.splitlines()
        if line.startswith("| ")
    ]
    for line in beyond.table(document["rows"]):
        assert line in shown


def test_command_prints_the_table_without_running_anything(repository):
    shown = CliRunner().invoke(main.app, ["post", "--no-run"])
    assert shown.exit_code == 0
    assert "| full sequences, stateless" in shown.output
    assert "no experiment post-windows-naive-1" in shown.output
