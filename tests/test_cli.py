import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from statelab import cli, models
from statelab.errors import UserError

SMALL = {"cell": "gru", "units": 3, "layers": 1, "features": 2}


@pytest.fixture
def trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = models.initial_weights(range(2), **SMALL)
    models.write(tmp_path / "data" / "models" / "stateful", weights, SMALL)


def test_export_writes_two_models_that_answer_alike(trained):
    arguments = ["export", "stateful", "out", "--network", "1", "--batch-size", "2"]
    ended = CliRunner().invoke(cli.app, arguments)
    assert ended.exit_code == 0
    files = ended.output.split()
    assert files == ["out/stateful-stateless.keras", "out/stateful-stateful.keras"]
    stateless, stateful = map(keras.models.load_model, files)
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype(np.float32)
    stateful(x[:, :3])
    np.testing.assert_allclose(stateful(x[:, 3:]), stateless(x), atol=1e-6)


def test_export_of_a_model_that_is_not_there_says_how_to_make_it(trained):
    ended = CliRunner().invoke(cli.app, ["export", "stateless"])
    assert isinstance(ended.exception, UserError)
    assert "data/models/stateless: holds no model" in str(ended.exception)
