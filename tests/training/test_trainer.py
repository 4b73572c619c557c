import numpy as np
import pytest
from small_trainings import task_and_windows, training

from statelab.data import tasks
from statelab.data.sequences import SPLITS, Sequences, at_the_end
from statelab.errors import UserError
from statelab.evaluation import bounds, scoring
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture
from statelab.pipeline.progress import Silent
from statelab.samples import scaling
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import expand, make_plan
from statelab.samples.target_changes import TargetChange, UserUnits, changed
from statelab.samples.windows import (
    make_windows,
    predictions_of,
    sequences_in_split,
    with_targets,
)
from statelab.training import compiled, trainer


def train(task, table, scaling=None, user_units=None, **changes) -> trainer.Trained:
    how = {"progress": Silent(), "scaling": scaling, "units": user_units}
    return trainer.train(task, table, training(**changes), **how)


def test_train_answers_every_sample_of_every_split():
    task, table = task_and_windows(layout="per_timestep")
    trained = train(task, table)
    assert trained.predictions.shape == (2, 48)
    assert not np.isnan(trained.predictions).any()
    assert trained.visible_from.tolist() == np.repeat(task.offsets[:-1], 4).tolist()
    assert trained.updates == 2 * 12  # 2 epochs; 6 sequences of 4 steps in 2 lanes


def test_train_keeps_a_history_of_each_seed():
    task, table = task_and_windows(layout="per_timestep")
    history = train(task, table).history
    assert history["seed"].tolist() == [3, 4, 3, 4]
    assert history["epoch"].tolist() == [1, 1, 2, 2]
    assert list(history.columns[2:]) == [
        *("loss", "accuracy"),
        *("validation_loss", "validation_accuracy"),
        *("test_loss", "test_accuracy"),
    ]


def test_train_scores_held_out_sequences_with_the_weights_of_the_epoch():
    task, table = task_and_windows(layout="per_timestep")
    trained = train(task, table)
    test = predictions_of(table, sequences_in_split(table, SPLITS["test"]))
    _, target = with_targets(task, table, test)
    right = (trained.predictions[:, test] > 0.5) == (target > 0.5)
    last = trained.history[trained.history["epoch"] == 2]
    assert last["test_accuracy"].tolist() == right.mean(axis=1).tolist()


@pytest.mark.parametrize("stateful", [True, False])
def test_train_does_the_same_twice(stateful):
    task, table = task_and_windows(layout="subsampled")
    one, two = (train(task, table, stateful=stateful) for _ in range(2))
    assert one.predictions.tobytes() == two.predictions.tobytes()
    assert all((one.weights[name] == two.weights[name]).all() for name in one.weights)


@pytest.mark.parametrize("stateful", [True, False])
def test_train_shuffles_anew_for_each_epoch_and_seed(monkeypatch, stateful):
    task, table = task_and_windows(layout="subsampled")
    orders = []
    engine = trainer.ENGINES["compiled"]

    def spy(state, reader, options, **others):
        for plan in reader.plans:
            sample = expand(plan, 0, plan.batches).sample
            orders.append(tuple(sample.ravel().tolist()))
        return engine.train(state, reader, options, **others)

    ordered = train(task, table, stateful=stateful)
    monkeypatch.setitem(trainer.ENGINES, "compiled", engine._replace(train=spy))
    shuffled = train(task, table, stateful=stateful, shuffle=True)
    assert len(orders) == len(set(orders)) == 4
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert (ordered.predictions != shuffled.predictions).any()


