"""The compiled trainer: against its slow twin, and what it alone can do."""

import numpy as np
import pytest
import tensorflow as tf

from statelab import layouts, models, reference, training
from statelab.training import Optimizer


def initial(features=2, seeds=range(2), units=3, layers=1):
    return models.initial_weights(
        seeds, cell="lstm", units=units, layers=layers, features=features
    )


def train(engine, weights, samples, plans, *, layers=1, epochs=2, **changes):
    changes = {"gradient_window": None, **changes}
    optimizer = Optimizer(
        name="adam",
        learning_rate=0.02,
        schedule=changes.pop("schedule", "cosine"),
        clipnorm=changes.pop("clipnorm", None),
        updates=epochs * len(plans(0)[0].sample),
    )
    return list(
        engine(
            weights,
            samples,
            plans,
            cell="lstm",
            layers=layers,
            epochs=epochs,
            optimizer=optimizer,
            report=lambda done, total: None,
            **changes,
        )
    )


def assert_same(ours, theirs, tolerance=1e-5):
    for one, two in zip(ours, theirs, strict=True):
        assert list(one.weights) == list(two.weights)
        for name in one.weights:
            np.testing.assert_allclose(
                one.weights[name], two.weights[name], atol=tolerance, err_msg=name
            )
        np.testing.assert_allclose(one.loss, two.loss, atol=tolerance)
        np.testing.assert_allclose(one.accuracy, two.accuracy, atol=1e-6)


GRID = [
    # stateful, segment, batch, layers, clipnorm, schedule; 12 sequences of 8 steps
    (True, 1, 1, 1, None, "cosine"),
    (True, 4, 3, 2, 0.05, "constant"),
    (True, 8, 4, 1, 0.05, "cosine"),
    (False, 1, 5, 1, None, "constant"),  # 96 samples: the last batch has one
    (False, 4, 7, 1, 0.05, "cosine"),  # 24 samples: the last batch has three
    (False, 8, 1, 2, None, "constant"),
]


@pytest.mark.parametrize(
    ("stateful", "segment", "batch", "layers", "clipnorm", "schedule"), GRID
)
def test_fit_is_the_fit_of_keras(
    noise, cut, stateful, segment, batch, layers, clipnorm, schedule
):
    table, samples = cut(noise, layout="per_timestep", segment_length=segment)
    plan = layouts.plan(
        table, np.arange(len(table.first)), batch_size=batch, stateful=stateful
    )
    weights = initial(layers=layers)
    ours, theirs = (
        train(
            engine,
            weights,
            samples,
            lambda _: [plan],
            layers=layers,
            clipnorm=clipnorm,
            schedule=schedule,
        )
        for engine in (training.fit, reference.fit)
    )
    assert_same(ours, theirs)
    assert any((ours[-1].weights[name] != weights[name]).any() for name in weights)
    if not plan.reset.all():
        assert len(ours[-1].state) == len(theirs[-1].state) == 2 * layers
        for one, two in zip(ours[-1].state, theirs[-1].state, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5)
    a, b = (
        engine.predict(ours[-1].weights, samples, plan, cell="lstm", layers=layers)
        for engine in (training, reference)
    )
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert np.ptp(a) > 0.01  # the networks do answer, each sample in its own way


def test_fit_is_the_loop_over_train_on_batch(noise, cut):
    table, samples = cut(noise, layout="per_timestep", segment_length=4)
    plan = layouts.plan(table, np.arange(24), batch_size=4, stateful=True)
    weights = initial(seeds=range(1))
    ours = train(training.fit, weights, samples, lambda _: [plan])
    theirs = train(reference.fit, weights, samples, lambda _: [plan], by_loop=True)
    assert_same(ours, theirs)


def test_fit_of_naive_batches_is_that_of_keras(noise, cut):
    table, samples = cut(noise, layout="subsampled", window_length=5)
    plan = layouts.plan(
        table,
        np.arange(len(table.first)),
        batch_size=4,
        stateful=True,
        batching="contiguous",
        reset="never",
    )
    weights = initial(seeds=range(1))
    ours, theirs = (
        train(engine, weights, samples, lambda _: [plan])
        for engine in (training.fit, reference.fit)
    )
    assert_same(ours, theirs)


