"""The compiled trainer: against its slow twins, and what it alone can do."""

import functools
import itertools
from random import Random

import explicit_state
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from statelab import callbacks
from statelab.config.values import Reset
from statelab.data.sequences import Sequences, at_the_end
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import expand, make_plan
from statelab.samples.windows import make_windows
from statelab.training import compiled, keras_fit, sizing, xla_program
from statelab.training.options import TrainOptions
from statelab.training.xla_program import Program


def shape(**changes) -> Architecture:
    small = Architecture(
        cell="lstm", head="binary", layers=1, units=3, features=2, outputs=1
    )
    return small._replace(**changes)


def initial(seeds=range(2), **changes):
    return keras_models.initial_weights(seeds, shape(**changes))


def every(table):
    return np.arange(len(table.split))


def train(
    engine,
    weights,
    data,
    plans,
    *,
    epochs=2,
    begun=None,
    active=None,
    network=None,
    **changes,
):
    """Return of each epoch the weights, the loss, the score and the state."""
    network = network or shape()
    options = {
        name: changes.pop(name)
        for name in ("by_loop", "after_chunk")
        if name in changes
    }
    burn_in, window = changes.pop("burn_in", 0), changes.pop("gradient_window", None)
    rule = {"name": "adam", "learning_rate": 0.02, "schedule": "cosine"}
    optimizer = Optimizer(
        **{**rule, "clipnorm": None, **changes},
        updates=epochs * plans(0)[0].batches,
    )
    how = TrainOptions(network, optimizer, window)
    state = begun or engine.start(weights, how)
    results = []
    for epoch in range(epochs):
        reader = ChunkReader(*data, plans(epoch), burn_in=burn_in)
        state = engine.train(state, reader, how, active=active, **options)
        trained = engine.weights_of(state, network)
        scores = state.loss.copy(), state.score.copy()
        results.append((trained, *scores, engine.state_of(state)))
    return results


def train_one_by_one(weights, *arguments, **changes):
    """Return what `train` does of two networks by one model of Keras: traced once."""
    results, seen = [], []
    for k in range(2):
        alone = {name: array[k : k + 1] for name, array in weights.items()}
        begun = seen[-1]._replace(weights=alone) if seen else None
        if begun:
            (model,) = begun.models
            model.set_weights([array[0] for array in alone.values()])
            for variable in model.optimizer.variables:
                if variable.name != "learning_rate":
                    variable.assign(tf.zeros_like(variable))
        results.append(
            train(
                keras_fit,
                alone,
                *arguments,
                begun=begun,
                after_chunk=seen.append,
                **changes,
            )
        )
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *results)


def predict(weights, data, table, plan, network):
    return compiled.predict(weights, ChunkReader(data, table, [plan]), network)


def assert_same(ours, theirs, tolerance=1e-5):
    for one, two in zip(ours, theirs, strict=True):
        assert list(one[0]) == list(two[0])
        for name in one[0]:
            np.testing.assert_allclose(
                one[0][name], two[0][name], atol=tolerance, err_msg=name
            )
        np.testing.assert_allclose(one[1], two[1], atol=tolerance)
        np.testing.assert_allclose(one[2], two[2], atol=1e-6)


STOCK = [
    # cell, head, optimizer, stateful, segment, batch, layers, clipnorm, schedule
    ("lstm", "binary", "adam", True, 1, 1, 1, None, "cosine"),
    ("lstm", "regression", "adam", True, 4, 3, 2, 0.05, "constant"),
    ("gru", "binary", "rmsprop", True, 8, 4, 1, 0.05, "cosine"),
    ("gru", "multiclass", "adam", False, 1, 5, 2, None, "constant"),  # 96 samples
    ("simple_rnn", "multiclass", "sgd", False, 4, 7, 1, 0.05, "cosine"),  # 24 samples
    ("simple_rnn", "binary", "adam", True, 1, 2, 2, None, "cosine"),
    ("lstm", "multiclass", "rmsprop", False, 8, 1, 2, None, "constant"),
]


