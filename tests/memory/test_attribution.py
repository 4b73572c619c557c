"""On a network that is a delay line: it predicts the value of two time steps before."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from project_params import generate, window
from small_trainings import training

from statelab.data import tasks
from statelab.data.sequences import Sequences
from statelab.memory import (
    attribution,
    budget,
    input_gradients,
    input_history,
    summary,
    summary_text,
    warm_up,
)
from statelab.networks import keras_models, saving
from statelab.networks.architecture import Architecture
from statelab.networks.saving import TrainedNetworks
from statelab.pipeline.progress import Silent
from statelab.samples import splitting
from statelab.samples.scaling import Scaling
from statelab.samples.target_changes import TargetChange, UserUnits
from statelab.samples.windows import make_windows
from statelab.training import trainer

LINE = TrainedNetworks(
    weights={
        "simple_rnn_0/kernel": np.float32([[[0.5, 0, 0]]]),
        "simple_rnn_0/recurrent_kernel": np.float32([[[0, 1, 0], [0, 0, 1], [0] * 3]]),
        "simple_rnn_0/bias": np.zeros((1, 3), np.float32),
        "dense/kernel": np.float32([[[0], [0], [4]]]),
        "dense/bias": np.zeros((1, 1), np.float32),
    },
    architecture=Architecture(
        "simple_rnn", "regression", layers=1, units=3, features=1, outputs=1
    ),
    scaling=None,
)
OFFSETS = np.array([0, 7, 13, 22, 30])
VALUES = np.random.default_rng(5).normal(size=(30, 1)).astype(np.float32)


def delayed(x):
    return 4 * np.tanh(np.tanh(np.tanh(x / 2)))


def data() -> Sequences:
    """Each step's target is what the line predicts for the sequence; 0 at the first."""
    targets = np.append([0, 0], delayed(VALUES[:-2, 0]))
    targets[np.add.outer(OFFSETS[:-1], [0, 1])] = 0
    return Sequences(VALUES, OFFSETS, targets.astype(np.float32))


def windows(**layout):
    return make_windows(OFFSETS, np.full(4, 2, np.int8), **layout)


def measured(stateful=True, reset="sequence", **layout):
    return attribution.measure(
        LINE,
        data(),
        windows(**layout),
        stateful=stateful,
        reset=reset,
        rng=np.random.default_rng(0),
    )


MODES = ("stateless", "stateful")
SEGMENTS = {"layout": "per_timestep", "segment_length": 1}


@pytest.mark.parametrize(
    ("settings", "lag"),
    [
        ({"stateful": True, **SEGMENTS}, 2),
        ({"stateful": True, "reset": "every_2", **SEGMENTS}, None),
        ({"stateful": False, **SEGMENTS}, None),
        ({"stateful": False, "layout": "full"}, 2),
        ({"stateful": False, "layout": "subsampled", "window_length": 3}, 2),
        # the window before ends with the step that this one begins with: reads in a
        # row are 0 1, 1 2, 2 3, and two before the last one is the last of those before
        ({"stateful": True, "layout": "subsampled", "window_length": 2}, 1),
    ],
)
def test_the_lag_of_a_delay_line_is_measured(settings, lag):
    table = measured(**settings)
    of_mode = summary.of_mode(table)
    for measure in summary.MEASURES:
        assert of_mode[measure]["memory"] == of_mode[measure]["peak"] == lag
        elsewhere = table.loc[table["lag"] != lag, measure]
        np.testing.assert_allclose(elsewhere, 0, atol=1e-6)


def test_the_slope_of_a_delay_line_is_the_product_of_its_own():
    table = measured(layout="full")
    slopes = []
    for first, stop in zip(OFFSETS[:-1], OFFSETS[1:], strict=True):
        x = VALUES[first : stop - 2, 0] / 2  # those that have a step two after them
        one, two, three = np.tanh(x), np.tanh(np.tanh(x)), delayed(2 * x) / 4
        slopes += (2 * (1 - one**2) * (1 - two**2) * (1 - three**2)).tolist()
    at_lag = table.loc[table["lag"] == 2]
    assert at_lag["predictions"].item() == len(slopes) == 22
    np.testing.assert_allclose(at_lag["slope"], np.mean(slopes), rtol=1e-5)


