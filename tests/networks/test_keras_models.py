import functools
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statelab.config.networks import CELLS
from statelab.config.values import ForgetBias
from statelab.errors import UserError
from statelab.networks import keras_models, saving
from statelab.networks.architecture import Architecture
from statelab.samples.scaling import Scaling

SMALL = Architecture("lstm", "binary", layers=2, units=3, features=2, outputs=1)


def test_initial_weights_are_those_of_the_model_built_from_each_seed():
    weights = keras_models.initial_weights(range(4, 6), SMALL)
    assert list(weights) == [
        *("lstm_0/kernel", "lstm_0/recurrent_kernel", "lstm_0/bias"),
        *("lstm_1/kernel", "lstm_1/recurrent_kernel", "lstm_1/bias"),
        *("dense/kernel", "dense/bias"),
    ]
    for k, seed in enumerate((4, 5)):
        built = keras_models.build(SMALL, seed=seed).get_weights()
        for mine, theirs in zip(weights.values(), built, strict=True):
            np.testing.assert_array_equal(mine[k], theirs)


def test_initial_weights_differ_between_seeds_and_between_layers():
    weights = keras_models.initial_weights(range(2), SMALL)
    kernels = weights["lstm_0/recurrent_kernel"], weights["lstm_1/recurrent_kernel"]
    assert (kernels[0][0] != kernels[0][1]).any()
    assert (kernels[0][0] != kernels[1][0]).any()


def test_initial_weights_have_the_forget_bias_of_keras():
    bias = keras_models.initial_weights(range(1), SMALL)["lstm_0/bias"][0]
    assert bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6  # gates i, f, g, o


def test_load_gives_back_one_network_for_any_batch_and_length(tmp_path):
    weights = keras_models.initial_weights(range(3), SMALL)
    saving.write(tmp_path, weights, SMALL)
    x = np.random.default_rng(0).normal(size=(4, 7, 2)).astype(np.float32)
    expected = keras_models.build(SMALL, seed=1)(x)
    loaded = keras_models.load(tmp_path, network=1)
    np.testing.assert_allclose(loaded(x), expected, atol=1e-6)
    assert loaded.input_shape == (None, None, 2)


def test_gru_keeps_its_two_biases_apart():
    weights = keras_models.initial_weights(range(2), SMALL._replace(cell="gru"))
    assert weights["gru_1/bias"].shape == (2, 2, 9)


@pytest.mark.parametrize("cell", CELLS)
def test_twins_saved_as_keras_files_answer_alike(tmp_path, cell):
    """The stateful one in segments of 2, 1 and 4 steps, the stateless one at once."""
    small = SMALL._replace(cell=cell)
    saving.write(tmp_path, keras_models.initial_weights(range(2), small), small)
    x = np.random.default_rng(0).normal(size=(3, 7, 2), scale=9).astype(np.float32)
    for name, options in [
        ("stateless", {}),
        ("stateful", {"stateful": True, "batch_size": 3}),
    ]:
        keras_models.load(tmp_path, network=1, **options).save(
            tmp_path / f"{name}.keras"
        )
    stateless, stateful = (
        keras.models.load_model(tmp_path / f"{name}.keras")
        for name in ("stateless", "stateful")
    )
    for start, stop in [(0, 2), (2, 3), (3, 7)]:
        answer = stateful(x[:, start:stop])
    np.testing.assert_allclose(answer, stateless(x), atol=1e-6)
    assert np.ptp(answer) > 0.01


def test_load_names_the_networks_that_there_are(tmp_path):
    saving.write(tmp_path, keras_models.initial_weights(range(3), SMALL), SMALL)
    with pytest.raises(UserError, match="from 0 to 2, one for each seed. Received: 3"):
        keras_models.load(tmp_path, network=3)
    with pytest.raises(UserError, match="holds no model. Run `dvc repro`"):
        keras_models.load(tmp_path / "elsewhere")


