"""Log a stage to MLflow from the files that it has written."""

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd

from statelab import (
    arrays,
    command,
    layouts,
    metrics,
    params,
    plots,
    results,
    shapes,
    tracking,
)
from statelab.layouts import Windows
from statelab.sequences import Sequences

EXAMPLE_STEPS = 20  # of a request, which is kept with every model


class Stage(StrEnum):
    STATELESS = "train_stateless"
    STATEFUL = "train_stateful"
    EVALUATE = "evaluate"


def main(stage: Stage, data: Path, written: Path) -> None:
    log = _evaluate if stage is Stage.EVALUATE else _train
    try:
        tracking.log(log(stage, data, written))
    except tracking.NotLogged as error:
        # Training took long and its files are sound: they are kept.
        reason = str(error).partition("\n")[0]
        print(f"{stage}: not logged to {tracking.store()}: {reason}", file=sys.stderr)


def _train(stage: Stage, data: Path, written: Path) -> tracking.Run:
    mode = stage.removeprefix("train_")
    sequences = arrays.read(data / "sequences", Sequences)
    windows = arrays.read(data / "windows", Windows)
    predictions = results.read_predictions(data / "predictions" / f"{mode}.npz")
    files = [
        written / f"{stage}.json",
        written / "history" / f"{mode}.csv",
        written / "timing" / f"{mode}.json",
    ]
    history = results.read_table(files[1])
    table = metrics.seed_scores(predictions.answers, sequences, windows, history)
    bounds = metrics.bounds(sequences, windows, predictions.visible_from)
    curve = plots.learning_curves({mode: history}, {mode: bounds})
    model = data / "models" / mode
    architecture = results.read_json(model / "model.json")["architecture"]
    timesteps = _timesteps(stage, windows)
    means = history.drop(columns="seed").groupby("epoch").mean()
    return _run(
        stage,
        mode,
        params={**_common(), "train": params.load(stage)},
        scores={
            **metrics.summary(table),
            **bounds,
            "timing": results.read_json(files[2]),
        },
        curves=means.add_prefix("epoch."),
        files=files,
        pictures={"learning_curve.svg": plots.svg(curve).decode()},
        sequences=sequences,
        model=model,
        outputs=architecture["outputs"],
        timesteps=timesteps,
        width=shapes.state_width(**architecture),
        example=_example(sequences, windows, timesteps),
    )


def _timesteps(stage: Stage, windows: Windows) -> int:
    """Return how many steps the model takes, -1 for any.

    Without state it has never seen more than one sample at a time.
    """
    shortest, longest = layouts.lengths(windows)
    any_length = stage is Stage.STATEFUL or shortest < longest
    return -1 if any_length else longest


def _example(sequences: Sequences, windows: Windows, timesteps: int) -> np.ndarray:
    """Return the first sample, or where any length will do its beginning,
    [1, timesteps, features]."""
    at = layouts.locate(windows, np.zeros((), int))
    steps = min(at.length, EXAMPLE_STEPS) if timesteps == -1 else at.length
    return np.array(sequences.values[None, at.first : at.first + steps])


def _evaluate(stage: Stage, data: Path, written: Path) -> tracking.Run:
    return _run(
        stage,
        "comparison",
        params=params.read(),
        scores=results.read_json(written / "evaluate.json"),
        curves=pd.DataFrame(),
        files=[written / "evaluate.json", *sorted((written / "plots").iterdir())],
        pictures={},
        sequences=arrays.read(data / "sequences", Sequences),
        model=None,
        outputs=0,
        timesteps=-1,
        width=0,
        example=np.empty(0),
    )


def _run(stage: Stage, mode: str, **shown) -> tracking.Run:
    layout = params.load("window")["layout"]
    experiment = os.environ.get("DVC_EXP_NAME", "workspace")
    return tracking.Run(
        name=f"{layout} {mode}, {experiment}",
        tags={
            "layout": layout,
            "mode": mode,
            "dvc.stage": stage,
            "dvc.exp": experiment,
            "git.commit": _commit(),
        },
        dataset=_dataset(**params.load("generate")),
        **shown,
    )


def _dataset(*, source: str, task: str, path: str, **_: object) -> str:
    return task if source == "task" else Path(path).name


def _commit() -> str:
    head = ["git", "rev-parse", "--verify", "--quiet", "HEAD"]
    said = subprocess.run(head, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "none"  # before the first commit, or without Git


def _common() -> dict[str, object]:
    read = params.read()
    return {name: read[name] for name in ("seed", "generate", "window", "model")}


if __name__ == "__main__":
    command.run(main)
