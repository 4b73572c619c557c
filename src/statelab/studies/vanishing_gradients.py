"""Does an LSTM keep gradients from vanishing? By its forget gates, not by its adding.

The post begins with the claim that additive updates do. Here it is measured: how
steep a prediction is in an input some steps before, in networks that have not learned
yet; and then how many of them learn to tell a first step after so much noise.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from statelab.config.settings import (
    ModelSettings,
    StatelessSettings,
    Training,
    WindowSettings,
)
from statelab.config.values import ForgetBias
from statelab.data import tasks
from statelab.data.sequences import at_the_end
from statelab.memory import input_gradients
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture
from statelab.pipeline.dvc_experiments import changed
from statelab.pipeline.progress import Progress
from statelab.samples import splitting
from statelab.studies.post import POST
from statelab.training import trainer

STEPS, SAMPLES, SEEDS = 100, 64, 32  # of noise that untrained networks read
UNIT, CHRONO = ForgetBias("unit"), ForgetBias("chrono")
LSTM = ModelSettings(cell="lstm", units=10, layers=1, forget_bias=UNIT)
KINDS = {
    "simple RNN": LSTM.model_copy(update={"cell": "simple_rnn"}),
    "LSTM, forget bias 1": LSTM,
    "LSTM, chrono bias": LSTM.model_copy(update={"forget_bias": CHRONO}),
}
LAGS = (16, 32, 48, 64, 96)  # steps of noise from a first step to the prediction
TRAINED = 8  # networks of each kind
SOLVED = 0.95  # accuracy
SEQUENCES = 1200
_TRAIN = {"epochs": 20, "batch_size": 16, "learning_rate": 0.003, "clipnorm": 1.0}
SECTIONS = changed(
    POST, window={"layout": "full"}, train_stateless={**_TRAIN, "seeds": TRAINED}
)
WINDOW = WindowSettings.model_validate(SECTIONS["window"])
SETTINGS = StatelessSettings.model_validate(SECTIONS["train_stateless"])


def slopes() -> pd.DataFrame:
    """Return how steep the predictions of untrained networks are in earlier inputs.

    Returns:
        A line for each kind and lag: `kind`, `lag`, and of the slope, as a share of
        that at lag 0, the `mean` over networks, the `lowest` and the `highest`.
    """
    x = np.random.default_rng(0).normal(size=(SAMPLES, STEPS, 1)).astype(np.float32)
    lag = np.broadcast_to(np.arange(STEPS)[::-1], (SAMPLES, STEPS))
    tables = []
    for kind, model in KINDS.items():
        network = Architecture(
            model.cell, "regression", model.layers, model.units, features=1, outputs=1
        )
        weights = keras_models.initial_weights(
            range(SEEDS), network, forget_bias=model.forget_bias, longest=STEPS
        )
        slope = input_gradients.by_lag(
            weights, network, x[:, ::-1], lag, np.full(SAMPLES, STEPS)
        ).mean(axis=1, dtype=float)
        share = slope / slope[:, :1]
        tables.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "lag": np.arange(STEPS),
                    "mean": share.mean(axis=0),
                    "lowest": share.min(axis=0),
                    "highest": share.max(axis=0),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def learned() -> Iterator[dict[str, Any]]:
    """Train each kind to tell a first step after noise, a row for each of `LAGS`.

    Yields:
        `lag`, and by kind how many networks of `TRAINED` have an accuracy of `SOLVED`.
    """
    for lag in LAGS:
        rng = np.random.default_rng((0, 0))
        data = at_the_end(tasks.noisy_first(SEQUENCES, lag + 1, rng))
        windows = splitting.split_and_window(data, WINDOW, seed=0)
        row: dict[str, Any] = {"lag": lag}
        for kind, model in KINDS.items():
            trained = trainer.train(
                data,
                windows,
                Training(model, SETTINGS, seed=0),
                progress=Progress(f"{kind}, {lag} steps", SETTINGS.epochs),
            )
            last = trained.history.groupby("seed").last()
            row[kind] = int(np.count_nonzero(last["test_accuracy"] >= SOLVED))
        yield row