def test_train_does_not_wait_for_a_validation_split_that_is_not_there():
    task, table = task_and_windows(layout="full")
    without = table._replace(split=np.maximum(table.split, 0) // 2 * 2)
    with pytest.raises(UserError) as caught:
        train(task, without, stateful=False, patience=3)
    assert str(caught.value) == (
        "`train_stateless.patience` must be null where no sequence is to validate on. "
        "Received: 3"
    )


def test_train_stops_each_network_by_itself_and_goes_back_to_its_best():
    """There is nothing to learn from noise but to remember it: validation gets worse,
    after another number of epochs for each seed."""
    task, table = task_and_windows(layout="subsampled")
    values = np.random.default_rng(1).normal(size=task.values.shape)
    task = task._replace(values=values.astype(np.float32))
    settings = {"learning_rate": 0.03, "schedule": "constant", "seeds": 4}
    free = train(task, table, epochs=12, **settings)
    stopped = train(task, table, epochs=12, patience=2, **settings)
    losses = free.history.pivot(index="epoch", columns="seed", values="validation_loss")
    lasts = []
    for k, (seed, loss) in enumerate(losses.items()):
        best, last = 0, None
        for epoch, value in enumerate(loss.tolist()):
            best = epoch if value < loss.iloc[best] else best
            if epoch - best == 2:
                last = epoch + 1
                break
        lines = stopped.history[stopped.history["seed"] == seed]
        assert len(lines) == (last or 12)
        np.testing.assert_allclose(
            lines["validation_loss"], loss.iloc[: len(lines)], atol=1e-5
        )
        lasts.append(len(lines))
        validation, target = with_targets(
            task,
            table,
            predictions_of(table, sequences_in_split(table, SPLITS["validation"])),
        )
        answer = stopped.predictions[k, validation]
        p = np.clip(np.where(target > 0.5, answer, 1 - answer), 1e-7, 1 - 1e-7)
        assert -np.log(p).mean() == pytest.approx(
            lines["validation_loss"].min(), abs=1e-5
        )
    assert len(set(lasts)) > 1


def test_train_gives_each_seed_what_it_gets_alone():
    task, table = task_and_windows(layout="subsampled")
    changes = {"stateful": False, "shuffle": True, "clipnorm": 0.01}
    both = train(task, table, **changes)
    alone = train(task, table, **changes, seed=4, seeds=1)
    np.testing.assert_allclose(both.predictions[1:], alone.predictions, atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [{"clipnorm": 0.01}, {"schedule": "constant"}, {"gradient_window": 1}],
)
def test_train_hands_on_how_to_update(change):
    task, table = task_and_windows(layout="subsampled")
    usual, changed = train(task, table), train(task, table, **change)
    assert (usual.predictions != changed.predictions).any()


def test_train_answers_naive_batches_with_the_lanes_that_it_trained_with():
    task, table = task_and_windows(layout="subsampled")
    naive = {"batching": "contiguous", "reset": "never"}
    trained = train(task, table, batch_size=3, **naive)
    test = sequences_in_split(table, SPLITS["test"])
    plan = make_plan(table, test, batch_size=3, stateful=True, **naive)
    expected = compiled.predict(
        trained.weights,
        ChunkReader(task, table, [plan]),
        Architecture("lstm", "binary", layers=1, units=2, features=1, outputs=1),
    )
    answered = predictions_of(table, test)
    np.testing.assert_array_equal(
        trained.predictions[:, answered], expected[:, answered]
    )


@pytest.mark.parametrize(("engine", "seeds"), [("reference", 2), ("reference_loop", 1)])
def test_engines_give_the_same(engine, seeds):
    task, table = task_and_windows(layout="subsampled")
    ours, theirs = train(task, table), train(task, table, engine=engine, seeds=seeds)
    np.testing.assert_allclose(ours.predictions[:seeds], theirs.predictions, atol=1e-5)
    history = ours.history[ours.history["seed"] < 3 + seeds]
    for column in ("loss", "accuracy", "validation_loss", "test_accuracy"):
        np.testing.assert_allclose(history[column], theirs.history[column], atol=1e-5)


def test_train_stops_when_networks_diverge():
    task, table = task_and_windows(layout="per_timestep")
    rule = "2 of 2 networks diverged in epoch 1: .* Received: learning_rate=1e\\+38"
    with pytest.raises(UserError, match=rule):
        train(task, table, learning_rate=1e38)


def rare_class(classes=3):
    """Sequences in which one class has a target in twelve, and some steps have none."""
    rng = np.random.default_rng(5)
    offsets = np.arange(0, 61, 6)
    target = np.where(rng.random(60) < 1 / 12, classes - 1, 0)
    target[::7] = 1
    target[rng.random(60) < 0.2] = -1
    data = Sequences(rng.normal(size=(60, 2)).astype(np.float32), offsets, target)
    codes = np.int8([0] * 6 + [1, 1, 2, 2])
    return data, make_windows(offsets, codes, layout="per_timestep", segment_length=2)


@pytest.mark.parametrize("classes", [2, 3])
def test_class_weights_are_sample_weights_of_keras(classes):
    data, table = rare_class(classes)
    changes = {"seeds": 1, "stateful": False, "batch_size": 3}
    weighted = {"class_weight": "balanced", **changes}
    ours = train(data, table, **weighted)
    stock = train(data, table, engine="reference", **weighted)
    plain = train(data, table, **changes)
    for name, weights in ours.weights.items():
        np.testing.assert_allclose(weights, stock.weights[name], atol=1e-5)
    apart = [abs(w - plain.weights[n]).max() for n, w in ours.weights.items()]
    assert max(apart) > 1e-3
    ours_loss, stock_loss = (one.history["loss"].to_numpy() for one in (ours, stock))
    np.testing.assert_allclose(ours_loss, stock_loss, rtol=1e-4)


def test_values_have_no_class_weights():
    data, table = rare_class()
    values = data._replace(targets=data.targets * np.float32(0.7))
    with pytest.raises(UserError, match="`model.class_weight` must be null for values"):
        train(values, table, class_weight="balanced")


def test_reference_says_what_it_cannot_do():
    task, table = task_and_windows(layout="per_timestep")
    with pytest.raises(UserError, match="`engine` must be `compiled`"):
        train(task, table, engine="reference", batching="contiguous", batch_size=3)


@pytest.mark.parametrize(
    ("name", "head", "outputs", "score"),
    [
        ("temporal_order_6a", "multiclass", 4, "accuracy"),
        ("adding", "regression", 1, "mae"),
    ],
)
def test_train_takes_the_head_that_the_targets_ask_for(name, head, outputs, score):
    rng = np.random.default_rng(0)
    task = at_the_end(getattr(tasks, name)(sequences=90, length=10, rng=rng))
    codes = np.int8(np.arange(90) % 3)  # of each split as many
    table = make_windows(
        task.offsets,
        codes,
        layout="per_timestep",
        window_length=1,
        stride=1,
        segment_length=4,
    )
    trained = train(task, table, forget_bias="chrono", units=3)
    assert (trained.architecture.head, trained.architecture.outputs) == (head, outputs)
    assert list(trained.history.columns[2:]) == [
        *("loss", score),
        *("validation_loss", f"validation_{score}"),
        *("test_loss", f"test_{score}"),
    ]
    scored = scoring.seed_scores(trained.predictions, task, table, trained.history)
    last = trained.history[trained.history["epoch"] == 2]
    assert scored["loss"].tolist() == last["test_loss"].tolist()
    main = "accuracy" if score == "accuracy" else "rmse"
    assert scored[main].tolist() == scored[f"final_{main}"].tolist()  # the only labels
    limits = bounds.of_scores(task, table, trained.visible_from)
    assert set(limits.baselines["constant"]) == {main, f"final_{main}", f"train_{main}"}


def test_train_learns_nothing_from_steps_without_a_target():
    """What stands in place of a target that is not there does not matter."""
    task, table = task_and_windows(layout="per_timestep")
    ends = at_the_end(task)
    trained = train(ends, table)
    moved = train(task, table)
    assert (trained.predictions != moved.predictions).any()
    hidden = ends._replace(targets=np.where(ends.targets < 0, -7, ends.targets))
    np.testing.assert_array_equal(train(hidden, table).predictions, trained.predictions)


@pytest.mark.parametrize("change", [{"burn_in": 2}, {"reset": "every_2"}])
def test_train_hands_on_how_to_lay_out(change):
    task, table = task_and_windows(layout="per_timestep")
    usual, changed = train(task, table), train(task, table, **change)
    assert (usual.predictions != changed.predictions).any()
    assert not np.isnan(changed.predictions).any()


def test_reference_refuses_batches_without_a_target():
    task, table = task_and_windows(layout="per_timestep")
    with pytest.raises(UserError, match="where a batch may have no target"):
        train(at_the_end(task), table, engine="reference", batch_size=1)


@pytest.mark.parametrize(
    ("engine", "epochs", "seeds"), [("compiled", 2, 2), ("reference", 1, 1)]
)
def test_train_on_scaled_values_answers_in_the_units_of_the_sequences(
    engine, epochs, seeds
):
    """The same as training on values scaled by hand, and its answers scaled back."""
    task, table = task_and_windows(layout="subsampled")
    rng = np.random.default_rng(5)
    targets = rng.normal(100, 30, len(task.values)).astype(np.float32)
    raw = Sequences(rng.normal(7, 3, task.values.shape), task.offsets, targets)
    raw = raw._replace(values=raw.values.astype(np.float32))
    fitted = scaling.fit(raw, table)
    by_hand = raw._replace(
        values=(raw.values - fitted.mean) / fitted.scale,
        targets=(raw.targets - fitted.target_mean) / fitted.target_scale,
    )
    how = {"engine": engine, "epochs": epochs, "seeds": seeds, "scaling": fitted}
    ours = train(raw, table, **how)
    theirs = train(by_hand, table, epochs=epochs)
    history = theirs.history[theirs.history["seed"] < 3 + seeds]
    unit, centre = fitted.target_scale.item(), fitted.target_mean.item()
    np.testing.assert_allclose(
        ours.predictions, theirs.predictions[:seeds] * unit + centre, rtol=1e-5
    )
    for name, power in [("loss", 2), ("mae", 1), ("test_loss", 2), ("test_mae", 1)]:
        expected = history[name] * unit**power
        np.testing.assert_allclose(ours.history[name], expected, rtol=1e-4)
    model = keras_models.build(ours.architecture, scaling=fitted)
    apart = train(raw, table, **how, stateful=False)
    model.set_weights([array[-1] for array in apart.weights.values()])
    answer = model(raw.values[None, 5:7]).numpy().item()  # the second of a sequence
    assert answer == pytest.approx(apart.predictions[-1, 4], rel=1e-5)


def test_train_refuses_a_burn_in_that_leaves_nothing_to_learn_from():
    # windows of 2 in sequences of 4 are answered at steps 1, 2 and 3 alone
    task, table = task_and_windows(layout="subsampled")
    targets = np.repeat(task.targets, 4)
    targets[3::4] = -1
    task = task._replace(targets=targets)
    assert train(task, table, burn_in=2).predictions.shape == (2, 36)
    rule = "`train_stateful.burn_in` must leave a target in train. Received: 3"
    with pytest.raises(UserError, match=rule):
        train(task, table, burn_in=3)


@pytest.mark.parametrize(
    ("kind", "values_of"),
    [
        ("difference", lambda base, change: base + change),
        ("log_difference", lambda base, change: base * np.exp(change)),
    ],
)
def test_what_is_held_out_is_predicted_and_scored_in_the_users_units(kind, values_of):
    """Training itself goes on as on the changes alone."""
    task, table = task_and_windows(layout="subsampled")
    levels = np.random.default_rng(8).uniform(2, 9, len(task.values) + 1)
    user = task._replace(
        values=levels[:-1, None].astype(np.float32),
        targets=levels[1:].astype(np.float32),
    )
    change = TargetChange(kind, feature=0, horizon=1)
    changes = changed(user, change)
    ours = train(changes, table, user_units=UserUnits(user, change))
    theirs = train(changes, table)
    # windows of 2 in sequences of 4 are answered at steps 1, 2 and 3
    step = np.add.outer(task.offsets[:-1], [1, 2, 3]).ravel()
    expected = values_of(user.values[step, 0], theirs.predictions)
    np.testing.assert_allclose(ours.predictions, expected, rtol=1e-6)
    last = ours.history[ours.history["epoch"] == 2]
    test = np.repeat(table.split == SPLITS["test"], 3)
    errors = ours.predictions[:, test] - user.targets[step[test]]
    np.testing.assert_allclose(last["test_loss"], (errors**2).mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(last["test_mae"], abs(errors).mean(axis=1), rtol=1e-4)
    for name in ("loss", "mae"):
        assert (ours.history[name] == theirs.history[name]).all()
