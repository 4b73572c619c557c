"""Long sequences in lanes that would be empty."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from small_windows import cut

from statelab.samples import stretches
from statelab.samples.plans import expand, make_plan


def plan_of(lengths, lanes, burn_in, segment_length=1, rng=None):
    table = cut(lengths, layout="per_timestep", segment_length=segment_length)
    plan = make_plan(
        table,
        np.arange(len(lengths)),
        batch_size=lanes,
        stateful=True,
        stretch_burn_in=burn_in,
        rng=rng,
    )
    return table, plan, expand(plan, 0, plan.batches)


def test_a_single_series_fills_every_lane():
    # 23 steps are samples 0 to 11, the last of one step; burn-in of 3 steps: 2 samples
    _, plan, (sample, reset, counts) = plan_of([23], 3, 3, segment_length=2)
    assert (plan.lanes, plan.batches) == (3, 6)
    assert sample.T.tolist() == [
        [0, 1, 2, 3, -1, -1],
        [2, 3, 4, 5, 6, 7],
        [6, 7, 8, 9, 10, 11],
    ]
    assert counts.T.tolist() == [
        [True] * 4 + [False] * 2,
        [False] * 2 + [True] * 4,
        [False] * 2 + [True] * 4,
    ]
    assert reset[:, 1].tolist() == [True] + [False] * 5


def test_as_many_sequences_as_lanes_are_left_whole():
    table, _, written = plan_of([5, 3], 2, 1)
    whole = make_plan(table, np.arange(2), batch_size=2, stateful=True)
    for one, other in zip(written, expand(whole, 0, whole.batches), strict=True):
        np.testing.assert_array_equal(one, other)


def test_lanes_that_nothing_fills_are_left_out():
    _, plan, (sample, _, _) = plan_of([4, 2], 9, 4)  # too short to cut: burn-in of 4
    assert plan.lanes == 2 and (sample >= 0).sum() == 6


def test_the_longest_stretches_are_cut_first():
    sequence, begin, count, burn_in = stretches.cut(
        np.array([40, 7, 100]), np.array([3, 3, 3]), 6
    )
    assert sequence.tolist() == [0, 0, 1, 2, 2, 2]
    assert begin.tolist() == [0, 17, 0, 0, 30, 63]
    assert count.tolist() == [20, 23, 7, 33, 36, 37]
    assert burn_in.tolist() == [0, 3, 0, 0, 3, 3]


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    lanes=st.integers(1, 9),
    burn_in=st.integers(0, 7),
    segment_length=st.integers(1, 3),
    shuffled=st.booleans(),
)
def test_every_sample_counts_once_after_those_right_before_it(
    lengths, lanes, burn_in, segment_length, shuffled
):
    rng = np.random.default_rng(3) if shuffled else None
    table, plan, (sample, reset, counts) = plan_of(
        lengths, lanes, burn_in, segment_length, rng
    )
    assert sorted(sample[counts].tolist()) == list(range(table.samples[-1]))
    before = -(-burn_in // segment_length)
    for lane in range(plan.lanes):
        read = sample[:, lane]
        for batch in np.flatnonzero(read >= 0):
            if not reset[batch, lane]:
                assert read[batch] == read[batch - 1] + 1
                assert read[batch] not in table.samples
            elif not counts[batch, lane]:  # a stretch after the first
                warm = counts[batch : batch + before + 1, lane]
                assert warm.tolist() == [False] * before + [True]
            elif before:
                assert read[batch] in table.samples
