"""Trials on small data: what they train, and that they are begun and finished."""

import numpy as np
import pytest
import search_problems
import tensorflow as tf

from statelab.config.values import ForgetBias
from statelab.data.sequences import SPLITS
from statelab.errors import UserError
from statelab.lookback import scheduler, trial_plans, trials
from statelab.lookback.outcomes import COMPLETE, PRUNED, Trial
from statelab.networks import keras_models, scores
from statelab.networks.optimizers import Optimizer
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.windows import (
    locate_predictions,
    locate_samples,
    rewindow,
    sequences_in_split,
)
from statelab.training import compiled, executors
from statelab.training.options import TrainOptions

WINDOWS = Trial(5, 1, None, "sample", 4, 0.05)
STATE = Trial(4, 4, None, "sequence", 4, 0.05)


def test_a_trial_is_the_training_of_the_pipeline(monkeypatch):
    """Unpadded, by the plan that it follows, scored by hand at the scored steps."""
    search = {"high": 6, "validation_size": 12, "scored_steps": 1000}
    data = search_problems.build(search=search)
    sequences = data.sequences
    followed = []
    usual = compiled.train

    def train(state, reader, options, until):
        if until > 1:
            followed.append((reader.windows, reader.plans, until))
        return usual(state, reader, options, until=until)

    monkeypatch.setattr(compiled, "train", train)
    ended = trials.train_to_end(data.problem, WINDOWS)
    monkeypatch.undo()
    assert [until for *_, until in followed] == [10, 30]
    network = data.problem.network._replace(units=4)
    optimizer = Optimizer("adam", 0.05, "cosine", 1.0, 40)
    weights = keras_models.initial_weights(
        range(1, 4), network, forget_bias=ForgetBias("chrono"), longest=5
    )
    options = TrainOptions(network, optimizer)
    run = compiled.start(weights, options)
    for windows, plan, _ in followed:
        run = compiled.train(run, ChunkReader(sequences, windows, plan), options)
    trained = compiled.weights_of(run, network)
    for one, two in zip(
        trained.values(), compiled.weights_of(ended.run, network).values(), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-5)
    cut = rewindow(data.windows, layout="subsampled", window_length=5)
    every = sequences_in_split(cut, SPLITS["validation"])
    plan = plans.make_plan(cut, every, batch_size=7, stateful=False)
    reader = ChunkReader(sequences, cut, [plan])
    predictions = compiled.predict(trained, reader, network)
    step = locate_predictions(cut, np.arange(cut.answers[-1])).step
    scored = predictions[:, np.searchsorted(step, data.scored_steps)]
    expected = scores.accuracy(scored, sequences.targets[data.scored_steps])
    assert ended.scores.tolist() == expected.tolist()
    assert ended.parts.mean() == pytest.approx(ended.scores.mean())  # parts are alike


def test_windows_without_a_target_are_not_trained_on():
    """Of 12 steps the first 3 have none: windows of 2 that end there are left out."""
    data = search_problems.build()
    cut = rewindow(data.windows, layout="subsampled", window_length=2)
    plan = trial_plans.training_plan(
        data.sequences,
        cut,
        WINDOWS,
        batch_size=8,
        updates=40,
        rng=np.random.default_rng(0),
    )
    ends = locate_samples(cut, plan.order).first + 1
    assert (data.sequences.targets[ends] >= 0).all()
    assert (cut.split[locate_samples(cut, plan.order).sequence] == 0).all()
    once, twice = plan.order[:216], plan.order[216:320]  # 24 sequences, 9 windows each
    assert len(np.unique(once)) == 216 and len(np.unique(twice)) == 104
    assert plans.expand(plan, 0, 40).reset.all()


def test_a_trial_is_the_same_whenever_it_is_run():
    problem = search_problems.build().problem
    one, two = (trials.train_to_end(problem, WINDOWS) for _ in range(2))
    assert one.scores.tolist() == two.scores.tolist()
    assert one.parts.tolist() == two.parts.tolist()


