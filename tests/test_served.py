"""The model that MLflow holds, loaded where this package is not: as a user would."""

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.pyfunc import scoring_server
from small_trainings import training

from statelab.data.sequences import Sequences
from statelab.errors import UserError
from statelab.networks import keras_models, saving
from statelab.networks.architecture import Architecture
from statelab.pipeline.progress import Silent
from statelab.samples import scaling
from statelab.samples.windows import make_windows
from statelab.served import ExplicitState
from statelab.tracking import logged_model
from statelab.training import trainer

SMALL = {"seed": 5, "units": 3, "epochs": 1, "schedule": "constant"}
ASK = """
import sys, numpy as np, mlflow
folder, *uris = sys.argv[1:]
mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
for name, uri in zip(("whole", "windows", "pieces"), uris):
    model = mlflow.pyfunc.load_model(uri)
    given = {}
    with np.load(f"{folder}/{name}.npz") as asked:
        for key, x in asked.items():
            params = {}
            if not key.endswith(" 0"):  # not the first piece of its sequence
                params = {"state": said["state"].ravel()}
            said = model.predict(x, params=params)
            again = model.predict(x, params=params)
            assert all((said[part] == again[part]).all() for part in said)
            given[key] = said["answers"]
    np.savez(f"{folder}/{name}-answers.npz", **given)
import statelab.served
print(statelab.served.__file__)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{store}/mlflow.db")
    mlflow.create_experiment("here", (store / "artifacts").as_uri())
    mlflow.set_experiment("here")
    yield store
    mlflow.set_tracking_uri(before)


def logged(
    folder: Path, network: Architecture, example: np.ndarray, timesteps: int
) -> str:
    with mlflow.start_run() as run:
        logged_model.log(
            run.info.run_id,
            folder,
            timesteps=timesteps,
            features=example.shape[2],
            outputs=network.outputs,
            width=network.state_width,
            example=example,
        )
    (output,) = mlflow.get_run(run.info.run_id).outputs.model_outputs
    return f"models:/{output.model_id}"


def trained(folder: Path, data: Sequences, windows, fitted, **settings):
    """Train as the stage does; return the network, and what the first one predicts."""
    small = training(**SMALL, **settings)
    result = trainer.train(data, windows, small, progress=Silent(), scaling=fitted)
    saving.write(folder, result.weights, result.architecture, fitted)
    predictions = result.predictions[0]
    return result.architecture, predictions.reshape(len(predictions), -1)


def test_a_logged_model_answers_as_its_training_stage_did(store):
    """Whole sequences with state, windows without, and segments one by one."""
    rng = np.random.default_rng(0)
    offsets = np.array([0, 5, 8, 12])
    values = rng.normal(1, 2, size=(12, 2)).astype(np.float32)
    of_values = Sequences(values, offsets, rng.normal(7, 3, 12).astype(np.float32))
    of_classes = of_values._replace(targets=rng.permutation(12) % 3)
    split = np.zeros(3, np.int8)  # all train
    requests, expected, uris = {}, {}, []

    whole = make_windows(offsets, split, layout="per_timestep")
    fitted = scaling.fit(of_values, whole)
    network, expected["whole"] = trained(
        *(store / "whole", of_values, whole, fitted),
        **{"stateful": True, "cell": "lstm", "layers": 2},
    )
    requests["whole"] = {
        f"{s} 0": values[None, start:stop]
        for s, (start, stop) in enumerate([(0, 5), (5, 8), (8, 12)])
    }
    uris.append(logged(store / "whole", network, values[None, :1], -1))

    cut = make_windows(offsets, split, layout="subsampled", window_length=3)
    network, expected["windows"] = trained(
        *(store / "windows", of_classes, cut, None),
        **{"stateful": False, "cell": "gru", "layers": 1},
    )
    starts = [0, 1, 2, 5, 8, 9]
    requests["windows"] = {
        "all 0": np.stack([values[start : start + 3] for start in starts])
    }
    uris.append(logged(store / "windows", network, values[None, :3], 3))

    segments = make_windows(offsets, split, layout="per_timestep", segment_length=2)
    fitted = scaling.fit(of_classes, segments)
    network, expected["pieces"] = trained(
        *(store / "pieces", of_classes, segments, fitted),
        **{"stateful": True, "cell": "simple_rnn", "layers": 1},
    )
    requests["pieces"] = {
        f"{s} {start}": values[None, start + first : min(start + first + 2, stop)]
        for s, (first, stop) in enumerate([(0, 5), (5, 8), (8, 12)])
        for start in range(0, stop - first, 2)
    }
    uris.append(logged(store / "pieces", network, values[None, :2], -1))

    for name, asked in requests.items():
        np.savez(store / f"{name}.npz", **asked)
    ended = subprocess.run(
        [sys.executable, "-c", ASK, str(store), *uris],
        cwd=store,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(str(store / "artifacts"))  # not this checkout's
    for name in requests:
        with np.load(store / f"{name}-answers.npz") as given:
            found = [answers for answers in given.values()]
        if name == "windows":
            found = [answers[:, -1:].swapaxes(0, 1) for answers in found]
        found = np.concatenate(found, axis=1)[0]
        np.testing.assert_allclose(found, expected[name], rtol=1e-6, atol=1e-6)
        assert np.ptp(found[:, 0]) > 1e-3


def test_logging_keeps_an_example_and_runs_no_network(store, capfd):
    """There are no weights that could be loaded."""
    (store / "empty").mkdir()
    network = Architecture("gru", "regression", 2, 3, features=2, outputs=1)
    x = np.float32([[[0.1, 2], [3, 4]]])
    uri = logged(store / "empty", network, x, 2)
    said = capfd.readouterr().err
    assert "serving input" not in said and "xample" not in said
    info = mlflow.models.get_model_info(uri)
    folder = mlflow.artifacts.download_artifacts(uri)
    request = (Path(folder) / "serving_input_example.json").read_text()
    asked = json.loads(request)
    parsed = scoring_server.infer_and_parse_data(
        {"inputs": asked["inputs"]}, info.signature.inputs
    )
    np.testing.assert_array_equal(parsed, x)
    assert parsed.dtype == np.float32
    assert asked["params"] == {"state": [0.0] * 6}
    assert info.signature.outputs.input_names() == ["answers", "state"]


def test_a_state_of_the_wrong_size_costs_one_line(tmp_path):
    network = Architecture("lstm", "binary", layers=2, units=3, features=1, outputs=1)
    saving.write(tmp_path, keras_models.initial_weights(range(1), network), network)
    model = ExplicitState(keras_models.with_state(tmp_path))
    x = np.zeros((2, 1, 1), np.float32)
    with pytest.raises(UserError) as raised:
        model.predict(x, params={"state": [0.5] * 12})
    assert str(raised.value) == (
        "`params`: `state` must be empty, or hold 12 numbers for each of 2 sequences, "
        "24 in all. Received: 12"
    )