def test_a_burn_in_of_two_steps_is_as_good_as_carrying_to_a_delay_line():
    cut = windows(**SEGMENTS)
    table = warm_up.score_by_burn_in(
        LINE,
        data(),
        cut,
        data().targets[None],  # what the line predicts with state carried
        reset="sequence",
        rng=np.random.default_rng(0),
    )
    scored = summary.of_warm_up(table, "rmse")
    assert list(scored["burn_in"]) == ["1", "2", "4"]
    nothing = np.sqrt((data().targets ** 2).mean())  # zeros are predicted
    for too_few in (scored["zero_state"], scored["burn_in"]["1"]):
        np.testing.assert_allclose(too_few["mean"], nothing, rtol=1e-5)
    np.testing.assert_allclose(scored["burn_in"]["2"]["mean"], 0, atol=1e-6)
    assert scored["carried"]["mean"] == 0


@pytest.mark.parametrize("naive", [True, False])
def test_what_cannot_be_warmed_up_is_not_tried(monkeypatch, naive):
    if not naive:  # samples of one step, of which not two may be read
        monkeypatch.setattr(input_history, "MOST_INPUTS", 2)
    table = warm_up.score_by_burn_in(
        LINE,
        data(),
        windows(**SEGMENTS),
        data().targets[None],
        reset="sequence",
        naive=naive,
        rng=np.random.default_rng(0),
    )
    scored = summary.of_warm_up(table, "rmse")
    assert list(scored["burn_in"]) == ([] if naive else ["1"])
    assert (scored["zero_state"] is None) == naive
    summaries = {mode: summary.of_mode(measured(**SEGMENTS)) for mode in MODES}
    text = summary_text.in_words({**summaries, "warm_up": scored})["warm_up"]
    assert text.startswith("no burn-in was tried: samples were put into lanes") == naive


def test_lags_that_no_window_reads_have_no_effect():
    layout = {"layout": "subsampled", "window_length": 1, "stride": 3}
    table = measured(stateful=True, **layout)
    unread = table.loc[table["lag"] % 3 != 0]
    assert len(unread) and (unread["predictions"] == 0).all()
    assert (unread[["change", "slope"]] == 0).all(axis=None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "head", "outputs"), [("lstm", "multiclass", 3), ("gru", "regression", 1)]
)
def test_both_measures_are_those_of_keras(tmp_path, cell, head, outputs):
    """The slow twin: stock Keras, one prediction and one lag at a time."""
    network = Architecture(cell, head, layers=2, units=3, features=2, outputs=outputs)
    scaling = Scaling(*map(np.float32, ([0.5, -1], [2, 3], [0.25], [1.5])))
    if head != "regression":
        scaling = scaling._replace(
            target_mean=np.zeros(1, np.float32), target_scale=np.ones(1, np.float32)
        )
    weights = keras_models.initial_weights(range(2), network)
    saving.write(tmp_path, weights, network, scaling)
    networks = saving.read(tmp_path, network=None)
    values = np.random.default_rng(1).normal(size=(30, 2)).astype(np.float32)
    targets = np.zeros(30, np.float32 if head == "regression" else int)
    steps = Sequences(values, OFFSETS, targets)
    cut = windows(layout="full")
    number = np.array([3, 8, 16, 21])
    history = input_history.inputs_of(cut, number, stateful=False)
    replacement = input_history.replacement_steps(
        cut,
        np.array([0, 1, 2, 2]),
        history,
        np.arange(4),
        np.random.default_rng(2),
    )
    edges = np.array([0, 1, 2, 5, 9])  # stretches of 1, 1, 3 and 4 lags
    change = attribution.occlusion(networks, steps, history, replacement, edges)
    slope = attribution.gradient(networks, steps, history, edges)
    for seed in range(2):
        model = keras_models.load(tmp_path, network=seed)
        lagged = {low: ([], []) for low in edges[:-1]}
        for row, length in enumerate(history.length):
            x = values[history.step[row, :length]]
            before = model(x[None])[0].numpy()
            slopes = slope_in_keras(model, x[None], scaling, head)
            for low, high in zip(edges[:-1], edges[1:], strict=True):
                hidden = np.arange(length)[::-1]  # the lag of each input
                hidden = (hidden >= low) & (hidden < high)
                if not hidden.any():
                    continue
                other = np.where(hidden[:, None], values[replacement[row, :length]], x)
                moved = abs(model(other[None])[0].numpy() - before).sum()
                lagged[low][0].append(moved / (1 if outputs == 1 else 2))
                lagged[low][1].append(np.linalg.norm(slopes[hidden]))
        for nth, (changes, norms) in enumerate(lagged.values()):
            np.testing.assert_allclose(change[seed, nth], np.mean(changes), atol=1e-5)
            np.testing.assert_allclose(slope[seed, nth], np.mean(norms), atol=1e-5)