@pytest.mark.parametrize(
    (
        *("cell", "head", "rule", "stateful", "segment", "batch", "layers"),
        *("clipnorm", "schedule"),
    ),
    STOCK,
)
def test_train_is_the_fit_of_keras(
    noise, cut, cell, head, rule, stateful, segment, batch, layers, clipnorm, schedule
):
    """12 sequences of 8 steps; weights, running loss and score, state, answers."""
    table = cut(noise, layout="per_timestep", segment_length=segment)
    if head == "multiclass":
        noise = noise._replace(targets=np.arange(96) * 7 // 3 % 3)
    plan = make_plan(table, every(table), batch_size=batch, stateful=stateful)
    network = shape(
        cell=cell, head=head, layers=layers, outputs=3 if head == "multiclass" else 1
    )
    weights = keras_models.initial_weights(range(2), network)
    how = {"name": rule, "clipnorm": clipnorm, "schedule": schedule}
    training = weights, (noise, table), lambda _: [plan]
    ours = train(compiled, *training, network=network, **how)
    theirs = train_one_by_one(*training, network=network, **how)
    assert_same(ours, theirs)
    last, *_, state = ours[-1]
    assert any((last[name] != weights[name]).any() for name in weights)
    if stateful:
        assert len(state) == len(theirs[-1][3]) == layers * (1 + (cell == "lstm"))
        for one, two in zip(state, theirs[-1][3], strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)
    a, b = (
        engine.predict(last, ChunkReader(noise, table, [plan]), network)
        for engine in (compiled, keras_fit)
    )
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert np.ptp(a) > 0.01  # the networks do answer, each sample in its own way


CELLS, BATCHES, SEGMENTS, LAYERS = (
    ("lstm", "gru", "simple_rnn"),
    (1, 8),
    (1, 4, 20),
    (1, 2),
)
EXACT = [
    # every pair of values of two columns is there once at least
    ("lstm", 1, 1, 1, None),
    ("lstm", 8, 4, 2, 2),
    ("lstm", 8, 20, 1, 5),
    ("gru", 8, 1, 2, None),
    ("gru", 1, 4, 1, None),
    ("gru", 1, 20, 2, 10),
    ("gru", 1, 1, 2, None),  # its product of one lane and one step is a case apart
    ("simple_rnn", 8, 1, 1, None),
    ("simple_rnn", 1, 4, 2, 1),
    ("simple_rnn", 8, 20, 2, None),
]
REST = [
    pytest.param(*case, None, marks=pytest.mark.slow)
    for case in itertools.product(CELLS, BATCHES, SEGMENTS, LAYERS)
    if (*case, None) not in EXACT
]


@pytest.mark.parametrize(("cell", "batch", "segment", "layers", "window"), EXACT + REST)
def test_train_is_keras_given_its_state(cut, cell, batch, segment, layers, window):
    """16 sequences of 7 to 26 steps, so that lanes are reset one by one, samples end
    early, and lanes run out; some samples do not count. At a rate of 0.02, 524
    updates of a simple RNN blow rounding up to 1.7e-5; at 0.01 to less than 1e-6."""
    rng = np.random.default_rng(5)
    lengths = rng.permutation(np.arange(16) * 21 // 16 + 7)
    offsets = np.append(0, np.cumsum(lengths))
    sequences = Sequences(
        rng.normal(size=(offsets[-1], 2)).astype(np.float32),
        offsets,
        rng.integers(0, 2, 16),
    )
    if segment == 20:  # of two samples the first does not count
        sequences = at_the_end(sequences)
    table = cut(sequences, layout="per_timestep", segment_length=segment)
    network = shape(cell=cell, layers=layers)
    weights = keras_models.initial_weights(range(2), network)

    def plans(epoch):
        return [
            make_plan(
                table,
                every(table),
                batch_size=batch,
                stateful=True,
                rng=np.random.default_rng(epoch),
            )
        ]

    written = expand(plans(0)[0], 0, plans(0)[0].batches)
    assert batch == 1 or (written.reset[1:] != written.reset[1:, :1]).any()
    ours = train(
        compiled,
        weights,
        (sequences, table),
        plans,
        network=network,
        learning_rate=0.01,
        clipnorm=0.1,
        gradient_window=window,
        burn_in=5,
    )
    optimizer = Optimizer("adam", 0.01, "cosine", 0.1, 2 * plans(0)[0].batches)
    twins = explicit_state.train(
        weights,
        sequences,
        table,
        [plans(epoch)[0] for epoch in range(2)],
        network=network,
        optimizer=optimizer,
        gradient_window=window,
        burn_in=5,
    )
    for k, (theirs, losses, state) in enumerate(twins):
        for (name, mine), other in zip(ours[-1][0].items(), theirs, strict=True):
            np.testing.assert_allclose(mine[k], other, atol=1e-5, err_msg=name)
        np.testing.assert_allclose([each[1][k] for each in ours], losses, atol=1e-5)
        for mine, other in zip(ours[-1][3], state, strict=True):
            np.testing.assert_allclose(mine[k], other, atol=1e-5)


def test_fit_is_the_loop_over_train_on_batch(noise, cut):
    table = cut(noise, layout="per_timestep", segment_length=4)
    plan = make_plan(table, every(table), batch_size=5, stateful=True)
    weights = initial(seeds=range(1))
    ours, theirs = (
        train(engine, weights, (noise, table), lambda _: [plan], clipnorm=0.05, **how)
        for engine, how in ((compiled, {}), (keras_fit, {"by_loop": True}))
    )
    assert_same(ours, theirs)


def test_fit_of_naive_batches_is_that_of_keras(noise, cut):
    table = cut(noise, layout="subsampled", window_length=5)
    plan = make_plan(
        table,
        every(table),
        batch_size=4,
        stateful=True,
        batching="contiguous",
        reset=Reset("never"),
    )
    weights = initial(seeds=range(1))
    ours, theirs = (
        train(engine, weights, (noise, table), lambda _: [plan])
        for engine in (compiled, keras_fit)
    )
    assert_same(ours, theirs)


def test_fit_follows_a_plan_of_its_own_for_each_seed(noise, cut):
    """Network k of a population is network k alone, shuffled or not."""
    table = cut(noise, layout="per_timestep", segment_length=2)
    weights = initial(seeds=range(3))

    def plans(epoch, seeds=range(3)):
        return [
            make_plan(
                table,
                every(table),
                batch_size=4,
                stateful=False,
                rng=np.random.default_rng((seed, epoch)),
            )
            for seed in seeds
        ]

    together = train(compiled, weights, (noise, table), plans)
    for k in range(3):
        alone = train(
            compiled,
            {name: array[k : k + 1] for name, array in weights.items()},
            (noise, table),
            lambda epoch, k=k: plans(epoch, [k]),
        )
        for name in weights:
            np.testing.assert_allclose(
                together[-1][0][name][k], alone[-1][0][name][0], atol=1e-6
            )


def test_fit_resets_one_lane_alone(ragged, cut):
    """Lanes of a batch give each sequence the answers that it gets by itself."""
    table = cut(ragged, layout="per_timestep")
    weights = initial()
    alone, together = (
        predict(
            weights,
            ragged,
            table,
            make_plan(table, every(table), batch_size=lanes, stateful=True),
            shape(),
        )
        for lanes in (1, 2)
    )
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.ptp(alone) > 0.01


def test_predict_carries_state_over_segments_as_if_there_were_none(ragged, cut):
    """However a sequence is cut, and where its last segment is short, the answer at
    each step is that of a stateless model which sees it from its first one on."""
    weights = initial(layers=2)
    whole = keras_models.build(shape(layers=2))
    expected = []
    for k in range(2):
        whole.set_weights([array[k] for array in weights.values()])
        expected.append(
            [
                whole(ragged.values[None, start : step + 1]).numpy().item()
                for start, stop in [(0, 5), (5, 8), (8, 12)]
                for step in range(start, stop)
            ]
        )
    for segment in (1, 2, 3, 5, 6):
        table = cut(ragged, layout="per_timestep", segment_length=segment)
        plan = make_plan(table, every(table), batch_size=2, stateful=True)
        answers = predict(weights, ragged, table, plan, shape(layers=2))
        np.testing.assert_allclose(answers, expected, atol=1e-6, err_msg=str(segment))


@functools.cache
def keras_answering_each_step(network):
    return keras_models.build(network, return_sequences=True)


@pytest.mark.parametrize("cell", CELLS)
@settings(max_examples=3, derandomize=True)  # each compiles anew
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=7),
    lanes=st.integers(1, 5),
    layout=st.sampled_from([("full", 1), *(("per_timestep", k) for k in (1, 2, 4))]),
    order=st.randoms(use_true_random=False),
)
@example([2, 9, 1, 4, 6], 3, ("per_timestep", 1), Random(1))
@example([5, 1, 8, 3], 2, ("per_timestep", 2), Random(2))
def test_predict_gives_each_ragged_sequence_what_it_gets_alone(
    cell, lengths, lanes, layout, order
):
    """In any order of the sequences, any number of lanes, and however they are cut:
    at each step the answer of stock Keras to that sequence alone."""
    rng = np.random.default_rng(len(lengths))
    offsets = np.append(0, np.cumsum(lengths))
    values = rng.normal(size=(offsets[-1], 2)).astype(np.float32)
    data = Sequences(values, offsets, np.zeros(len(lengths), int))
    table = make_windows(
        offsets,
        np.zeros(len(lengths), np.int8),
        layout=layout[0],
        window_length=1,
        stride=1,
        segment_length=layout[1],
    )
    network = shape(cell=cell, layers=2)
    weights = keras_models.initial_weights(range(2), network)
    visited = order.sample(range(len(lengths)), len(lengths))
    plan = make_plan(table, np.array(visited), batch_size=lanes, stateful=True)
    answers = predict(weights, data, table, plan, network)
    alone = keras_answering_each_step(network)
    for k in range(2):
        alone.set_weights([array[k] for array in weights.values()])
        for start, stop in zip(offsets[:-1], offsets[1:], strict=True):
            expected = alone(values[None, start:stop]).numpy().ravel()
            np.testing.assert_allclose(answers[k, start:stop], expected, atol=1e-6)


