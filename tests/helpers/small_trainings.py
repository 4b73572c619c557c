"""A small task to train on, and its settings."""

from typing import Any

import numpy as np

from statelab.config.settings import (
    ModelSettings,
    StatefulSettings,
    StatelessSettings,
    Training,
)
from statelab.config.values import ForgetBias, Reset
from statelab.data.sequences import Sequences
from statelab.data.tasks import first_step
from statelab.samples.splitting import assign_splits
from statelab.samples.windows import (
    Windows,
    make_windows,
)

MODEL = {
    "cell": "lstm",
    "units": 2,
    "layers": 1,
    "forget_bias": "unit",
    "class_weight": None,
}
BOTH = {
    "engine": "compiled",
    "epochs": 2,
    "updates": None,
    "batch_size": 2,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "learning_rates": None,
    "schedule": "cosine",
    "clipnorm": None,
    "seeds": 2,
    "shuffle": False,
    "patience": None,
    "again": False,
}
STATEFUL = {
    "gradient_window": None,
    "gradient_windows": None,
    "burn_in": 0,
    "reset": "sequence",
    "batching": "aligned",
}


def training(*, stateful: bool = True, seed: int = 3, **changes: Any) -> Training:
    """A training of two small networks, with changes of `model` and of its mode."""
    model = {name: changes.pop(name, value) for name, value in MODEL.items()}
    model["forget_bias"] = ForgetBias(model["forget_bias"])
    if stateful:
        settings = {**BOTH, **STATEFUL, **changes}
        settings["reset"] = Reset(settings["reset"])
        mode = StatefulSettings(**settings)
    else:
        mode = StatelessSettings(**{**BOTH, "lookbacks": None, **changes})
    return Training(ModelSettings(**model), mode, seed)


def task_and_windows(**layout) -> tuple[Sequences, Windows]:
    """Six sequences to train on, four to validate on, two to test on."""
    rng = np.random.default_rng(0)
    task = first_step(sequences=12, length=4, rng=rng)
    codes = assign_splits(task.targets, test_size=2, validation_size=4, rng=rng)
    sizes = {"window_length": 2, "stride": 1, "segment_length": 1, **layout}
    return task, make_windows(task.offsets, codes, **sizes)
