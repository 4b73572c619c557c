"""The rows of `statelab study external`: published figures, and what runs for each."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from statelab.io import files
from statelab.pipeline import paths
from statelab.studies import datasets, lagged_average, shampoo, vowels
from statelab.studies.examples import EXAMPLES
from statelab.studies.published import Published


class Row(NamedTuple):
    """One line of the table, and what runs behind it."""

    name: str
    by: str  # who has published the figure
    score: str
    digits: int
    theirs: Published | None
    run: Callable[[], np.ndarray] | None  # scores of our runs, [runs]
    settings: Mapping[
        str, Any
    ]  # all that decides what it gives; other ones, another row
    empty: str = ""  # why nothing runs


BROWNLEE, KNOWIT = "Brownlee", "KnowIt"
SHAMPOO = {  # mean and standard deviation of ten runs
    "shampoo-stateful": (103.143, 7.109),
    "shampoo-stateful-again": (106.595, 10.688),
    "shampoo-stateful-warm-up": (105.468, 5.207),
    "shampoo-stateless": (95.662, 1.924),
    "shampoo-stateless-shuffled": (96.206, 2.139),
    "shampoo-stateful-batch-12": (97.920, 6.526),
    "shampoo-stateless-batch-12": (97.451, 5.708),
}
AVERAGES = {  # the best validation loss of one run
    "average-1-stateless": (
        0.0203,
        lagged_average.Setup(1, 100, "stateless", lagged_average.TUTORIALS_SEED),
    ),
    "average-1-100-epochs": (
        0.0010,
        lagged_average.Setup(1, 100, data_seed=lagged_average.TUTORIALS_SEED),
    ),
    "average-1-40-epochs": (0.0057, lagged_average.Setup(1, 40)),
    "average-2-40-epochs": (0.0071, lagged_average.Setup(2, 40)),
    "average-3-40-epochs": (0.0176, lagged_average.Setup(3, 40)),
    "average-5-40-epochs": (0.0206, lagged_average.Setup(5, 40)),
    "average-1-40-epochs-copies": (0.0057, lagged_average.Setup(1, 40, copies=True)),
    "average-2-40-epochs-copies": (0.0071, lagged_average.Setup(2, 40, copies=True)),
    "average-3-40-epochs-copies": (0.0176, lagged_average.Setup(3, 40, copies=True)),
    "average-5-40-epochs-copies": (0.0206, lagged_average.Setup(5, 40, copies=True)),
}


def rows() -> list[Row]:
    """Return all rows, in the order of the table."""
    return [*_of_shampoo(), *_of_averages(), *_of_vowels(), _OF_SUNSPOTS]


def _of_shampoo() -> Iterable[Row]:
    yield Row(
        "shampoo-persistence",
        BROWNLEE,
        "rmse",
        2,
        Published(136.761, half=0.0005),
        lambda: shampoo.persistence(_sales()),
        {},
    )
    for name, (mean, std) in SHAMPOO.items():
        arm = shampoo.ARMS[name]
        yield Row(
            name,
            BROWNLEE,
            "rmse",
            2,
            Published(mean, std, n=10),
            partial(_score_arm, arm),
            {
                **arm._asdict(),
                **shampoo.TRAIN,
                "units": shampoo.UNITS,
                "seeds": shampoo.SEEDS,
                "epochs": shampoo.EPOCHS,
            },
        )


def _score_arm(arm: shampoo.Arm) -> np.ndarray:
    return shampoo.scores(arm, _sales())


def _of_averages() -> Iterable[Row]:
    for name, (mean, setup) in AVERAGES.items():
        yield Row(
            name,
            KNOWIT,
            "mse",
            5,
            Published(mean, half=0.00005),
            partial(lagged_average.scores, setup),
            {
                **setup._asdict(),
                **lagged_average.TRAIN,
                "units": lagged_average.UNITS,
                "runs": lagged_average.RUNS,
                "steps": lagged_average.STEPS,
            },
        )


def _of_vowels() -> Iterable[Row]:
    for name, by, theirs, members in (
        ("vowels-lstm", "kernels", Published(0.982, half=0.004), 1),
        ("vowels-ensemble", "Jap_Speak", Published(0.9886, half=0.00005), 11),
    ):
        yield Row(
            name,
            by,
            "acc.",
            4,
            theirs,
            partial(_score_vowels, members),
            {**vowels.settings(), "members": members, "runs": vowels.RUNS},
        )


_OF_SUNSPOTS = Row(
    "sunspots-12-months",
    "RStudio",
    "rmse",
    2,
    None,
    None,
    {},
    "needs several steps ahead",
)


def _aeon(needed_by: str) -> Path:
    example = EXAMPLES["vowels"]
    return datasets.package_folder(example.package, example.requirement, needed_by)


def _sales() -> np.ndarray:
    return datasets.shampoo(_aeon("a row of shampoo"))["target"].to_numpy(float)


def _score_vowels(members: int) -> np.ndarray:
    table = datasets.vowels_as_split(_aeon("a row of vowels"))
    with files.atomic_write(paths.VOWELS_AS_SPLIT) as stream:
        table.to_csv(stream, index=False)
    return vowels.scores(paths.VOWELS_AS_SPLIT, members=members)
