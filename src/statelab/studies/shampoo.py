"""Sales of shampoo, one month ahead: the arms of a much-read comparison of state.

Reference:
    Jason Brownlee, Stateful and Stateless LSTM for Time Series Forecasting with Python,
    2017, on machinelearningmastery.com.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from statelab.config.settings import (
    AnyTrainSettings,
    ModelSettings,
    StatefulSettings,
    StatelessSettings,
    Training,
)
from statelab.data.sequences import SPLITS, Sequences
from statelab.evaluation.statistics import Interval
from statelab.networks.scores import rmse
from statelab.pipeline.dvc_experiments import changed
from statelab.pipeline.progress import Progress
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import Scaling, unscale
from statelab.samples.windows import Windows, make_windows
from statelab.studies import published
from statelab.studies.post import POST
from statelab.training import compiled, trainer
from statelab.training.trainer import Trained

TEST_MONTHS = 12
EPOCHS = 1000
UNITS = 1
TRAIN = {"learning_rate": 0.001, "schedule": "constant"}  # Adam as it is in Keras
SEEDS = 1000  # networks of an arm
GROUP = 250  # that are trained at once


class Arm(NamedTuple):
    """A way to train and to forecast."""

    mode: str  # stateless or stateful
    first_seed: int = 0
    shuffle: bool = False
    batch_size: int = 1
    train_months: int | None = None  # the last ones before the test; None for all
    warm_up: bool = False  # state is built on the train samples before the forecasts


ARMS = {
    "shampoo-stateful": Arm("stateful"),
    "shampoo-stateful-again": Arm("stateful", first_seed=SEEDS),
    "shampoo-stateful-warm-up": Arm("stateful", warm_up=True),
    "shampoo-stateless": Arm("stateless"),
    "shampoo-stateless-shuffled": Arm("stateless", shuffle=True),
    "shampoo-stateful-batch-12": Arm("stateful", batch_size=12, train_months=12),
    "shampoo-stateless-batch-12": Arm("stateless", batch_size=12, train_months=12),
}


class Prepared(NamedTuple):
    """Differences from month to month, each the feature of the next."""

    sequences: Sequences  # one that trains, and one that tests
    windows: Windows
    scaling: Scaling  # to -1 and 1, the lowest and the highest of train


def prepare(sales: np.ndarray, train_months: int | None = None) -> Prepared:
    """Make samples of one month: its difference, and as the target the next one.

    Args:
        sales: of each month, [months]; the last twelve test.
        train_months: how many samples train, the last ones; None for all.

    Example:
        >>> made = prepare(np.append([3.0, 5.0, 4.0, 8.0], np.arange(12.0)))
        >>> made.sequences.values[:2, 0].tolist(), made.sequences.targets[:2].tolist()
        ([2.0, -1.0], [-1.0, 4.0])
        >>> made.sequences.offsets.tolist(), made.scaling.target_mean.tolist()
        ([0, 2, 14], [1.5])
    """
    change = np.diff(sales)
    x, y = change[:-1], change[1:]
    if train_months is not None:
        x, y = (part[-train_months - TEST_MONTHS :] for part in (x, y))
    train = len(x) - TEST_MONTHS
    offsets = np.array([0, train, len(x)])
    split = np.array([SPLITS["train"], SPLITS["test"]], np.int8)
    scaling = [
        np.array([value], np.float32)
        for part in (x[:train], y[:train])
        for value in (
            (part.max() + part.min()) / 2,
            (part.max() - part.min()) / 2,
        )
    ]
    sequences = Sequences(x.astype(np.float32)[:, None], offsets, y.astype(np.float32))
    windows = make_windows(offsets, split, layout="per_timestep", segment_length=1)
    return Prepared(sequences, windows, Scaling(*scaling))


def persistence(sales: np.ndarray) -> np.ndarray:
    """Return the error of forecasting the month before, a single score, [1].

    Example:
        >>> persistence(np.arange(0, 39, 3.0)).tolist()
        [3.0]
    """
    change = np.diff(sales)[-TEST_MONTHS:]
    return np.sqrt(np.mean(change**2, keepdims=True))


def scores(
    arm: Arm, sales: np.ndarray, *, seeds: int = SEEDS, epochs: int = EPOCHS
) -> np.ndarray:
    """Train the networks of an arm, and score their forecasts of the test months.

    A forecast is the month before and the predicted difference, so that its error is
    that of the difference.

    Args:
        arm: how they are trained.
        sales: of each month, [months].
        seeds: networks; `GROUP` of them are trained at once.
        epochs: passes.

    Returns:
        Root mean squared errors, in units of sales, [seeds].
    """
    prepared = prepare(sales, arm.train_months)
    stop = arm.first_seed + seeds
    groups = []
    for first in range(arm.first_seed, stop, GROUP):
        count = min(GROUP, stop - first)
        trained = trainer.train(
            prepared.sequences,
            prepared.windows,
            Training(_MODEL, _settings(arm, count, epochs), first),
            scaling=prepared.scaling,
            progress=Progress(f"{arm.mode}, seeds {first} to {stop - 1}", epochs),
        )
        predictions = trained.predictions
        if arm.warm_up:
            predictions = predict_after_train(prepared, trained)
        tested = predictions[:, -TEST_MONTHS:].astype(float)
        groups.append(rmse(tested, prepared.sequences.targets[-TEST_MONTHS:]))
    return np.concatenate(groups)


def predict_after_train(prepared: Prepared, trained: Trained) -> np.ndarray:
    """Predict the train samples, and go on into the test with the state that is left.

    Args:
        prepared: the samples.
        trained: the networks.

    Returns:
        Differences in units of sales, float32 [seeds, samples].
    """
    offsets = prepared.sequences.offsets[[0, -1]]
    windows = make_windows(
        offsets, np.zeros(1, np.int8), layout="per_timestep", segment_length=1
    )
    plan = plans.make_plan(windows, np.zeros(1, int), batch_size=1, stateful=True)
    sequences = prepared.sequences._replace(offsets=offsets)
    reader = ChunkReader(sequences, windows, [plan], prepared.scaling)
    scaled = compiled.predict(trained.weights, reader, trained.architecture)
    return unscale(prepared.scaling, scaled)


_MODEL = ModelSettings.model_validate({**POST["model"], "units": UNITS})


def _settings(arm: Arm, seeds: int, epochs: int) -> AnyTrainSettings:
    train = {
        **TRAIN,
        "epochs": epochs,
        "batch_size": arm.batch_size,
        "shuffle": arm.shuffle,
        "seeds": seeds,
    }
    # in a batch of twelve each lane has one sample of an epoch, in order of time
    naive = {"batching": "contiguous", "reset": "never"} if arm.batch_size > 1 else {}
    sections = changed(POST, train_stateless=train, train_stateful={**train, **naive})
    if arm.mode == "stateful":
        return StatefulSettings.model_validate(sections["train_stateful"])
    return StatelessSettings.model_validate(sections["train_stateless"])


# --- what follows ---------------------------------------------------------------------

DIFFERENCES = {  # an arm, and the one that it is compared to
    "stateless minus stateful": ("shampoo-stateless", "shampoo-stateful"),
    "stateful, from other seeds": ("shampoo-stateful-again", "shampoo-stateful"),
    "shuffled minus in order": ("shampoo-stateless-shuffled", "shampoo-stateless"),
    "state built on train minus zeros": (
        "shampoo-stateful-warm-up",
        "shampoo-stateful",
    ),
    "batch of 12, stateless minus stateful": (
        "shampoo-stateless-batch-12",
        "shampoo-stateful-batch-12",
    ),
}


def findings(ours: Mapping[str, Interval]) -> list[str]:
    """Say in lines what our runs say of the conclusions of the comparison.

    Args:
        ours: the error of each arm that has been run, by its name in `ARMS`, and
            `shampoo-persistence`.
    """
    lines = []
    for title, (one, other) in DIFFERENCES.items():
        if one in ours and other in ours:
            mean, low, high = published.difference(ours[one], ours[other])
            word = "no difference seen" if low <= 0 <= high else "a difference"
            lines.append(f"{title}: {mean:+.2f} [{low:.2f}, {high:.2f}], {word}")
    if (stateful := ours.get("shampoo-stateful")) and stateful.std is not None:
        chance = published.chance_difference(stateful.std, 10)
        lines.append(
            f"two equal stateful arms of 10 runs differ by up to {chance:.2f}, 95 "
            "times in 100"
        )
    naive = ours.get("shampoo-persistence")
    arms = {name: ours[name] for name in ARMS if name in ours}
    if naive is not None and naive.mean is not None and arms:
        worst = max(arms, key=lambda name: arms[name].high or 0)
        below = (arms[worst].high or 0) < naive.mean
        lines.append(
            f"persistence: {naive.mean:.2f}, {'above' if below else 'not above'} the "
            f"interval of every arm; the highest is that of {worst}"
        )
    return lines