def test_write_gives_the_same_bytes_for_the_same_weights(tmp_path):
    for name in ("one", "two"):
        weights = keras_models.initial_weights(range(2), SMALL)
        saving.write(tmp_path / name, weights, SMALL)
    one, two = (tmp_path / name / "weights.npz" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_stateful_model_needs_its_batch_size():
    model = keras_models.build(SMALL, stateful=True, batch_size=3, timesteps=1)
    with pytest.raises(ValueError, match="batch"):
        model(np.zeros((2, 1, 2), np.float32))


def test_chrono_spreads_the_forget_gates_over_the_longest_sequence():
    """A gate of bias b forgets within about 1 + exp(b) steps."""
    network = SMALL._replace(units=200, features=1)
    bias = {"forget_bias": ForgetBias("chrono"), "longest": 101}
    unit = keras_models.initial_weights(range(3, 5), network)
    chrono = keras_models.initial_weights(range(3, 5), network, **bias)
    assert (unit["lstm_1/bias"][:, 200:400] == 1).all()
    for layer in ("lstm_0", "lstm_1"):
        biases = chrono[f"{layer}/bias"]
        steps = np.exp(biases[:, 200:400])
        assert 1 <= steps.min() < 5 and 95 < steps.max() <= 100
        assert steps.mean() == pytest.approx(50, rel=0.1)
        np.testing.assert_array_equal(biases[:, :200], -biases[:, 200:400])
        assert not biases[:, 400:].any()
        assert (biases[0] != biases[1]).any()
    assert (chrono["lstm_0/bias"] != chrono["lstm_1/bias"]).any()
    alone = keras_models.initial_weights(range(4, 5), network, **bias)
    for name, array in alone.items():
        np.testing.assert_array_equal(array[0], chrono[name][1])
        if "bias" not in name:
            np.testing.assert_array_equal(chrono[name], unit[name])


def test_a_scaled_network_takes_and_gives_the_units_of_the_sequences(tmp_path):
    shape = SMALL._replace(head="regression")
    weights = keras_models.initial_weights(range(2), shape)
    parts = ([5, 0], [2, 1e-9], [100], [30])
    scaling = Scaling(*(np.float32(part) for part in parts))
    saving.write(tmp_path, weights, shape)
    plain = keras_models.load(tmp_path, network=1)
    saving.write(tmp_path, weights, shape, scaling)
    keras_models.load(tmp_path, network=1).save(tmp_path / "scaled.keras")
    scaled = keras.models.load_model(tmp_path / "scaled.keras")
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    raw = np.float32(x * [2, 1e-9] + [5, 0])
    np.testing.assert_allclose(scaled(raw), plain(x) * 30 + 100, rtol=1e-6)


@functools.cache
def stock_and_with_state(cell: str, layers: int, scaled: bool):
    shape = SMALL._replace(cell=cell, layers=layers, head="regression")
    scaling = Scaling(*map(np.float32, ([5, 0], [2, 3], [1], [2]))) if scaled else None
    weights = keras_models.initial_weights(range(2), shape)
    stock = keras_models.build(shape, scaling=scaling, return_sequences=True)
    stock.set_weights([array[1] for array in weights.values()])
    with tempfile.TemporaryDirectory() as folder:
        saving.write(Path(folder), weights, shape, scaling)
        return stock, keras_models.with_state(Path(folder), network=1)


@settings(max_examples=20)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    layers=st.integers(1, 2),
    scaled=st.booleans(),
    cuts=st.sets(st.integers(1, 6)),
)
def test_pieces_with_the_state_handed_on_are_answered_as_the_whole(
    cell, layers, scaled, cuts
):
    """And the whole as by stock Keras layers, which begin with zeros."""
    stock, model = stock_and_with_state(cell, layers, scaled)
    x = np.random.default_rng(0).normal(size=(2, 7, 2), scale=3).astype(np.float32)
    width = SMALL._replace(cell=cell, layers=layers).state_width
    zeros = np.zeros((2, width), np.float32)
    whole, after = model([x, zeros])
    np.testing.assert_allclose(whole, stock(x), rtol=1e-6, atol=1e-6)
    edges = [0, *sorted(cuts), 7]
    state, parts = zeros, []
    for start, stop in zip(edges, edges[1:], strict=False):
        answers, state = map(np.asarray, model([x[:, start:stop], state]))
        parts.append(answers)
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(state, after, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_an_architecture_counts_the_weights_that_keras_makes(cell):
    network = Architecture(cell, "multiclass", layers=2, units=3, features=5, outputs=2)
    built = keras_models.build(network)
    assert network.parameters == built.count_params()
