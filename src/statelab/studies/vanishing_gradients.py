"""Does an LSTM keep gradients from vanishing? By its forget gates, not by its adding.

The post begins with the claim that additive updates do. Here it is measured: how
steep a prediction is in an input some steps before, in networks that have not learned
yet; and then how many of them learn to tell a first step after so much noise.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from statelab.config.settings import WindowSettings
from statelab.data import tasks
from statelab.data.sequences import at_the_end
from statelab.memory import input_gradients
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture
from statelab.pipeline.progress import Progress
from statelab.samples import splitting
from statelab.training import trainer

STEPS, SAMPLES, SEEDS = 100, 64, 32  # of noise that untrained networks read
KINDS = {  # name -> arguments of models.build and of models.initial_weights
    "simple RNN": {"cell": "simple_rnn", "forget_bias": "unit"},
    "LSTM, forget bias 1": {"cell": "lstm", "forget_bias": "unit"},
    "LSTM, chrono bias": {"cell": "lstm", "forget_bias": "chrono"},
}
SHAPE = {"units": 10, "layers": 1}
LAGS = (16, 32, 48, 64, 96)  # steps of noise from a first step to the prediction
TRAINED = 8  # networks of each kind
SOLVED = 0.95  # accuracy
SEQUENCES = 1200
WINDOW = WindowSettings(
    layout="full",
    window_length=1,
    stride=1,
    segment_length=1,
    split="sequence",
    test_size=200,
    validation_size=0,
    scaling="none",
)
TRAINING: dict[str, Any] = {
    "epochs": 20,
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "schedule": "cosine",
    "clipnorm": 1.0,
}


def slopes() -> pd.DataFrame:
    """Return how steep the predictions of untrained networks are in earlier inputs.

    Returns:
        A line for each kind and lag: `kind`, `lag`, and of the slope, as a share of
        that at lag 0, the `mean` over networks, the `lowest` and the `highest`.
    """
    x = np.random.default_rng(0).normal(size=(SAMPLES, STEPS, 1)).astype(np.float32)
    lag = np.broadcast_to(np.arange(STEPS)[::-1], (SAMPLES, STEPS))
    tables = []
    for kind, options in KINDS.items():
        network = Architecture(
            cell=options["cell"], head="regression", features=1, outputs=1, **SHAPE
        )
        weights = keras_models.initial_weights(
            range(SEEDS),
            forget_bias=options["forget_bias"],
            longest=STEPS,
            **network._asdict(),
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
        for kind, options in KINDS.items():
            trained = trainer.train(
                data,
                windows,
                Progress(f"{kind}, {lag} steps", TRAINING["epochs"]),
                stateful=False,
                seed=0,
                seeds=TRAINED,
                engine="compiled",
                **SHAPE,
                **options,
                **TRAINING,
            )
            last = trained.history.groupby("seed").last()
            row[kind] = int(np.count_nonzero(last["test_accuracy"] >= SOLVED))
        yield row
