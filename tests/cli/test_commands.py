import keras
import numpy as np
import pytest
from checkouts import REPOSITORY
from ruamel.yaml import YAML
from typer.testing import CliRunner

from statelab.cli import main
from statelab.errors import UserError
from statelab.networks import keras_models, saving
from statelab.networks.architecture import Architecture

SMALL = Architecture("gru", "binary", layers=1, units=3, features=2, outputs=1)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = keras_models.initial_weights(range(2), SMALL)
    saving.write(tmp_path / "data" / "models" / "stateful", weights, SMALL)


def test_export_writes_two_models_that_answer_alike(trained):
    arguments = ["export", "stateful", "out", "--network", "1", "--batch-size", "2"]
    ended = CliRunner().invoke(main.app, arguments)
    assert ended.exit_code == 0
    assert ended.stderr == (
        "no card: dvc.lock: must have the stage `train_stateful`. Run `dvc repro`\n"
    )
    files = ended.stdout.split()
    assert files == ["out/stateful-stateless.keras", "out/stateful-stateful.keras"]
    stateless, stateful = map(keras.models.load_model, files)
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype(np.float32)
    stateful(x[:, :3])
    np.testing.assert_allclose(stateful(x[:, 3:]), stateless(x), atol=1e-6)


def test_export_of_a_model_that_is_not_there_says_how_to_make_it(trained):
    ended = CliRunner().invoke(main.app, ["export", "stateless"])
    assert isinstance(ended.exception, UserError)
    assert "data/models/stateless: holds no model" in str(ended.exception)


def test_plan_tells_what_params_yaml_means_and_draws_it(tmp_path, monkeypatch):
    text = (REPOSITORY / "params.yaml").read_text()
    text = text.replace("batch_size: auto  # 1", "batch_size: 3  # 1")
    (tmp_path / "params.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main.app, ["plan", "--lanes", "2", "--batches", "24"])
    assert ended.exit_code == 0
    lines = ended.output.splitlines()
    (updates,) = [line for line in lines if line.startswith("| updates")]
    # 20,000 samples in three lanes; 334 of 1,000 sequences of 20 in the fullest lane
    assert "6,667" in updates and "6,680" in updates
    assert lines[-2:] == ["A" + 19 * "a" + "Dddd", "B" + 19 * "b" + "Eeee"]


def test_plan_refuses_params_that_are_not_sound(tmp_path, monkeypatch):
    text = (REPOSITORY / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("units: 10", "units: 0"))
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main.app, ["plan"])
    assert "`model.units` should be greater" in str(ended.exception)


def test_plan_of_a_file_counts_its_sequences_and_says_what_is_too_short(
    tmp_path, monkeypatch
):
    params = YAML().load(REPOSITORY / "params.yaml")
    params["generate"] |= {"source": "csv", "path": "own.csv"}
    params["window"] |= {"layout": "subsampled", "window_length": 3, "test_size": 1}
    YAML().dump(params, tmp_path / "params.yaml")
    rows = [
        f"s{k},{t},{k % 2},{t * 0.5 + k}"
        for k, steps in enumerate([5, 2, 4, 6])
        for t in range(steps)
    ]
    (tmp_path / "own.csv").write_text("\n".join(["id,time,target,x", *rows]))
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main.app, ["plan", "--no-estimate"])
    assert ended.exit_code == 0
    assert "have no sample: 1 of 4" in ended.stderr
    understood = "4 sequences of 17 steps together; 1 feature: x; targets: 2 classes, "
    assert f"{understood}0 to 1" in ended.stderr
    (steps,) = [line for line in ended.stdout.splitlines() if "steps of a" in line]
    assert steps.split()[-4:] == ["3", "|", "3", "|"]
    assert "takes" not in ended.stdout


def test_plan_of_a_file_counts_each_stage(tmp_path, monkeypatch):
    params = YAML().load(REPOSITORY / "params.yaml")
    params["generate"] |= {"source": "csv", "path": "own.csv", "horizon": 1}
    params["generate"]["columns"] |= {"sequence": None, "target": "x"}
    YAML().dump(params, tmp_path / "params.yaml")
    noise = np.random.default_rng(0).normal(size=200)
    rows = [f"{t},{value}" for t, value in enumerate(noise)]
    (tmp_path / "own.csv").write_text("\n".join(["time,x", *rows]))
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main.app, ["plan"])
    assert ended.exit_code == 0
    cells = [
        line.split("|")[1:3] for line in ended.stdout.splitlines() if " s |" in line
    ]
    stages = [name.strip() for name, _ in cells]
    assert stages == ["train_stateless", "train_stateful", "baselines", "memory", "all"]
    seconds = [int(said.strip().removesuffix(" s")) for _, said in cells]
    assert abs(sum(seconds[:-1]) - seconds[-1]) <= 2  # each is rounded
