"""Files -> MLflow: one run for each stage that is worth comparing."""

import logging
import os
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
from filelock import FileLock
from mlflow.data.numpy_dataset import from_numpy
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sqlalchemy.exc import SQLAlchemyError

from statelab import params, workspace
from statelab.sequences import Sequences

EXPERIMENT = "statelab"

SQLITE = "sqlite:///"
# The store is out of reach, refuses, or needs a library that is not there.
NotLogged = (MlflowException, SQLAlchemyError, OSError, ImportError)


class Run(NamedTuple):
    """What one run shows."""

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, object]  # as nested as params.yaml
    scores: Mapping[str, Any]  # as nested as evaluate.json; nulls are left out
    curves: pd.DataFrame  # one line for each epoch, which is the index
    files: list[Path]
    pictures: Mapping[str, str]  # file name -> SVG
    dataset: str  # what the sequences are called
    sequences: Sequences
    model: Path | None  # a folder that models.write has written
    outputs: int  # of the model
    timesteps: int  # of the sequences that the model takes; -1 for any
    width: int  # of its state
    example: np.ndarray  # of a request, float32 [1, timesteps, features]


def store() -> str:
    """Return the URI of the tracking store.

    It is `MLFLOW_TRACKING_URI`, or a database at the root of the main checkout, which
    DVC names even where it runs a stage in a temporary copy of it. The path of any
    database starts from there.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    if uri.startswith(SQLITE):
        return f"{SQLITE}{workspace.root() / uri.removeprefix(SQLITE)}"
    return uri


def log(run: Run) -> str:
    """Log one run, and return its id."""
    mlflow.set_tracking_uri(store())
    with mlflow.start_run(
        experiment_id=_experiment(), run_name=run.name, tags=dict(run.tags)
    ) as active:
        mlflow.log_params(params.flatten(run.params))
        mlflow.log_metrics(
            {
                k: v
                for k, v in params.flatten(run.scores).items()
                if isinstance(v, int | float)
            }
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
        for name, picture in run.pictures.items():
            mlflow.log_text(picture, name)
        if run.model is not None:
            _log_model(
                run.model,
                timesteps=run.timesteps,
                features=run.sequences.values.shape[1],
                outputs=run.outputs,
                width=run.width,
                example=run.example,
            )
    return active.info.run_id


def _experiment() -> str:
    """Return the id of the experiment, which is made on first use."""
    place = None  # a server keeps files where it was told to
    if store().startswith(SQLITE):
        place = (workspace.root() / "mlartifacts").as_uri()
    # Two workers may be the first to come.
    with FileLock(workspace.root() / "mlflow.db.lock"):
        client = mlflow.MlflowClient()
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return found.experiment_id
        return client.create_experiment(EXPERIMENT, artifact_location=place)


def _log_model(
    folder: Path,
    *,
    timesteps: int,
    features: int,
    outputs: int,
    width: int,
    example: np.ndarray,
) -> None:
    """Log a trained network as `served.ExplicitState` answers for it.

    Args:
        folder: where `models.write` put the weights.
        timesteps: of the sequences that it takes; -1 for any.
        features: of the input.
        outputs: of each answer.
        width: of the state of a sequence, as `shapes.state_width` tells it.
        example: of a request, float32 [1, timesteps, features].
    """
    numbers = np.dtype(np.float32)
    # What it would say of the example is said of every model.
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
    Model.log(
        artifact_path=None,
        name="model",
        flavor=_Untried,
        flavor_name="mlflow.pyfunc",
        validate_serving_input=False,
        loader_module="statelab.served",
        data_path=str(folder),
        code_paths=[str(Path(__file__).parent)],
        signature=ModelSignature(
            inputs=Schema([TensorSpec(numbers, (-1, timesteps, features))]),
            outputs=Schema(
                [
                    TensorSpec(numbers, (-1, timesteps, outputs), "answers"),
                    TensorSpec(numbers, (-1, width), "state"),
                ]
            ),
            params=ParamSchema([ParamSpec("state", DataType.double, [], (-1,))]),
        ),
        input_example=(example, {"state": [0.0] * (len(example) * width)}),
        # Named here: otherwise MLflow loads the model to find them out.
        pip_requirements=[
            f"{name}=={version(name)}" for name in ("keras", "numpy", "tensorflow")
        ],
    )


class _Untried:
    """MLflow's flavor of Python functions, its example saved but not tried out: that
    would run the network, and import TensorFlow for it."""

    @staticmethod
    def save_model(validate_serving_input: bool, **arguments: Any) -> None:
        """Save a model; what `Model.log` alone heeds is left out."""
        mlflow.pyfunc.save_model(**arguments)
