import numpy as np
import pytest
from small_trainings import training

from statelab.config.modes import AGAIN, IN_USE
from statelab.data.sequences import Sequences, at_the_end
from statelab.errors import UserError
from statelab.evaluation import variants
from statelab.samples.windows import make_windows

# two sequences to train on, of 6 and 4 steps, and one of 5 to test on
OFFSETS, SPLIT = np.array([0, 6, 10, 15]), np.array([0, 0, 2], np.int8)


TARGETS = Sequences(np.zeros((15, 1), np.float32), OFFSETS, np.array([0, 1, 0]))


def of(windows, **changes):
    return variants.of(TARGETS, windows, training(seeds=4, units=7, **changes))


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
        PER_STEP, stateful=False, lookbacks=[3, 4], updates=30, batch_size=2
    )
    epochs = [each.training.settings.epochs for each in (in_use, three, four)]
    assert epochs == [6, 10, 15]
    for each in (in_use, three, four):
        assert variants.updates(TARGETS, PER_STEP, each) == 30
    (carried,) = of(PER_STEP, updates=30, batch_size=2)
    assert carried.training.settings.epochs == 5


def test_batches_without_a_target_are_no_updates():
    ends = at_the_end(TARGETS)
    settings = training(units=7, batch_size=1, updates=10)
    (only,) = variants.of(ends, PER_STEP, settings)
    assert only.training.settings.epochs == 5  # of 10 batches two have a target
    (stopped,) = variants.of(ends, PER_STEP, training(units=7, patience=3))
    assert variants.updates(ends, PER_STEP, stopped) is None
