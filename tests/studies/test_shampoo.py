from importlib import util

import numpy as np
import pytest

from statelab.data.sequences import SPLITS
from statelab.evaluation.statistics import Interval
from statelab.networks import cells, keras_models
from statelab.studies import datasets, shampoo
from statelab.studies.shampoo import ARMS, Arm
from statelab.training import xla_program

# 17 months, of which no two differences are the same
SALES = np.array([3, 7, 5, 11, 6, 13, 9, 19, 12, 26, 17, 20, 38, 30, 52, 41, 66], float)


def test_a_sample_is_a_difference_and_its_target_the_next_one():
    sequences, windows, scaling = shampoo.prepare(SALES)
    # 16 differences: 4, -2, 6, -5, 7, …; 15 pairs, of which the last 12 test
    assert sequences.offsets.tolist() == [0, 3, 15]
    assert sequences.values[:4, 0].tolist() == [4, -2, 6, -5]
    assert sequences.targets[:4].tolist() == [-2, 6, -5, 7]
    assert sequences.targets[-1] == 66 - 41
    assert windows.split.tolist() == [SPLITS["train"], SPLITS["test"]]
    assert windows.samples.tolist() == [0, 3, 15]
    # of train: x from -2 to 6, y from -5 to 6
    assert (scaling.mean.item(), scaling.scale.item()) == (2, 4)
    assert (scaling.target_mean.item(), scaling.target_scale.item()) == (0.5, 5.5)


def test_the_last_months_before_the_test_can_train_alone():
    sequences, _, scaling = shampoo.prepare(SALES, train_months=2)
    assert sequences.offsets.tolist() == [0, 2, 14]
    assert sequences.values[:2, 0].tolist() == [-2, 6]
    assert scaling.target_scale.item() == (6 + 5) / 2


def test_persistence_is_the_root_mean_square_of_the_last_differences():
    change = np.diff(SALES)[-12:]
    assert shampoo.persistence(SALES).tolist() == [np.sqrt((change @ change) / 12)]


def test_every_arm_gives_an_error_for_each_network():
    for arm in ARMS.values():
        sales = np.append(SALES, SALES[::-1] + 7)  # enough for twelve to train on
        errors = shampoo.scores(arm, sales, seeds=2, epochs=1)
        assert errors.shape == (2,) and (errors > 0).all() and errors[0] != errors[1]


def test_groups_give_what_all_networks_at_once_give(monkeypatch):
    at_once = shampoo.scores(Arm("stateful"), SALES, seeds=3, epochs=2)
    monkeypatch.setattr(shampoo, "GROUP", 2)
    apart = shampoo.scores(Arm("stateful"), SALES, seeds=3, epochs=2)
    np.testing.assert_allclose(apart, at_once, rtol=1e-5)
    later = shampoo.scores(Arm("stateful", first_seed=2), SALES, seeds=1, epochs=2)
    np.testing.assert_allclose(later, at_once[2:], rtol=1e-5)


def test_in_a_batch_of_twelve_nothing_is_carried():
    """Each lane has one sample of an epoch: both of his arms are one training."""
    sales = np.append(SALES, SALES[::-1] + 7)
    stateful, stateless = (
        shampoo.scores(ARMS[f"shampoo-{mode}-batch-12"], sales, seeds=2, epochs=5)
        for mode in ("stateful", "stateless")
    )
    np.testing.assert_array_equal(stateful, stateless)


def test_state_of_train_goes_on_into_the_test_as_in_keras(monkeypatch):
    kept = []

    def spy(prepared, trained):
        kept.append((prepared, trained))
        return after_train(prepared, trained)

    after_train = shampoo.predict_after_train
    monkeypatch.setattr(shampoo, "predict_after_train", spy)
    errors = shampoo.scores(Arm("stateful", warm_up=True), SALES, seeds=2, epochs=3)
    ((prepared, trained),) = kept
    for number in range(2):
        model = keras_models.build(
            trained.architecture, batch_size=1, timesteps=1, stateful=True
        )
        model.set_weights([weight[number] for weight in trained.weights.values()])
        x = (prepared.sequences.values - prepared.scaling.mean) / prepared.scaling.scale
        scaled = [model.predict_on_batch(step[None, None])[0, 0] for step in x]
        change = np.array(scaled) * prepared.scaling.target_scale
        change += prepared.scaling.target_mean
        # a forecast is the month before and the difference
        forecast = SALES[-13:-1] + change[-12:]
        error = np.sqrt(np.mean((forecast - SALES[-12:]) ** 2))
        assert errors[number] == pytest.approx(error, rel=1e-4)
    cold = shampoo.scores(Arm("stateful"), SALES, seeds=2, epochs=3)
    assert (cold != errors).all()


def test_findings_compare_arms_and_name_the_highest():
    ours = {
        "shampoo-persistence": Interval(136.76, None, None, None, 1),
        "shampoo-stateful": Interval(100.0, 8.0, 99.5, 100.5, 1000),
        "shampoo-stateless": Interval(95.0, 1.0, 94.9, 95.1, 1000),
        "shampoo-stateless-shuffled": Interval(95.02, 1.0, 94.9, 95.1, 1000),
    }
    # √(64/1000 + 1/1000) = 0.255, times 1.96
    assert shampoo.findings(ours) == [
        "stateless minus stateful: -5.00 [-5.50, -4.50], a difference",
        "shuffled minus in order: +0.02 [-0.07, 0.11], no difference seen",
        # 2.1009 · 8 · √(2/10)
        "two equal stateful arms of 10 runs differ by up to 7.52, 95 times in 100",
        "persistence: 136.76, above the interval of every arm; the highest is that of "
        "shampoo-stateful",
    ]
    low = {**ours, "shampoo-persistence": Interval(100.2, None, None, None, 1)}
    assert "100.20, not above the interval of every arm" in shampoo.findings(low)[-1]
    assert shampoo.findings({}) == []


@pytest.mark.slow
def test_with_the_gates_of_keras_2_errors_spread_as_he_has_them(monkeypatch):
    """Keras had a hard sigmoid for gates in 2017: docs/external.md."""
    import tensorflow as tf

    def hard(projections, state):
        (z,), (_, c) = projections, state
        i, f, g, o = tf.split(z, 4, axis=-1)
        gate = [tf.clip_by_value(0.2 * part + 0.5, 0.0, 1.0) for part in (i, f, o)]
        c = gate[1] * c + gate[0] * tf.tanh(g)
        return gate[2] * tf.tanh(c), c

    if util.find_spec("aeon") is None:
        pytest.skip("aeon is not installed: make examples")
    folder = datasets.package_folder("aeon", "aeon==1.6.0", "a test")
    sales = datasets.shampoo(folder)["target"].to_numpy(float)
    arms = [ARMS["shampoo-stateless"], ARMS["shampoo-stateful"]]
    now = [shampoo.scores(arm, sales, seeds=250) for arm in arms]
    monkeypatch.setattr(cells, "lstm", hard)
    for program in (xla_program.train_chunk, xla_program.predict_chunk):
        program.cache_clear()
    then = [shampoo.scores(arm, sales, seeds=250) for arm in arms]
    for program in (xla_program.train_chunk, xla_program.predict_chunk):
        program.cache_clear()
    # his are 95.66 ± 1.92 and 103.14 ± 7.11
    assert np.std(now[0]) < 1.3 < 1.5 < np.std(then[0])
    assert abs(then[0].mean() - 95.66) < 0.5
    assert abs(then[1].mean() - 103.14) < abs(now[1].mean() - 103.14)