def test_predict_does_not_let_a_sequence_see_another(ragged, cut):
    table = cut(ragged, layout="per_timestep")
    plan = make_plan(table, every(table), batch_size=1, stateful=True)
    changed = ragged.values.copy()
    changed[:5] += 1  # sequence 0 alone
    before, after = (
        predict(initial(), ragged._replace(values=values), table, plan, shape())
        for values in (ragged.values, changed)
    )
    np.testing.assert_array_equal(before[:, 5:], after[:, 5:])
    assert (before[:, :5] != after[:, :5]).all()


def test_predict_without_state_sees_its_sample_alone(ragged, cut):
    table = cut(ragged, layout="per_timestep")
    plan = make_plan(table, every(table), batch_size=1, stateful=False)
    one_step = keras_models.build(shape())
    one_step.set_weights([array[1] for array in initial().values()])
    answers = predict(initial(), ragged, table, plan, shape())
    expected = one_step(ragged.values[:, None])[:, 0]
    np.testing.assert_allclose(answers[1], expected, atol=1e-6)


def test_predict_leaves_out_what_is_not_in_the_plan(ragged, cut):
    table = cut(ragged, layout="full")
    plan = make_plan(table, np.array([1]), batch_size=1, stateful=True)
    answers = predict(initial(), ragged, table, plan, shape())
    assert np.isnan(answers).tolist() == [[True] * 5 + [False] * 3 + [True] * 4] * 2