def test_fit_follows_a_plan_of_its_own_for_each_seed(noise, cut):
    """Network k of a population is network k alone, shuffled or not."""
    table, samples = cut(noise, layout="per_timestep", segment_length=2)
    weights = initial(seeds=range(3))

    def plans(epoch, seeds=range(3)):
        return [
            layouts.plan(
                table,
                np.arange(48),
                batch_size=4,
                stateful=False,
                rng=np.random.default_rng((seed, epoch)),
            )
            for seed in seeds
        ]

    together = train(training.fit, weights, samples, plans)
    for k in range(3):
        alone = train(
            training.fit,
            {name: array[k : k + 1] for name, array in weights.items()},
            samples,
            lambda epoch, k=k: plans(epoch, [k]),
        )
        for name in weights:
            np.testing.assert_allclose(
                together[-1].weights[name][k], alone[-1].weights[name][0], atol=1e-6
            )


def test_fit_resets_one_lane_alone(ragged, cut):
    """Lanes of a batch give each sequence the answers that it gets by itself."""
    table, samples = cut(ragged, layout="per_timestep")
    weights = initial()
    every = np.arange(12)
    alone, together = (
        training.predict(
            weights,
            samples,
            layouts.plan(table, every, batch_size=lanes, stateful=True),
            cell="lstm",
            layers=1,
        )
        for lanes in (1, 2)
    )
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.ptp(alone) > 0.01


@pytest.mark.parametrize("segment", [1, 2, 3, 5])
def test_predict_carries_state_over_segments_as_if_there_were_none(
    ragged, cut, segment
):
    """However a sequence is cut, and where its last segment is short, the answer at its
    last step is that of a stateless model which sees it whole."""
    weights = initial(layers=2)
    table, samples = cut(ragged, layout="per_timestep", segment_length=segment)
    plan = layouts.plan(table, np.arange(len(table.first)), batch_size=2, stateful=True)
    answers = training.predict(weights, samples, plan, cell="lstm", layers=2)
    last = layouts.last_of_sequence(table)
    for k in range(2):
        whole = models.build(cell="lstm", units=3, layers=2, features=2)
        whole.set_weights([array[k] for array in weights.values()])
        expected = [
            whole(ragged.values[None, start:stop]).numpy().item()
            for start, stop in [(0, 5), (5, 8), (8, 12)]
        ]
        np.testing.assert_allclose(answers[k][last], expected, atol=1e-6)


def test_predict_does_not_let_a_sequence_see_another(ragged, cut):
    table, samples = cut(ragged, layout="per_timestep")
    plan = layouts.plan(table, np.arange(12), batch_size=1, stateful=True)
    changed = samples.values.copy()
    changed[:5] += 1  # sequence 0 alone
    before, after = (
        training.predict(
            initial(), samples._replace(values=values), plan, cell="lstm", layers=1
        )
        for values in (samples.values, changed)
    )
    np.testing.assert_array_equal(before[:, 5:], after[:, 5:])
    assert (before[:, :5] != after[:, :5]).all()


def test_predict_without_state_sees_its_sample_alone(ragged, cut):
    table, samples = cut(ragged, layout="per_timestep")
    plan = layouts.plan(table, np.arange(12), batch_size=1, stateful=False)
    one_step = models.build(cell="lstm", units=3, layers=1, features=2)
    one_step.set_weights([array[1] for array in initial().values()])
    answers = training.predict(initial(), samples, plan, cell="lstm", layers=1)
    expected = one_step(ragged.values[:, None])[:, 0]
    np.testing.assert_allclose(answers[1], expected, atol=1e-6)


def test_predict_leaves_out_what_is_not_in_the_plan(ragged, cut):
    table, samples = cut(ragged, layout="full")
    plan = layouts.plan(table, np.array([2]), batch_size=1, stateful=True)
    answers = training.predict(initial(), samples, plan, cell="lstm", layers=1)
    assert np.isnan(answers).tolist() == [[True, True, False]] * 2


