"""Files -> MLflow: one run for each stage that is worth comparing."""

import os
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# By default a server that is down is asked for four minutes, and that seven times.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from mlflow.data.numpy_dataset import from_numpy
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from statelab.sequences import Sequences

EXPERIMENT = "statelab"

NotLogged = MlflowException  # the store is out of reach, or refuses


class Run(NamedTuple):
    """What one run shows."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, object]  # as nested as params.yaml
    scores: Mapping[str, Any]  # as nested as evaluate.json; nulls are left out
    curves: pd.DataFrame  # one line for each epoch, which is the index
    files: list[Path]
    figures: Mapping[str, Figure]  # file name -> figure
    dataset: str  # what the sequences are called
    sequences: Sequences
    model: Path | None  # a folder that models.write has written


def store() -> str:
    """Return the URI of the tracking store.

    It is `MLFLOW_TRACKING_URI`, or a database at the root of the main checkout, which
    DVC names even where it runs a stage in a temporary copy of it.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{_root()}/mlflow.db"


def log(run: Run) -> str:
    """Log one run, and return its id."""
    place = None if "MLFLOW_TRACKING_URI" in os.environ else _root() / "mlartifacts"
    mlflow.set_tracking_uri(store())
    with mlflow.start_run(
        experiment_id=_experiment(place), run_name=run.name, tags=dict(run.tags)
    ) as active:
        mlflow.log_params(flatten(run.params))
        mlflow.log_metrics(
            {k: v for k, v in flatten(run.scores).items() if isinstance(v, int | float)}
        )
        for epoch, values in run.curves.iterrows():
            mlflow.log_metrics(values.to_dict(), step=int(str(epoch)))
        mlflow.log_input(
            from_numpy(
                np.asarray(run.sequences.values),
                targets=np.asarray(run.sequences.targets),
                name=run.dataset,
            )
        )
        for file in run.files:
            mlflow.log_artifact(str(file))
        for name, figure in run.figures.items():
            mlflow.log_figure(figure, name)
        if run.model is not None:
            _log_model(run.model, run.sequences.values.shape[1])
    return active.info.run_id


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join the keys of nested mappings with dots.

    Example:
        >>> flatten({"seed": 0, "window": {"layout": "full"}})
        {'seed': 0, 'window.layout': 'full'}
    """
    flat = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _root() -> Path:
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()


def _experiment(place: Path | None) -> str:
    """Return the id of the experiment, which is made on first use.

    Args:
        place: where its files go; None leaves it to the server.
    """
    client = mlflow.MlflowClient()
    try:
        return client.create_experiment(
            EXPERIMENT, artifact_location=place and place.as_uri()
        )
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = client.get_experiment_by_name(EXPERIMENT)
    assert found is not None  # it was just refused for being there
    return found.experiment_id


def _log_model(network: Path, features: int) -> None:
    tensor = np.dtype(np.float32)
    with warnings.catch_warnings():
        # An example of a request would run the network, and import TensorFlow for it.
        warnings.filterwarnings("ignore", "(?s).*input example")
        mlflow.pyfunc.log_model(
            name="model",
            loader_module="statelab.served",
            data_path=str(network),
            code_paths=[str(Path(__file__).parent)],
            signature=ModelSignature(
                inputs=Schema([TensorSpec(tensor, (-1, -1, features))]),
                outputs=Schema([TensorSpec(tensor, (-1, 1))]),
            ),
            # Named here: otherwise MLflow loads the model to find them out.
            pip_requirements=[
                f"{name}=={version(name)}" for name in ("keras", "numpy", "tensorflow")
            ],
        )