def slope_in_keras(model, x, scaling, head):
    """The gradient of a prediction by scaled inputs, [steps, features]."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        predicted = model(x)[0]
        if head == "multiclass":
            best = keras.ops.argmax(predicted)
            slope_of = tf.math.log(predicted[best]) - tf.math.log(1 - predicted[best])
        else:
            slope_of = predicted[0] / scaling.target_scale[0]
    return tape.gradient(slope_of, x)[0].numpy() * scaling.scale


def test_a_step_that_is_read_twice_counts_with_both():
    """h = tanh(x/2) of two reads of the same step; the later one alone is predicted."""
    network = LINE.architecture
    lag = np.array([[1, 1, 0, 0]])  # the delay line shows the second read
    slope = input_gradients.by_lag(
        LINE.weights, network, np.float32([[[0.3], [0.7]]]), lag, np.array([4])
    )
    one = np.tanh(0.35)
    two = np.tanh(one)
    expected = 2 * (1 - one**2) * (1 - two**2) * (1 - np.tanh(two) ** 2)
    np.testing.assert_allclose(slope[0, 0], [0, expected], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "layout", "stateful", "lag"),
    [
        ({"task": "lagged_copy", "lag": 2}, {"layout": "full"}, False, 2),
        ({"task": "lagged_copy", "lag": 3}, {"layout": "full"}, False, 3),
        ({"task": "first_step"}, SEGMENTS, True, 8),
        (
            {"task": "first_step"},
            {"layout": "subsampled", "window_length": 4, "stride": 1},
            False,
            3,
        ),
    ],
)
def test_trained_networks_look_back_as_far_as_their_task(task, layout, stateful, lag):
    made = tasks.make(generate(sequences=400, length=9, **task), seed=0)
    cut = splitting.split_and_window(made, window(test_size=100, **layout), seed=0)
    small = training(stateful=stateful, seed=0, units=10, epochs=40, batch_size=4)
    trained = trainer.train(made, cut, small, progress=Silent())
    table = attribution.measure(
        TrainedNetworks(trained.weights, trained.architecture, None),
        made,
        cut,
        stateful=stateful,
        rng=np.random.default_rng(0),
    )
    change = summary.of_mode(table)["change"]
    assert change["memory"] == change["peak"] == lag
    assert change["shortest"] == change["longest"] == lag


def test_memory_is_measured_only_within_what_may_be_read(monkeypatch):
    monkeypatch.setattr(budget, "ALWAYS", 0)
    cut = windows(layout="full")
    lags, inputs, predictions = 9, 9, 30  # the longest sequence has 9 steps
    cost = lags * inputs * predictions

    def measure(most):
        rng = np.random.default_rng(0)
        return attribution.measure(
            LINE, data(), cut, stateful=False, most=most, rng=rng
        )

    assert measure(cost - 1) is None
    pd.testing.assert_frame_equal(measure(cost), measured(False, layout="full"))


def levels() -> UserUnits:
    """Levels from which the targets of `data` are differences."""
    level = 50 + 7 * np.random.default_rng(6).normal(size=30).astype(np.float32)
    user = data()._replace(values=level[:, None], targets=level + data().targets)
    return UserUnits(user, TargetChange("difference", 0, horizon=1))


@pytest.mark.parametrize("layout", [SEGMENTS, {"layout": "full"}])
def test_effects_and_scores_of_differences_are_those_of_their_levels(layout):
    table, units = windows(**layout), levels()
    of_levels = attribution.measure(
        LINE, data(), table, stateful=True, units=units, rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(of_levels, measured(**layout), atol=1e-4)
    carried = units.data.targets[None]
    scored, plain = (
        warm_up.score_by_burn_in(
            LINE,
            data(),
            table,
            predicted,
            reset="sequence",
            units=known,
            rng=np.random.default_rng(0),
        )
        for predicted, known in ((carried, units), (data().targets[None], None))
    )
    np.testing.assert_allclose(scored, plain, atol=1e-5)


def test_an_effect_on_a_logarithm_is_in_values():
    """Another input at lag 2 changes a prediction p to q: b e^p to b e^q."""
    units = UserUnits(levels().data, TargetChange("log_difference", 0, horizon=1))
    number = np.array([4, 20])  # flat steps, each a prediction
    table = windows(layout="full")
    history = input_history.inputs_of(table, number, stateful=True)
    replacement = np.where(history.lag == 2, 9, history.step)
    change = attribution.occlusion(
        LINE, data(), history, replacement, np.array([2, 3]), units
    )
    base = units.data.values[number, 0]
    before, after = delayed(VALUES[number - 2, 0]), delayed(VALUES[9, 0])
    expected = (base * abs(np.exp(after) - np.exp(before))).mean()
    np.testing.assert_allclose(change, [[expected]], rtol=1e-4)