@pytest.mark.parametrize("trial", [WINDOWS, STATE, STATE._replace(reset="every_6")])
def test_a_trial_learns_what_its_window_holds(trial):
    """The bit before: in windows of 5, and in segments of 4 with the state carried.

    After a reset within a sequence, at one step of 8, it is out of reach.
    """
    search = {"updates": 150, "high": 6, "validation_size": 16}
    problem = search_problems.build(lag=1, sequences=64, search=search).problem
    begun, ended = (
        trials.train_next_part(problem, trial),
        trials.train_to_end(problem, trial),
    )
    assert (begun.updates, ended.updates) == (38, 150)
    assert (begun.ended, ended.ended) == (False, True)
    assert ended.scores.mean() > (0.95 if trial.reset != "every_6" else 0.85)
    assert set(ended.seconds) == {"compile", "train", "score", "other"}


def test_a_window_too_short_learns_nothing():
    problem = search_problems.build(
        sequences=64, search={"validation_size": 24}
    ).problem
    ended = trials.train_to_end(problem, WINDOWS._replace(window_length=3))
    assert ended.scores.mean() < 0.7


def test_a_reset_interval_is_whole_segments():
    assert trial_plans.reset_of(STATE._replace(reset="every_6")) == "every_8"
    assert trial_plans.reset_of(STATE) == "sequence"


@pytest.mark.parametrize(("window", "padded"), [(1, 8), (8, 8), (9, 16), (65, 128)])
def test_windows_are_padded_to_powers_of_two(window, padded):
    assert trial_plans.padded_length(WINDOWS._replace(window_length=window)) == padded
    assert trial_plans.padded_length(STATE) is None


def test_carried_state_makes_as_many_updates_where_targets_are_rare():
    """Of three segments of 4 steps the last alone has a target."""
    search = {"updates": 50}
    problem = search_problems.build(
        task="first_step", label="end", search=search
    ).problem
    ended = trials.train_to_end(problem, STATE)
    assert ended.updates == 50 and ended.run.updates.numpy().tolist() == [50] * 3


def test_windows_that_end_on_no_target_are_refused():
    """Sequences of 12 steps have one at the end, where windows of 5 begin at 7."""
    problem = search_problems.build(task="first_step", label="end").problem
    with pytest.raises(
        UserError, match="`search.stride` .* windows of 5 steps. Received: 2"
    ):
        trials.train_to_end(problem, WINDOWS._replace(stride=2))
    assert trials.train_to_end(problem, WINDOWS._replace(stride=7)).updates == 40


def test_what_a_shard_of_short_sequences_cannot_train_on_the_others_do():
    short, long = (
        search_problems.build(length=4, lag=1).problem,
        search_problems.build().problem,
    )
    pieces = (*short.shards, *long.shards)
    problem = long._replace(shards=pieces[::-1], shares=np.array([0.5, 0.5]))
    problem = problem._replace(parts=np.concatenate([long.parts, short.parts]))
    ended = trials.train_to_end(problem, WINDOWS)
    assert ended.run.updates.numpy().tolist() == [40] * 3


def test_a_network_of_what_is_no_number_has_no_score():
    """It would predict class 0 whatever it sees."""
    problem = search_problems.build().problem
    begun = trials.train_next_part(problem, WINDOWS)
    first, *others = begun.run.matrices
    broken = first.numpy()
    broken[1, 0, 0] = np.nan  # of the second network of three
    run = begun.run._replace(matrices=(tf.constant(broken), *others))
    ended = trials.train_next_part(problem, WINDOWS, begun._replace(run=run))
    assert np.isnan(ended.scores).tolist() == [False, True, False]


def test_networks_that_diverge_are_pruned(tmp_path):
    """At a rate of a million errors are no numbers; a search goes on without it."""
    data = search_problems.build(
        task="adding", search={"clipnorm": None, "optimizer": "sgd"}
    )
    wild = WINDOWS._replace(window_length=12, learning_rate=1e6)
    with executors.threads(data.problem, 1) as workers:
        both = [wild, wild._replace(learning_rate=1e-3)]
        submit = scheduler.TrialScheduler(workers, tmp_path, lambda _: None).submit
        wild, calm = submit(both, "bisect", 0, None)()
    assert (wild.state, calm.state) == (PRUNED, COMPLETE)
    nobody = executors.Workers(None, lambda: 1)
    submit = scheduler.TrialScheduler(nobody, tmp_path, lambda _: None).submit
    assert submit([calm.trial], "bisect", 0, None)() == [calm]
