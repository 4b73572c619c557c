import numpy as np
import pytest

from statelab.config.values import Reset
from statelab.memory import input_history
from statelab.memory.input_history import MOST_INPUTS, InputHistory
from statelab.samples import plans
from statelab.samples.windows import locate_predictions, locate_samples, make_windows

OFFSETS = np.array([0, 5, 8, 14])
LAYOUTS = [
    {"layout": "full"},
    {"layout": "subsampled", "window_length": 3, "stride": 2},
    {"layout": "per_timestep", "segment_length": 2},
]


def table(**layout):
    return make_windows(OFFSETS, np.full(3, 2, np.int8), **layout)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout["layout"])
@pytest.mark.parametrize(
    ("stateful", "reset"), [(False, "sequence"), (True, "sequence"), (True, "every_4")]
)
def test_inputs_are_what_a_plan_feeds_since_the_last_reset(layout, stateful, reset):
    if layout["layout"] == "full":
        reset = "sequence"  # sequences of other lengths than 4 are not divided by it
    windows = table(**layout)
    plan = plans.make_plan(
        windows, np.arange(3), batch_size=1, stateful=stateful, reset=Reset(reset)
    )
    batches = plans.expand(plan, 0, plan.batches)
    prediction = np.arange(windows.answers[-1])
    history = input_history.inputs_of(
        windows, prediction, stateful=stateful, reset=reset
    )
    at = locate_predictions(windows, prediction)
    for row, (sample, last) in enumerate(zip(at.sample, at.step, strict=True)):
        expected = []
        for batch in range(sample + 1):
            if batches.reset[batch, 0]:
                expected = []
            where = locate_samples(windows, batches.sample[batch, 0])
            expected += range(where.first, where.first + where.length)
        expected = expected[: len(expected) - expected[::-1].index(last)]
        assert history.step[row, : history.length[row]].tolist() == expected
        assert (history.step[row, history.length[row] :] == last).all()


def test_of_long_histories_the_last_inputs_are_kept():
    length = MOST_INPUTS + 7
    windows = make_windows(np.array([0, length]), np.int8([2]), layout="full")
    history = input_history.inputs_of(
        windows, np.array([2, length - 1]), stateful=False
    )
    assert history.length.tolist() == [3, MOST_INPUTS]
    assert history.step[0, :3].tolist() == [0, 1, 2]
    assert history.step[1].tolist() == list(range(7, length))
    assert history.lag[1, 0] == MOST_INPUTS - 1


def test_a_burn_in_ends_where_state_was_zero():
    windows = table(layout="per_timestep", segment_length=2)
    prediction = np.array([13])  # the last of steps 8 to 13, in a segment from 12 on
    for burn_in, first in ((0, 12), (3, 9), (9, 8)):
        history = input_history.with_burn_in(windows, prediction, burn_in=burn_in)
        assert history.step.tolist() == [list(range(first, 14))]
    often = input_history.with_burn_in(windows, prediction, burn_in=9, reset="every_2")
    assert often.step.tolist() == [[12, 13]]
    assert input_history.longest_burn_in(windows, np.arange(14), reset="sequence") == 4


def test_replacements_are_as_far_into_another_sequence():
    windows = table(layout="full")
    history = input_history.inputs_of(windows, np.array([2, 4, 10]), stateful=True)
    draws = [
        input_history.replacement_steps(
            windows,
            np.array([0, 0, 2]),
            history,
            np.arange(3),
            np.random.default_rng(seed),
        )
        for seed in range(40)
    ]
    first = {tuple(steps[0, :3]) for steps in draws}
    assert first == {(5, 6, 7), (8, 9, 10)}  # of steps 0 to 2, either of the others
    assert {tuple(steps[1]) for steps in draws} == {(8, 9, 10, 11, 12)}
    assert {tuple(steps[2, :3]) for steps in draws} == {(0, 1, 2), (5, 6, 7)}


def test_where_no_other_sequence_is_as_long_any_step_replaces():
    windows = table(layout="full")
    history = InputHistory(np.arange(8, 14)[None], np.array([6]))
    rng = np.random.default_rng(0)
    among = np.array([1, 2])
    drawn = {
        step
        for _ in range(60)
        for step in input_history.replacement_steps(
            windows, np.array([2]), history, among, rng
        )[0]
    }
    assert drawn == set(range(5, 14))


@pytest.mark.parametrize("longest", [0, 63, 64, 65, 300])
def test_bins_hold_every_lag_once(longest):
    edges = input_history.lag_bins(longest)
    assert edges[0] == 0 and edges[-1] == longest + 1
    assert (np.diff(edges) > 0).all()
    assert (np.diff(edges)[:64] == 1).all()
