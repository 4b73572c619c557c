import numpy as np
import pytest
from small_trainings import training

from statelab.baselines.naive import Forecast
from statelab.config.modes import AGAIN, IN_USE
from statelab.data.sequences import Sequences, at_the_end
from statelab.errors import UserError
from statelab.evaluation import variants
from statelab.samples.windows import make_windows

# two sequences to train on, of 6 and 4 steps, and one of 5 to test on
OFFSETS, SPLIT = np.array([0, 6, 10, 15]), np.array([0, 0, 2], np.int8)


TARGETS = Sequences(np.zeros((15, 1), np.float32), OFFSETS, np.array([0, 1, 0]))


def of(windows, data=TARGETS, stateful=True, pace=1, **changes):
    """Of a training, beside a stateful one of so many lanes."""
    own = training(stateful=stateful, seeds=4, units=7, **changes)
    return variants.of(data, windows, own, training(batch_size=pace).settings)


def cut(**layout):
    return make_windows(OFFSETS, SPLIT, **layout)


PER_STEP = cut(layout="per_timestep", segment_length=1)
SEGMENTS = cut(layout="per_timestep", segment_length=2)
WINDOWS = cut(layout="subsampled", window_length=3, stride=2)


def test_what_is_in_use_comes_first_and_alone():
    (only,) = of(SEGMENTS)
    assert only.name == IN_USE
    assert (only.layout, only.gradient_window) == ({}, 2)
    assert only.training == training(seeds=4, units=7)
    assert not only.layout


def test_the_same_again_has_the_seeds_that_follow():
    in_use, again = of(PER_STEP, again=True)
    assert again.name == AGAIN
    assert again.training == in_use.training._replace(seed=7)


def test_lookbacks_are_windows_with_the_stride_in_use():
    _, longer = of(WINDOWS, stateful=False, lookbacks=[3, 4])
    assert longer.name == "lookback 4"
    assert longer.layout == {"layout": "subsampled", "window_length": 4, "stride": 2}
    _, of_segments = of(SEGMENTS, stateful=False, lookbacks=[3])
    assert of_segments.layout["stride"] == 1


def test_a_lookback_that_is_in_use_is_left_out():
    assert len(of(WINDOWS, stateful=False, lookbacks=[3])) == 1
    assert len(of(PER_STEP, stateful=False, lookbacks=[1])) == 1
    assert len(of(SEGMENTS, stateful=False, lookbacks=[2])) == 2  # another layout


def test_a_lookback_that_no_test_sequence_has_is_refused():
    with pytest.raises(UserError, match=r"in test, of which the longest .* 5 steps"):
        of(PER_STEP, stateful=False, lookbacks=[6])


def test_gradient_windows_within_a_sample_and_beyond_it():
    _, shorter, longer = of(SEGMENTS, gradient_windows=[1, 2, 4])
    assert (shorter.layout, shorter.training.settings.gradient_window) == ({}, 1)
    assert longer.layout == {"layout": "per_timestep", "segment_length": 4}
    assert longer.training.settings.gradient_window is None
    assert [shorter.gradient_window, longer.gradient_window] == [1, 4]


def test_a_gradient_window_reaches_no_further_than_the_longest_sequence():
    _, only = of(SEGMENTS, gradient_windows=[7, 9])
    assert (only.name, only.gradient_window) == ("gradient window 6", 6)


def test_every_variant_has_the_epochs_that_its_updates_take():
    # 10 steps to train on, in batches of 2: one step at a time 3 batches for each of
    # two sequences, in two lanes 6; windows of 3 are 4 + 2, and of 4 3 + 1
    in_use, three, four = of(
        PER_STEP, stateful=False, lookbacks=[3, 4], updates=30, batch_size=2, epochs=99
    )
    epochs = [each.training.settings.epochs for each in (in_use, three, four)]
    assert epochs == [6, 10, 15]
    for each in (in_use, three, four):
        assert each.budget.updates == 30
    (carried,) = of(PER_STEP, updates=30, batch_size=2, epochs=99)
    assert carried.training.settings.epochs == 5