def test_fit_makes_no_update_on_a_batch_without_weight(noise, cut):
    """State moves on, but weights, moments and the count of updates stay."""
    table = cut(noise, layout="per_timestep", segment_length=4)
    noise = at_the_end(noise)
    plan = make_plan(table, every(table), batch_size=1, stateful=True)
    weights = initial(seeds=range(1))
    ours = train(compiled, weights, (noise, table), lambda _: [plan], epochs=1)[0]

    # The twin: Keras sees the first half of each sequence by prediction alone.
    model = keras_fit._compiled_model(
        [array[0] for array in weights.values()],
        ChunkReader(noise, table, [plan]),
        TrainOptions(shape(), Optimizer("adam", 0.02, "cosine", None, 24)),
    )
    x = noise.values.reshape(24, 4, 2)
    for sample in range(24):
        row = slice(sample, sample + 1)
        if sample % 2 == 0:
            callbacks.reset_states(model)
            model.predict_on_batch(x[row])
        else:
            y = np.zeros((1, 4, 1))
            y[0, 3] = noise.targets[4 * sample + 3]
            only_the_last = np.float32([[0, 0, 0, 1]])
            model.train_on_batch(x[row], y, sample_weight=only_the_last)
    for mine, theirs in zip(ours[0].values(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine[0], theirs, atol=1e-5)
    for mine, theirs in zip(ours[3], callbacks.states(model), strict=True):
        np.testing.assert_allclose(mine[0], theirs, atol=1e-5)


def test_fit_cuts_the_gradient_at_its_window(noise, cut):
    """One update with window 2 in samples of 4 moves weights along the gradient that
    is left when the state after step 2 is taken for a constant."""
    one = Sequences(noise.values[:4], np.array([0, 4]), noise.targets[:1])
    table = cut(one, layout="full")
    plan = make_plan(table, np.array([0]), batch_size=1, stateful=True)
    weights = initial(seeds=range(1))
    first = [array[0] for array in weights.values()]
    model = keras_models.build(shape())
    model.set_weights(first)
    x, target = one.values[None], one.targets[:, None]
    with tf.GradientTape() as tape:
        recurrent, dense = model.layers
        state, losses = [tf.zeros((1, 3)), tf.zeros((1, 3))], []
        for t in range(4):
            if t == 2:
                state = [tf.stop_gradient(part) for part in state]
            _, state = recurrent.cell(x[:, t], state)
            p = dense(state[0])
            losses.append(-tf.math.log(p if target.item() else 1 - p))
        loss = sum(losses) / 4
    gradients = tape.gradient(loss, model.trainable_variables)
    step = {
        window: train(
            compiled,
            weights,
            (one, table),
            lambda _: [plan],
            epochs=1,
            gradient_window=window,
            schedule="constant",
        )[0][0]
        for window in (2, 4)
    }
    # The first step of Adam moves each weight by rate · g / (|g| + 1e-7 / sqrt(0.001)).
    differs = False
    for name, before, gradient in zip(weights, first, gradients, strict=True):
        g = np.asarray(gradient)
        expected = before - 0.02 * g / (np.abs(g) + 1e-7 / np.sqrt(0.001))
        np.testing.assert_allclose(step[2][name][0], expected, atol=2e-5, err_msg=name)
        differs |= not np.allclose(step[4][name][0], expected, atol=2e-4)
    assert differs


def test_train_compiles_once(noise, cut, monkeypatch):
    """One program serves every chunk, the short last one too, and every epoch."""
    table = cut(noise, layout="per_timestep")
    plan = make_plan(table, every(table), batch_size=1, stateful=True)
    network = shape(units=4)
    monkeypatch.setattr(sizing, "CHUNK_FLOPS", 20 * sizing.flops(network, 1, 1))
    done = []
    train(
        compiled,
        initial(seeds=range(1), units=4),
        (noise, table),
        lambda _: [plan],
        network=network,
        clipnorm=12.3,  # a program of its own
        after_chunk=lambda state: done.append(state.batch),
    )
    assert done == [20, 40, 60, 80, 96] * 2
    optimizer = Optimizer("adam", 0.01, "cosine", 12.3, 192)
    program = xla_program.train_chunk(
        Program(
            network,
            optimizer.rule,
            gradient_window=1,
            ragged=False,
            lanes_apart=False,
            parts=1,
            cores=sizing.CORES,
            timesteps=1,
        )
    )
    assert program.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("shuffled", [False, True])
def test_networks_one_by_one_are_networks_together(noise, cut, monkeypatch, shuffled):
    """Multiplied one by one or together: the same weights, but for rounding."""
    table = cut(noise, layout="per_timestep", segment_length=4)
    plans = [
        make_plan(
            table,
            every(table),
            batch_size=5,
            stateful=True,
            rng=np.random.default_rng(seed),
        )
        for seed in range(3 if shuffled else 1)
    ]
    both = []
    for flops in (np.inf, 0):
        monkeypatch.setattr(sizing, "APART_FLOPS", flops)
        both.append(
            train(compiled, initial(seeds=range(3)), (noise, table), lambda _: plans)
        )
    assert_same(*both)


def test_train_side_by_side_is_train_alone(noise, cut, monkeypatch):
    """Lanes of one network on a core each: the same weights, but for rounding."""
    table = cut(noise, layout="per_timestep", segment_length=4)
    plan = make_plan(table, every(table), batch_size=5, stateful=True)
    both = []
    for flops in (np.inf, 0):
        monkeypatch.setattr(sizing, "SPLIT_FLOPS", flops)
        both.append(
            train(
                compiled,
                initial(seeds=range(1)),
                (noise, table),
                lambda _: [plan],
                clipnorm=0.05,
            )
        )
    assert_same(*both)
    for one, two in zip(both[0][-1][3], both[1][-1][3], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_train_leaves_networks_that_are_not_active(noise, cut):
    table = cut(noise, layout="per_timestep", segment_length=4)
    plan = make_plan(table, every(table), batch_size=5, stateful=True)
    weights = initial(seeds=range(3))
    active = np.array([True, False, True])
    some, all_of_them = (
        train(
            compiled,
            weights,
            (noise, table),
            lambda _: [plan],
            clipnorm=0.05,
            active=each,
        )
        for each in (active, None)
    )
    for name, before in weights.items():
        np.testing.assert_array_equal(some[-1][0][name][1], before[1])
        np.testing.assert_allclose(
            some[-1][0][name][active], all_of_them[-1][0][name][active], atol=1e-6
        )


@pytest.mark.parametrize("size", [16384, 3])
def test_train_follows_plans_of_different_lengths(ragged, cut, monkeypatch, size):
    """Ragged sequences shuffled anew fill their lanes up in more batches or in fewer;
    each network trains on all of its own, in one chunk or in several."""
    monkeypatch.setattr(sizing, "MAX_CHUNK", size)
    ragged = ragged._replace(
        offsets=np.array([0, 5, 8, 11, 12]), targets=np.array([1, 0, 1, 0])
    )
    table = cut(ragged, layout="per_timestep")

    def plans(epoch, seeds=(0, 3)):
        how = {"batch_size": 2, "stateful": True}
        return [
            make_plan(table, every(table), rng=np.random.default_rng(seed), **how)
            for seed in seeds
        ]

    assert plans(0)[0].batches < plans(0)[1].batches
    weights = initial()
    rule = {"schedule": "constant"}
    together = train(compiled, weights, (ragged, table), plans, **rule)
    for k, seed in enumerate((0, 3)):
        alone = train(
            compiled,
            {name: array[k : k + 1] for name, array in weights.items()},
            (ragged, table),
            lambda epoch, seed=seed: plans(epoch, [seed]),
            **rule,
        )
        for name in weights:
            np.testing.assert_allclose(
                together[-1][0][name][k], alone[-1][0][name][0], atol=1e-6
            )


@pytest.mark.parametrize(
    ("cell", "layers", "window", "gradient_window", "paddings"),
    [
        ("lstm", 1, 5, None, [8, 16]),
        ("gru", 2, 6, 2, [8]),
        ("simple_rnn", 2, 8, 4, [16]),
    ],
)
def test_padded_windows_train_and_answer_as_they_do_alone(
    noise, cut, cell, layers, window, gradient_window, paddings
):
    table = cut(noise, layout="subsampled", window_length=window)
    plan = make_plan(table, every(table), batch_size=5, stateful=False)
    network = shape(cell=cell, layers=layers)
    weights = initial(cell=cell, layers=layers)
    optimizer = Optimizer("adam", 0.02, "cosine", 0.5, plan.batches)
    options = TrainOptions(network, optimizer, gradient_window)
    results = []
    for padded_to in (None, *paddings):
        reader = ChunkReader(noise, table, [plan], padded_to=padded_to)
        state = compiled.train(compiled.start(weights, options), reader, options)
        trained = compiled.weights_of(state, network)
        predictions = compiled.predict(trained, reader, network)
        results.append([*trained.values(), predictions, *compiled.state_of(state)])
    for padded in results[1:]:
        for one, two in zip(results[0], padded, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_gradient_window_of_padded_windows_ends_at_their_last_step(noise, cut):
    """Of 5 steps the gradient reaches 2 back: as if carried state met a window of 2."""
    network, weights = shape(), initial()
    table = cut(noise, layout="subsampled", window_length=5)
    plan = make_plan(table, every(table)[:1], batch_size=1, stateful=False)

    def options(rate, window=None):
        return TrainOptions(
            network, Optimizer("sgd", rate, "constant", None, 1), window
        )

    def train(begun, of, rate, batch=0, window=None, padded_to=None):
        """Train on one window, the batch-th; state is zero before the first alone."""
        begun = begun._replace(batch=batch, batches=batch and batch + 1)
        plans = [plan._replace(batches=batch + 1, interval=None)]
        reader = ChunkReader(noise, of, plans, padded_to=padded_to)
        return compiled.train(begun, reader, options(rate, window))

    start = compiled.start(weights, options(0))
    padded = train(start, table, 0.5, window=2, padded_to=8)
    first_three = train(start, table._replace(length=table.length - 2), 0.0)
    # window 1 begins a step later than window 0: at the fourth step
    last_two = table._replace(first=table.first + 2, length=table.length - 3)
    carried = train(first_three, last_two, 0.5, batch=1)
    for one, two in zip(padded.matrices, carried.matrices, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    whole = train(start, table, 0.5, padded_to=8)
    assert abs(whole.matrices[0] - padded.matrices[0]).numpy().max() > 1e-4


@pytest.mark.parametrize("stops", [[24], [1, 7, 24]])
def test_a_pass_that_stops_goes_on_as_one_that_does_not(noise, cut, stops):
    """Every batch is an update, of which the next one's pace depends on the number."""
    network, weights = shape(), initial()
    table = cut(noise, layout="per_timestep", segment_length=4)
    plan = make_plan(table, every(table), batch_size=1, stateful=True)
    optimizer = Optimizer("adam", 0.02, "cosine", None, 24)
    options = TrainOptions(network, optimizer)
    reader = ChunkReader(noise, table, [plan])
    ours = begun = compiled.start(weights, options)
    for stop in stops:
        ours = compiled.train(ours, reader, options, until=stop)
        assert ours.updates.numpy().tolist() == [stop] * len(ours.updates)
    whole = compiled.train(begun, reader, options)
    for one, two in zip(ours.matrices, whole.matrices, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    np.testing.assert_allclose(ours.sums, whole.sums, rtol=1e-5)


def test_other_windows_and_rates_are_no_new_programs(noise, cut):
    network, weights = shape(units=4), initial(units=4)
    for window, gradient_window, rate in ((3, None, 0.1), (8, 2, 0.01), (7, 7, 0.02)):
        table = cut(noise, layout="subsampled", window_length=window)
        optimizer = Optimizer("adam", rate, "cosine", None, 3 + window)
        options = TrainOptions(network, optimizer, gradient_window)
        plan = make_plan(table, every(table), batch_size=3, stateful=False)
        reader = ChunkReader(noise, table, [plan], padded_to=8)
        compiled.train(compiled.start(weights, options), reader, options)
    program = xla_program.train_chunk(
        Program(
            network,
            optimizer.rule,
            gradient_window=None,
            ragged=False,
            lanes_apart=False,
            parts=sizing.CORES,
            cores=sizing.CORES,
            timesteps=8,
        )
    )
    assert program.experimental_get_tracing_count() == 1
