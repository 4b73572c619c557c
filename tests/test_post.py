import json
import subprocess

import pytest
from test_schema import PARAMS
from typer.testing import CliRunner

from statelab import beyond, cli, experiments, post, schema


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
    score = {"mean": 0.98765, "low": 0.98, "high": 0.99}
    evaluated = {
        "stateless": {
            "accuracy": score,
            "final_accuracy": {"mean": 0.75},
            "ceiling": {"accuracy": 1.0},
        },
    }
    files = {
        "evaluate.json": evaluated,
        "timing/stateless.json": {"seconds_per_epoch": 0.456},
    }
    for name, content in files.items():
        file = tmp_path / "metrics" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(json.dumps(content))
    git("add", "metrics")
    head = git("rev-parse", "HEAD")
    commit = git("commit-tree", git("write-tree"), "-p", head, "-m", "experiment")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/post-full", commit)
    return tmp_path


def test_table_reads_its_figures_from_the_experiment(repository):
    (full,) = [line for line in post.table() if line[0] == "full sequences, stateless"]
    ours = "0.9877 [0.9800, 0.9900]"
    assert full[1:] == ("–", ours, "1.0000", "0.7500", "–", "0.46")


def test_table_says_which_experiment_is_missing(repository):
    line = post.table()[0]
    assert line[2] == "no experiment post-windows"
    assert line[1] == "0.5455"  # what the post says is known all the same
    assert "post-full" not in experiments.missing(post.EXPERIMENTS)
    assert len(experiments.missing(post.EXPERIMENTS)) == len(post.EXPERIMENTS) - 1


def test_table_of_another_commit_has_no_experiments(repository):
    git("commit", "-q", "--allow-empty", "-m", "Go on")
    assert set(experiments.missing(post.EXPERIMENTS)) == set(post.EXPERIMENTS)


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


def test_command_prints_the_table_without_running_anything(repository):
    shown = CliRunner().invoke(cli.app, ["post", "--no-run"])
    assert shown.exit_code == 0
    assert "| full sequences, stateless" in shown.output
    assert "no experiment post-windows-naive-1" in shown.output
