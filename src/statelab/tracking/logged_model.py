"""The model of a run: logged to MLflow with its signature, and registered."""

import logging
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelStatus, Run
from mlflow.models import Model, ModelSignature
from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec


def log(
    run_id: str,
    folder: Path,
    *,
    timesteps: int,
    features: int,
    outputs: int,
    width: int,
    example: np.ndarray,
) -> None:
    """Log a trained network as `served.ExplicitState` serves it.

    Args:
        run_id: of the run that it belongs to.
        folder: where `saving.write` put the weights.
        timesteps: of the sequences that it takes; -1 for any.
        features: of the input.
        outputs: of each prediction.
        width: of the state of a sequence, `Architecture.state_width`.
        example: of a request, float32 [1, timesteps, features].
    """
    numbers = np.dtype(np.float32)
    # What it would say of the example is said of every model.
    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)
    Model.log(
        artifact_path=None,
        name="model",
        run_id=run_id,
        flavor=_Untried,
        flavor_name="mlflow.pyfunc",
        validate_serving_input=False,
        loader_module="statelab.served",
        data_path=str(folder),
        code_paths=[str(Path(__file__).parents[1])],
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


def of_run(client: MlflowClient, run: Run) -> LoggedModel | None:
    """Return the model that a run has logged, whole."""
    models = _models(client, run)
    return next((m for m in models if m.status == LoggedModelStatus.READY), None)


def discard(client: MlflowClient, run: Run) -> None:
    """Delete the models of a run, whole or not."""
    for model in _models(client, run):
        client.delete_logged_model(model.model_id)


def _models(client: MlflowClient, run: Run) -> list[LoggedModel]:
    outputs = run.outputs.model_outputs if run.outputs is not None else []
    return [client.get_logged_model(output.model_id) for output in outputs]


def register(client: MlflowClient, run_id: str, name: str) -> None:
    """Register the model of a run under a name, unless it is."""
    versions = client.search_model_versions(f"name = '{name}'")
    if any(version.run_id == run_id for version in versions):
        return
    run = client.get_run(run_id)
    model = of_run(client, run)
    if model is not None:
        made = mlflow.register_model(model.model_uri, name)
        note = run.data.tags.get("mlflow.note.content", "")
        client.update_model_version(name, made.version, note)
