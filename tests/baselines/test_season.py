import numpy as np
import pytest

from statelab.baselines import season
from statelab.data.sequences import Sequences
from statelab.samples.windows import make_windows


def guess(*series, split=None):
    offsets = np.append(0, np.cumsum([len(one) for one in series]))
    values = np.float32(np.concatenate(series))[:, None]
    data = Sequences(values, offsets, np.zeros(len(values)))
    splits = np.zeros(len(series), np.int8) if split is None else np.int8(split)
    return season.guess(data, make_windows(offsets, splits, layout="full"), 0)


def test_a_trend_does_not_hide_a_season():
    step = np.arange(120)
    rng = np.random.default_rng(1)
    series = 100 * 1.01**step * (1 + 0.3 * np.sin(step * 2 * np.pi / 12))
    assert guess(series + rng.normal(0, 2, 120)) == 12


def test_of_a_day_and_a_week_the_stronger_one_is_taken():
    step = np.arange(2000)
    rng = np.random.default_rng(2)
    daily = np.sin(step * 2 * np.pi / 24)
    weekend = 0.3 * (step // 24 % 7 >= 5)
    assert guess(daily + weekend + rng.normal(0, 0.05, 2000)) in (24, 168)
    assert guess(daily + rng.normal(0, 0.05, 2000)) == 24


def test_of_a_season_and_its_multiples_the_season_is_taken_and_no_neighbour():
    rng = np.random.default_rng(3)
    day = rng.normal(size=8)
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(0, 0.3, 480)
        assert guess(np.tile(day, 60) + noise) == 8
    step = np.arange(98)  # of passengers: at times 11 months are as alike as 12
    year = 1 + 0.2 * np.sin(step * np.pi / 6) + 0.05 * np.sin(step * np.pi / 3)
    for seed in range(20):
        noise = np.exp(0.03 * np.random.default_rng(seed).normal(size=98))
        assert guess((100 + 2.5 * step) * year * noise) == 12


@pytest.mark.parametrize("seed", range(5))
def test_nothing_recurs_in_noise_and_in_a_random_walk(seed):
    noise = np.random.default_rng(seed).normal(size=400)
    assert guess(noise) is None
    assert guess(np.cumsum(noise)) is None


def test_sequences_are_counted_by_their_steps_and_train_alone():
    step = np.arange(300)
    sevens, fives = np.float32(step % 7 == 0), np.float32(step % 5 == 0)
    assert guess(sevens, fives[:90]) == 7
    assert guess(sevens, fives, fives, split=[0, 1, 2]) == 7


def test_what_is_too_short_or_constant_has_no_season():
    assert guess(np.arange(5.0)) is None
    assert guess(np.ones(50)) is None
    assert guess(np.ones(50), split=[2]) is None
