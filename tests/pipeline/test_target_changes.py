"""A random walk that is forecast by its differences, through the whole pipeline."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checkouts import TRAINED, Checkout
from typer.testing import CliRunner

from statelab.cli import main
from statelab.data.sequences import Sequences
from statelab.evaluation import evaluation
from statelab.io import arrays
from statelab.io.predictions import predictions_chosen
from statelab.pipeline import paths
from statelab.report import page
from statelab.samples.windows import Windows, locate_predictions, rewindow

MODES = ("stateless", "stateful")
HORIZON = 2


@pytest.fixture(scope="module")
def walks(checkout) -> Iterator[Checkout]:
    """The checkout, once twelve random walks about 500 have gone through it."""
    rng = np.random.default_rng(4)
    steps = np.arange(40)
    tables = [
        pd.DataFrame(
            {
                "id": f"s{number}",
                "time": steps,
                "noise": rng.normal(size=40).round(3),
                "target": (500 + 9 * number + rng.normal(size=40).cumsum()).round(3),
            }
        )
        for number in range(12)
    ]
    pd.concat(tables).to_csv(checkout.root / "walks.csv", index=False)
    changes = {
        "generate.source": "csv",
        "generate.path": "walks.csv",
        "generate.horizon": HORIZON,
        "window.target": "difference",
        "window.segment_length": 4,
        "window.test_size": 0.25,
        "window.validation_size": 0.25,
        "model.units": 3,
        "train_stateless.epochs": 60,
        "train_stateful.epochs": 60,
        "train_stateless.learning_rates": "null",
        "train_stateful.learning_rates": "null",
    }
    words = [f"-S{key}={value}" for key, value in changes.items()]
    said = checkout.dvc("exp", "run", "--name", "walks", *words)
    assert said.count(TRAINED) == 2 and "not logged" not in said
    yield checkout
    (checkout.root / "walks.csv").unlink()
    checkout.restore()


def test_networks_that_model_differences_are_near_persistence(walks):
    evaluated = evaluation.read(walks.root)
    for mode in MODES:
        scored = evaluated.modes[mode]
        persistence = scored.baselines["persistence"]["rmse"]
        # of two steps of deviation 1 each
        assert 1.1 < persistence < 1.8 < 20 < scored.baselines["constant"]["rmse"]
        assert scored.scores["rmse"].mean == pytest.approx(persistence, rel=0.1)
        history = pd.read_csv(walks.root / paths.history(mode))
        last = history.groupby("seed").last()
        assert last["loss"].mean() == pytest.approx(2, rel=0.4)
        rmse = np.sqrt(last["validation_loss"])
        assert rmse.mean() == pytest.approx(persistence, rel=0.2)


def test_predictions_and_effects_are_in_the_units_of_the_file(walks):
    data = arrays.read(walks.root / paths.SEQUENCES, Sequences)
    windows = arrays.read(walks.root / paths.WINDOWS, Windows)
    for mode in MODES:
        written = predictions_chosen(walks.root / paths.predictions(mode))
        own = rewindow(windows, **written.layout)
        step = locate_predictions(own, np.arange(own.answers[-1])).step
        assert abs(written.predictions - data.values[step, 1]).max() < 5
    memory = json.loads((walks.root / paths.MEMORY).read_text())
    for mode in MODES:
        assert memory[mode]["change"]["largest"] < 1
    scored = memory["warm_up"]
    assert 1.1 < scored["zero_state"]["mean"] < 2 and scored["score"] == "rmse"


def test_the_scaling_is_of_changes(walks):
    model = json.loads((walks.root / "data/models/stateful/model.json").read_text())
    noise, change = model["scaling"]["scale"]
    assert noise == pytest.approx(1, rel=0.2) and change == pytest.approx(1, rel=0.2)
    assert abs(model["scaling"]["mean"][1]) < 0.2
    assert model["scaling"]["target_scale"] == [pytest.approx(np.sqrt(2), rel=0.2)]


@pytest.mark.parametrize("mode", MODES)
def test_predict_gives_a_file_the_values_that_the_stage_gave(walks, mode, monkeypatch):
    monkeypatch.chdir(walks.root)
    words = ("predict", "walks.csv", "--mode", mode, "--out", "answers.parquet")
    assert CliRunner().invoke(main.app, words).exit_code == 0
    table = pd.read_parquet("answers.parquet")
    (walks.root / "answers.parquet").unlink()
    expected = predictions_chosen(paths.predictions(mode)).predictions[0]
    with_target = table["time"].astype(int) < 40 - HORIZON  # the others are left out
    np.testing.assert_allclose(table["prediction"][with_target], expected, rtol=1e-6)
    assert table["prediction"].between(480, 640).all()


def test_intervals_of_predictions_hold_what_those_of_the_stage_hold(walks, monkeypatch):
    """The errors of walks do not grow: of 80 % about as many are inside."""
    monkeypatch.chdir(walks.root)
    measured = evaluation.read(walks.root).intervals
    for mode in MODES:
        assert measured[mode].held == pytest.approx(0.8, abs=0.08)
        radius = 1.2816 * np.sqrt(2)  # of a normal distribution of two steps
        assert measured[mode].radius == pytest.approx(radius, rel=0.25)
        words = ("predict", "walks.csv", "--mode", mode, "--coverage", "0.8")
        assert CliRunner().invoke(main.app, (*words, "--out", "a.csv")).exit_code == 0
        table = pd.read_csv("a.csv")
        Path("a.csv").unlink()
        later = pd.read_csv("walks.csv").groupby("id")["target"].shift(-HORIZON)
        inside = later.between(table["lower"], table["upper"])[later.notna()]
        assert inside.mean() == pytest.approx(0.8, abs=0.08)
        middle = (table["lower"] + table["upper"]) / 2
        np.testing.assert_allclose(middle, table["prediction"], rtol=1e-5)


def test_card_and_example_say_what_the_network_takes(walks, monkeypatch):
    monkeypatch.chdir(walks.root)
    assert CliRunner().invoke(main.app, ("export", "stateful", "out")).exit_code == 0
    card = (walks.root / "out/stateful-card.md").read_text()
    for file in (walks.root / "out").iterdir():
        file.unlink()
    (walks.root / "out").rmdir()
    assert "It predicts a change of a value, as below, at each time step." in card
    assert (
        "- **Changes**: it takes `target` minus that of 1 step before, 0 where a "
        "sequence has none, and predicts a change: add it to the value of the step "
        "itself. `statelab predict` does both, and scores are of values."
    ) in card


def test_the_report_draws_values(walks, monkeypatch):
    monkeypatch.chdir(walks.root)
    assert page.write(walks.root / "report.html") == []
    text = (walks.root / "report.html").read_text()
    (walks.root / "report.html").unlink()
    assert "modelled as differences" in text
    assert text.count("Prediction intervals of the first state") == 2
    assert "even if\nerrors grow" in text


@pytest.mark.slow
def test_a_workspace_of_changes_is_sound(walks):
    said = walks.statelab("diagnose", "--json").splitlines()
    findings = [json.loads(line) for line in said if line.startswith("{")]
    assert [one["name"] for one in findings if one["passed"] is False] == []
    assert findings