def test_epochs_and_updates_are_limits_of_which_the_lower_counts():
    # 10 steps in two lanes are 6 updates, of the longer sequence
    for epochs, updates, expected in ((4, 30, 4), (9, 30, 5), (4, None, 4)):
        (only,) = of(PER_STEP, batch_size=2, epochs=epochs, updates=updates)
        assert only.training.settings.epochs == expected


def test_an_automatic_batch_gives_an_epoch_as_many_updates_as_with_state():
    # segments of 2: 3 + 2 samples. Two lanes make 3 updates, so without state a batch
    # has 5 / 3 samples, 2, and an epoch 3 updates; one lane makes 5
    for pace, size in ((2, 2), (1, 1)):
        (only,) = of(SEGMENTS, stateful=False, batch_size="auto", pace=pace)
        assert only.training.settings.lanes == size


def test_variants_have_the_labelled_steps_of_what_is_in_use():
    # of the 10 steps windows of 2 label 8, so that an epoch in use is 10 / 8 of theirs
    in_use, two = of(
        SEGMENTS, stateful=False, lookbacks=[2], batch_size="auto", pace=2, epochs=40
    )
    assert in_use.budget == (120, 400)
    # 120 updates in 50 epochs are 2.4 in each: two batches of 4 come nearest
    assert two.training.settings.lanes == 4
    assert two.budget == (120, 480)


def test_a_longer_gradient_window_has_fewer_lanes():
    four, two = of(SEGMENTS, gradient_windows=[4], batch_size=2, epochs=8)
    assert (four.training.settings.lanes, two.training.settings.lanes) == (2, 1)


def test_whole_sequences_are_a_default_window_where_all_are_alike():
    alike = make_windows(np.arange(4) * 5, SPLIT, layout="per_timestep")
    _, whole = of(alike, stateful=False, lookbacks="auto")
    assert (whole.name, whole.layout["stride"]) == ("lookback 5", 1)
    full = make_windows(np.arange(4) * 5, SPLIT, layout="full")
    assert len(of(full, stateful=False, lookbacks="auto")) == 1
    assert len(of(WINDOWS, stateful=False, lookbacks="auto")) == 1


def series(steps, feature=None):
    values = np.random.default_rng(0).normal(size=steps)
    values = np.float32(values if feature is None else feature)[:, None]
    return Sequences(values, np.array([0, steps]), np.zeros(steps, int))


def test_default_windows_of_a_series_are_its_season_or_go_up_by_fours():
    split = np.int8([0, 1, 2])
    windows = make_windows(np.array([0, 300, 340, 400]), split, layout="per_timestep")
    # validation has 40 steps: a quarter of them is 10, half of them 20
    assert variants.default_lookbacks(series(400), windows, None) == [1, 4]
    weeks = series(400, np.tile([5, 9, 7, 1, 0, 2, 3, 8], 50))
    known = Forecast(0, 1, season=None)
    assert variants.default_lookbacks(weeks, windows, known) == [1, 8, 16]
    # twice 11 is more than half
    assert variants.default_lookbacks(weeks, windows, Forecast(0, 1, 11)) == [1, 4]


def test_batches_without_a_target_are_no_updates():
    ends = at_the_end(TARGETS)
    (only,) = of(PER_STEP, ends, batch_size=1, updates=10, epochs=99)
    assert only.training.settings.epochs == 5  # of 10 batches two have a target
    assert only.budget == (10, 10)


def test_rates_are_tried_once_each():
    (only,) = of(PER_STEP, learning_rate=0.01, learning_rates=[0.1, 0.01])
    assert variants.other_rates(only) == [0.1]
    other = variants.with_rate(only, 0.1)
    assert other.training.settings.learning_rate == 0.1
    assert variants.with_rate(other, 0.01) == only