def test_fit_makes_no_update_on_a_batch_without_weight(noise, cut):
    """State moves on, but weights, moments and the count of updates stay."""
    table, samples = cut(noise, layout="per_timestep", segment_length=4)
    plan = layouts.plan(table, np.arange(24), batch_size=1, stateful=True)
    silent = plan._replace(weight=np.where(np.arange(24)[:, None] % 2, 1, 0))
    silent = silent._replace(weight=silent.weight.astype(np.float32))
    weights = initial(seeds=range(1))
    ours = train(training.fit, weights, samples, lambda _: [silent], epochs=1)[0]

    # The twin: Keras sees the first half of each sequence by prediction alone.
    model = reference._compiled_model(
        [array[0] for array in weights.values()],
        samples,
        plan,
        "lstm",
        1,
        Optimizer("adam", 0.02, "cosine", None, 24),
    )
    x = layouts.gather(samples.values, table, np.arange(24))
    for sample in range(24):
        if plan.reset[sample, 0]:
            reference.reset_states(model)
        row = slice(sample, sample + 1)
        if silent.weight[sample, 0]:
            model.train_on_batch(x[row], samples.target[row, None])
        else:
            model.predict_on_batch(x[row])
    for mine, theirs in zip(ours.weights.values(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine[0], theirs, atol=1e-5)
    for mine, theirs in zip(ours.state, reference._states(model), strict=True):
        np.testing.assert_allclose(mine[0], theirs, atol=1e-5)


def test_fit_cuts_the_gradient_at_its_window(noise, cut):
    """One update with window 2 in samples of 4 moves weights along the gradient that
    is left when the state after step 2 is taken for a constant."""
    table, samples = cut(noise, layout="per_timestep", segment_length=4)
    plan = layouts.plan(table, np.array([0]), batch_size=1, stateful=True)
    weights = initial(seeds=range(1))
    first = [array[0] for array in weights.values()]
    model = models.build(cell="lstm", units=3, layers=1, features=2)
    model.set_weights(first)
    x, target = samples.values[None, :4], samples.target[:1, None]
    with tf.GradientTape() as tape:
        recurrent, dense = model.layers
        state = [tf.zeros((1, 3)), tf.zeros((1, 3))]
        for t in range(4):
            if t == 2:
                state = [tf.stop_gradient(part) for part in state]
            _, state = recurrent.cell(x[:, t], state)
        p = dense(state[0])
        loss = -tf.math.log(p if target.item() else 1 - p)
    gradients = tape.gradient(loss, model.trainable_variables)
    step = {
        window: train(
            training.fit,
            weights,
            samples,
            lambda _: [plan],
            epochs=1,
            gradient_window=window,
            schedule="constant",
        )[0].weights
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


def test_fit_compiles_once(noise, cut):
    """One program serves every chunk, the short last one too, and every epoch."""
    table, samples = cut(noise, layout="per_timestep")
    plan = layouts.plan(table, np.arange(96), batch_size=1, stateful=True)
    weights = initial(seeds=range(1), units=4)
    chunk_of_20 = 20 * 6 * sum(array.size for array in weights.values())
    whole = training.CHUNK_FLOPS
    try:
        training.CHUNK_FLOPS = chunk_of_20
        reports = []
        optimizer = Optimizer("adam", 0.02, "constant", None, 192)
        list(
            training.fit(
                weights,
                samples,
                lambda _: [plan],
                cell="lstm",
                layers=1,
                epochs=2,
                optimizer=optimizer,
                gradient_window=None,
                report=lambda done, total: reports.append((done, total)),
            )
        )
    finally:
        training.CHUNK_FLOPS = whole
    assert [done for done, _ in reports] == [
        *(20, 40, 60, 80, 96),
        *(116, 136, 156, 176, 192),
    ]
    assert {total for _, total in reports} == {192}
    network = training._network(weights, samples, "lstm", 1, None)
    program = training._train_chunk(network, optimizer)
    assert program.experimental_get_tracing_count() == 1
