import json

import pytest
from checkouts import REPOSITORY
from evaluations import as_json, evaluation, mode_scores, over_seeds
from filed_experiments import CARRIED, RESET, file_experiment, git
from project_params import PARAMS
from typer.testing import CliRunner

from statelab.cli import main
from statelab.config import schema
from statelab.pipeline import dvc_experiments, paths
from statelab.studies import beyond, post


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
    "sections", [*post.EXPERIMENTS.values(), *beyond.EXPERIMENTS.values()]
)
def test_every_experiment_says_all_of_params_yaml_itself(sections):
    """So that no row changes its meaning with an edit of params.yaml."""
    schema.check({"seed": 0, **sections})
    assert set(sections) | {"seed"} == set(PARAMS)
    for name, keys in sections.items():
        assert set(keys) == set(PARAMS[name])


def test_beyond_tells_accuracy_from_squared_error_and_says_what_is_missing():
    description = {"task": "adding", "length": 9, "label": "each_step", "segment": None}
    known = {"baseline": 1 / 6, "stateless": RESET, "stateful": CARRIED}
    one, two, three = beyond.table(
        [
            {**description, **known, "score": "squared error"},
            {**description, **known, "score": "accuracy"},
            description,
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
        modes = [
            mode_scores({key: over_seeds(**score, n=9)}, constant=baseline)
            for score in (RESET, CARRIED)
        ]
        file_experiment(name, {paths.EVALUATION: as_json(evaluation(*modes))})
    by_name = {
        row.experiment: scored
        for row, scored in zip(beyond.ROWS, beyond.scores(), strict=True)
    }
    assert [name for name in by_name if "baseline" in by_name[name]] == names[::-1]
    for name, score in zip(names, ("squared error", "accuracy"), strict=True):
        assert by_name[name]["score"] == score
        assert by_name[name]["stateless"] == RESET
        assert by_name[name]["stateful"] == CARRIED
        assert by_name[name]["baseline"] == 0.25


def test_docs_show_what_beyond_wrote():
    document = json.loads((REPOSITORY / "metrics" / "beyond.json").read_text())
    assert document["seeds"] == beyond.SEEDS
    page = (REPOSITORY / "docs/post.md").read_text()
    shown = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in page.splitlines()
        if line.startswith("| ")
    ]
    for line in beyond.table(document["rows"]):
        assert line in shown


def test_command_prints_the_table_without_running_anything(repository):
    shown = CliRunner().invoke(main.app, ["post", "--no-run"])
    assert shown.exit_code == 0
    assert "| full sequences, stateless" in shown.output
    assert "no experiment post-windows-naive-1" in shown.output
