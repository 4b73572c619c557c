"""The average of now and some steps ago, of uniform noise: a tutorial of state.

    y(t) = (x(t) + x(t - k)) / 2, x uniform from 0 to 1

What a network cannot know of y without x(t - k) has a variance of 1/48 = 0.0208.

Reference:
    KnowIt, tutorials/stateful_tutorial/stateful_tut.md of
    github.com/MUST-Deep-Learning/KnowIt, 2025.
"""

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
from statelab.pipeline.dvc_experiments import changed
from statelab.pipeline.progress import Silent, track
from statelab.samples.windows import Windows, make_windows
from statelab.studies.post import POST
from statelab.training import trainer

STEPS = 10_000
SHARES = (0.6, 0.2)  # of the steps that train, and that validate; in order of time
UNITS = 32
LANES = 16
TRAIN = {"batch_size": LANES, "learning_rate": 0.0001, "schedule": "constant"}
TUTORIALS_SEED = 123  # of NumPy, for its sections 1 to 7
RUNS = 10


class Setup(NamedTuple):
    """A training of the tutorial."""

    lag: int
    epochs: int
    mode: str = "stateful"  # or stateless
    data_seed: int | None = None  # None where each run draws series of its own
    copies: bool = False  # each lane reads the whole series, a step after the last one


def series(lag: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw x as the tutorial does, and average it; the first y look round to the end.

    Args:
        lag: k.
        steps: how many.
        seed: of NumPy's older generator.

    Returns:
        x and y, each [steps].

    Example:
        >>> x, y = series(lag=2, steps=3, seed=123)
        >>> x.round(3), y.round(3)
        (array([0.696, 0.286, 0.227]), array([0.491, 0.256, 0.462]))
    """
    x = np.random.RandomState(seed).uniform(0, 1, steps)
    return x, (x + np.roll(x, lag)) / 2


def prepare(
    x: np.ndarray, y: np.ndarray, *, copies: bool = False, lanes: int = LANES
) -> tuple[Sequences, Windows]:
    """Cut a series in time, into samples of one step.

    Args:
        x, y: [steps].
        copies: there are as many series to train on as lanes, each without the first
            step of the one before; else there is one, which the lanes share.
        lanes: of a batch.

    Returns:
        The sequences that train, then the one that validates; and their samples.

    Example:
        >>> x = np.arange(10.0)
        >>> data, windows = prepare(x, x, copies=True, lanes=2)
        >>> data.offsets.tolist(), windows.split.tolist()
        ([0, 6, 11, 13], [0, 0, 1])
        >>> data.targets[6:].tolist()
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """
    train, validation = (round(share * len(x)) for share in SHARES)
    begins = range(lanes if copies else 1)
    stretches = [slice(begin, train) for begin in begins]
    stretches.append(slice(train, train + validation))
    values, targets = (
        np.concatenate([part[stretch] for stretch in stretches]).astype(np.float32)
        for part in (x, y)
    )
    lengths = [stretch.stop - stretch.start for stretch in stretches]
    offsets = np.append(0, np.cumsum(lengths))
    split = np.full(len(stretches), SPLITS["train"], np.int8)
    split[-1] = SPLITS["validation"]
    windows = make_windows(offsets, split, layout="per_timestep", segment_length=1)
    return Sequences(values[:, None], offsets, targets), windows


def scores(setup: Setup, *, runs: int = RUNS, steps: int = STEPS) -> np.ndarray:
    """Train networks, and return the best validation loss of each.

    Args:
        setup: the training.
        runs: networks. Where the series is not known, each has a series of its own.
        steps: of a series.

    Returns:
        Mean squared errors, the lowest over epochs, [runs].
    """
    if setup.data_seed is not None:
        return _best_losses(setup, setup.data_seed, range(runs), steps)
    each = track(range(runs), f"lag {setup.lag}, {setup.epochs} epochs", runs)
    return np.concatenate(
        [_best_losses(setup, run, range(run, run + 1), steps) for run in each]
    )


def _best_losses(setup: Setup, seed: int, networks: range, steps: int) -> np.ndarray:
    x, y = series(setup.lag, steps, seed)
    sequences, windows = prepare(x, y, copies=setup.copies)
    trained = trainer.train(
        sequences,
        windows,
        Training(_MODEL, _settings(setup, len(networks)), networks.start),
        progress=Silent(),
    )
    by_seed = trained.history.pivot(
        index="epoch", columns="seed", values="validation_loss"
    )
    return by_seed.to_numpy(float).min(axis=0)


_MODEL = ModelSettings.model_validate({**POST["model"], "units": UNITS})


def _settings(setup: Setup, seeds: int) -> AnyTrainSettings:
    train = {**TRAIN, "epochs": setup.epochs, "seeds": seeds}
    sections = changed(POST, train_stateless=train, train_stateful=train)
    if setup.mode == "stateful":
        return StatefulSettings.model_validate(sections["train_stateful"])
    return StatelessSettings.model_validate(sections["train_stateless"])
