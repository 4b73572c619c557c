"""Which variants are trained, with how many networks, and which one is chosen."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from small_trainings import training

from statelab.data.sequences import Sequences
from statelab.evaluation import selection
from statelab.samples.windows import locate_predictions, make_windows, rewindow

OFFSETS, SPLIT = np.array([0, 64, 84, 104]), np.int8([0, 1, 2])
DATA = Sequences(
    np.zeros((104, 1), np.float32),
    OFFSETS,
    np.random.default_rng(0).normal(size=104).astype(np.float32),
)
WINDOWS = make_windows(OFFSETS, SPLIT, layout="per_timestep", segment_length=8)
SEEDS = 5


class Trained(NamedTuple):
    """What a training would leave behind."""

    history: pd.DataFrame
    predictions: np.ndarray
    visible_from: np.ndarray


def selected(errors, **changes):
    """Select among variants whose networks are wrong by so much."""
    trained = []

    def train(variant, number):
        seeds = variant.training.settings.seeds
        trained.append((variant.name, seeds, number))
        table = rewindow(WINDOWS, **variant.layout)
        count = int(table.answers[-1])
        step = locate_predictions(table, np.arange(count)).step
        wrong = np.array(errors[variant.name])[:seeds, None]
        epochs = pd.DataFrame({"seed": np.arange(seeds), "epoch": 1, "mae": 1.0})
        epochs = epochs.assign(validation_loss=1.0, test_loss=1.0, validation_mae=1.0)
        answers = np.float32(DATA.targets[step] + wrong)
        return Trained(epochs, answers, np.zeros(count, int))

    own = training(stateful=False, seeds=SEEDS, **changes)
    chosen = selection.select(
        DATA,
        [WINDOWS, WINDOWS],
        own,
        own.settings,
        None,
        lambda wanted: [train(*each) for each in wanted],
    )
    return chosen, trained


EVEN = [1.0] * SEEDS


def test_windows_that_nobody_asked_for_are_tried_with_a_few_networks():
    worse = [2.0] * SEEDS
    errors = {"in use": EVEN, "lookback 1": worse, "lookback 4": worse}
    chosen, trained = selected(errors, lookbacks="auto")
    assert trained == [
        ("in use", 5, 0),
        ("lookback 1", 3, 0),
        ("lookback 4", 3, 0),
        ("in use", 5, 1),
    ]
    assert [len(each.predictions) for each in chosen.predictions] == [5, 3, 3, 5]
    assert chosen.variant.name == "in use"


def test_the_best_of_them_gets_all_its_networks():
    errors = {"in use": EVEN, "lookback 1": [0.9] * 5, "lookback 4": [0.5] * 5}
    chosen, trained = selected(errors, lookbacks="auto")
    assert trained[3:] == [("lookback 4", 5, 0), ("lookback 4", 5, 1)]
    assert [len(each.predictions) for each in chosen.predictions] == [5, 3, 5, 5]
    assert [each.chosen for each in chosen.predictions] == [False, False, True, True]
    assert chosen.chosen.predictions.shape[0] == 5


def test_a_few_are_compared_with_as_many_of_those_in_use():
    """The mean of five is lower than that of a few others; of the same seeds it is
    not, and all networks decide."""
    errors = {
        "in use": [1.3, 1.3, 1.3, 0.1, 0.1],
        "lookback 1": [9.0] * 5,
        "lookback 4": [1.0, 1.0, 1.0, 1.0, 1.0],
    }
    chosen, trained = selected(errors, lookbacks="auto")
    assert ("lookback 4", 5, 0) in trained
    assert chosen.variant.name == "in use"
    assert [each.chosen for each in chosen.predictions] == [True, False, False, True]


@pytest.mark.parametrize("lookbacks", [[1, 4], [4]])
def test_windows_that_are_asked_for_have_all_their_networks(lookbacks):
    errors = {"in use": EVEN, "lookback 1": EVEN, "lookback 4": [0.5] * 5}
    _, trained = selected(errors, lookbacks=lookbacks)
    assert all(seeds == 5 for _, seeds, _ in trained)
