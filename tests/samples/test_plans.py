"""What each lane reads, where it is reset, and what counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_windows import cut, lengths_of_sequences, samples

from statelab.config.values import Reset
from statelab.errors import UserError
from statelab.samples import plans
from statelab.samples.plans import Batches, expand, make_plan, visible_from
from statelab.samples.windows import Windows


def every(table: Windows) -> np.ndarray:
    return np.arange(len(table.split))


def written(planned) -> Batches:
    return expand(planned, 0, planned.batches)


def grid_of(planned) -> list[list[int | None]]:
    """The samples of a plan, None on padding."""
    sample = written(planned).sample.tolist()
    return [[one if one >= 0 else None for one in row] for row in sample]


def test_plan_of_a_stateful_model_keeps_a_sequence_in_one_lane():
    # sequences A (samples 0 1 2), B (3 4 5), C (6): C goes to the lane free first
    table = cut([3, 3, 1], layout="per_timestep")
    planned = make_plan(table, every(table), batch_size=2, stateful=True)
    assert grid_of(planned) == [[0, 3], [1, 4], [2, 5], [6, None]]
    assert written(planned).reset[:, 0].tolist() == [True, False, False, True]
    assert written(planned).reset[:3, 1].tolist() == [True, False, False]


def test_plan_resets_one_lane_while_its_neighbour_goes_on():
    table = cut([1, 3, 2], layout="per_timestep")
    planned = make_plan(table, every(table), batch_size=2, stateful=True)
    assert grid_of(planned) == [[0, 1], [4, 2], [5, 3]]
    reset = written(planned).reset
    assert reset.tolist() == [[True, True], [True, False], [False, False]]


def test_plan_of_naive_batches_puts_samples_one_after_another():
    # the table in the docstring of `plan`: A is 0 1 2 and B is 3 4 5
    table = cut([3, 3], layout="per_timestep")
    planned = make_plan(
        table, every(table), batch_size=2, stateful=True, batching="contiguous"
    )
    assert grid_of(planned) == [[0, 1], [2, 3], [4, 5]]
    reset = written(planned).reset
    assert reset.tolist() == [[True, True], [False, True], [True, False]]


def test_plan_that_never_resets_does_so_once_at_the_start():
    table = cut([2, 2], layout="per_timestep")
    planned = make_plan(
        table, every(table), batch_size=1, stateful=True, reset=Reset("never")
    )
    assert written(planned).reset[:, 0].tolist() == [True, False, False, False]


def test_plan_of_a_stateless_model_resets_everywhere_and_keeps_the_order():
    table = cut([5], layout="per_timestep")
    planned = make_plan(table, every(table), batch_size=2, stateful=False)
    assert grid_of(planned) == [[0, 1], [2, 3], [4, None]]
    assert written(planned).reset.all()


def test_plan_shuffles_by_the_generator_that_it_is_given():
    table = cut([50], layout="per_timestep")
    one, again, other = (
        make_plan(
            table,
            every(table),
            batch_size=1,
            stateful=False,
            rng=np.random.default_rng(seed),
        )
        for seed in (0, 0, 1)
    )
    orders = [written(plan).sample[:, 0].tolist() for plan in (one, again, other)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(50))


@given(
    lengths=lengths_of_sequences,
    segment_length=st.integers(1, 3),
    batch_size=st.integers(1, 4),
    stateful=st.booleans(),
    batching=st.sampled_from(["aligned", "contiguous"]),
    rng=st.sampled_from([None, 1]),
)
def test_plan_visits_every_sample_once(
    lengths, segment_length, batch_size, stateful, batching, rng
):
    table = cut(lengths, layout="per_timestep", segment_length=segment_length)
    planned = make_plan(
        table,
        every(table),
        batch_size=batch_size,
        stateful=stateful,
        batching=batching,
        rng=rng and np.random.default_rng(rng),
    )
    sample = written(planned).sample
    assert sorted(sample[sample >= 0].tolist()) == list(range(table.samples[-1]))


@given(
    lengths=lengths_of_sequences,
    layout=st.sampled_from(["full", "subsampled", "per_timestep"]),
    segment_length=st.integers(1, 3),
    batch_size=st.integers(1, 4),
)
def test_plan_of_aligned_lanes_is_contiguous(
    lengths, layout, segment_length, batch_size
):
    """A lane that is not reset reads the very next sample of the same sequence, and a
    lane that begins a sequence is reset."""
    table = cut([*lengths, 2], layout=layout, segment_length=segment_length)
    planned = make_plan(table, every(table), batch_size=batch_size, stateful=True)
    sample, reset, _ = written(planned)
    for batch, lane in np.argwhere(sample >= 0):
        begins = sample[batch, lane] in table.samples
        assert reset[batch, lane] == begins
        if not begins:
            assert sample[batch - 1, lane] == sample[batch, lane] - 1


@pytest.mark.parametrize(
    ("lanes", "resets"),
    [
        (2, [[1, 1], [0, 0], [1, 1], [0, 0]]),  # at steps 0 1, 4 5
        (3, [[1, 1, 1], [0, 1, 1], [1, 0, 1]]),  # lane 2 is reset as it runs out
    ],
)
def test_plan_resets_every_lane_that_goes_past_an_interval(lanes, resets):
    table = cut([8], layout="per_timestep")
    how = {"batching": "contiguous", "reset": Reset("every_4")}
    planned = make_plan(table, every(table), batch_size=lanes, stateful=True, **how)
    assert written(planned).reset.tolist() == resets


def test_plan_resets_every_so_many_steps_of_each_sequence():
    table = cut([7, 3], layout="per_timestep", segment_length=2)  # 0 1 2 3, 4 5
    planned = make_plan(
        table, every(table), batch_size=1, stateful=True, reset=Reset("every_4")
    )
    assert written(planned).reset[:, 0].tolist() == [1, 0, 1, 0, 1, 0]
    rule = "multiple of the 2 steps from a sample to the next. Received: every_3"
    with pytest.raises(UserError, match=rule):
        make_plan(
            table, every(table), batch_size=1, stateful=True, reset=Reset("every_3")
        )


@given(
    lengths=lengths_of_sequences,
    batch_size=st.integers(1, 4),
    stateful=st.booleans(),
    how=st.fixed_dictionaries(
        {
            "batching": st.sampled_from(["aligned", "contiguous"]),
            "reset": st.sampled_from(
                [Reset("sequence"), Reset("never"), Reset("every_2")]
            ),
        }
    ),
    shuffled=st.booleans(),
    size=st.integers(1, 5),
)
def test_expand_in_pieces_is_the_whole_and_padding_behind_it(
    lengths, batch_size, stateful, how, shuffled, size
):
    table = cut(lengths, layout="per_timestep")
    rng = np.random.default_rng(0) if shuffled else None
    planned = make_plan(
        table, every(table), batch_size=batch_size, stateful=stateful, rng=rng, **how
    )
    pieces = [
        expand(planned, start, start + size)
        for start in range(0, planned.batches, size)
    ]
    for whole, *parts in zip(written(planned), *pieces, strict=True):
        together = np.concatenate(parts)
        assert together[: planned.batches].tolist() == whole.tolist()
        assert len(together) % size == 0
    assert (pieces[-1].sample[planned.batches % size or size :] == -1).all()


@pytest.mark.parametrize("stateful", [True, False])
@pytest.mark.parametrize("rng", [None, np.random.default_rng(0)])
def test_plan_of_no_sequence_has_no_batch(stateful, rng):
    table = cut([3, 1], layout="subsampled", window_length=2)
    for chosen in (np.array([], int), np.array([1])):  # the second has no window
        empty = make_plan(table, chosen, batch_size=2, stateful=stateful, rng=rng)
        assert empty.batches == 0
        assert expand(empty, 0, 1).sample.tolist() == [[-1, -1]]
        assert visible_from(empty, table).tolist() == [-1, -1]


def test_plan_of_a_long_sequence_is_a_line_for_each_lane():
    table = cut([10**12], layout="subsampled", window_length=100)
    carried = make_plan(table, every(table), batch_size=2, stateful=True)
    apart = make_plan(table, every(table), batch_size=2, stateful=False)
    assert carried.first_sample.nbytes + apart.first_sample.nbytes < 100
    middle = 10**11
    assert expand(carried, middle, middle + 1).sample[0, 0] == middle
    assert expand(apart, middle, middle + 1).sample.tolist() == [
        [2 * middle, 2 * middle + 1]
    ]


@pytest.mark.parametrize("batching", ["aligned", "contiguous"])
def test_a_shuffled_stateful_plan_keeps_sequences_whole(batching):
    table = cut([5, 3, 4], layout="per_timestep")
    orders = set()
    for seed in range(6):
        shuffled = make_plan(
            table,
            every(table),
            batch_size=1,
            stateful=True,
            batching=batching,
            rng=np.random.default_rng(seed),
        )
        order, reset = (field[:, 0] for field in written(shuffled)[:2])
        sequences = [order[a:b].tolist() for a, b in _between(reset)]
        assert sorted(sequences) == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11]]
        orders.add(tuple(order.tolist()))
    assert len(orders) > 1


def _between(reset):
    starts = np.flatnonzero(reset).tolist()
    return zip(starts, [*starts[1:], len(reset)], strict=True)


# --- what a model can see ---


def visible(table, **how) -> list[int]:
    return visible_from(make_plan(table, every(table), **how), table).tolist()


def test_visible_from_is_the_sample_itself_without_state():
    table = cut([3, 2], layout="subsampled", window_length=2)
    assert visible(table, batch_size=2, stateful=False) == [0, 1, 3]


def test_visible_from_is_the_start_of_the_sequence_with_state():
    table = cut([3, 2], layout="per_timestep")
    assert visible(table, batch_size=2, stateful=True) == [0, 0, 0, 3, 3]


def test_visible_from_is_unknown_after_another_sequence():
    table = cut([3, 2], layout="per_timestep")
    assert visible(table, batch_size=1, stateful=True, reset=Reset("never")) == [
        *(0, 0, 0),
        *(-1, -1),
    ]


def test_visible_from_is_unknown_where_samples_do_not_continue_each_other():
    # lane 0 reads samples 0, 2 and lane 1 reads 1, 3 of one sequence
    table = cut([4], layout="per_timestep")
    assert visible(table, batch_size=2, stateful=True, batching="contiguous") == [
        *(0, 1),
        *(-1, -1),
    ]


def test_visible_from_is_unknown_where_the_stride_skips_steps():
    table = cut([7], layout="subsampled", window_length=2, stride=3)
    assert visible(table, batch_size=1, stateful=True) == [0, -1]


@given(
    lengths=lengths_of_sequences,
    batch_size=st.integers(1, 3),
    batching=st.sampled_from(["aligned", "contiguous"]),
    reset=st.sampled_from([Reset("sequence"), Reset("never"), Reset("every_6")]),
    stride=st.integers(1, 3),
)
def test_visible_from_is_what_a_walk_along_each_lane_finds(
    lengths, batch_size, batching, reset, stride
):
    table = cut([*lengths, 9], layout="subsampled", window_length=2, stride=stride)
    how = {"stateful": True, "batching": batching, "reset": reset}
    planned = make_plan(table, every(table), batch_size=batch_size, **how)
    at, expected = samples(table), np.full(table.samples[-1], -1)
    for lane in np.stack(written(planned)[:2], axis=2).swapaxes(0, 1).tolist():
        origin = before = -1
        for sample, begins in lane:
            if sample < 0:
                break
            if begins:
                origin = at.first[sample]
            elif not (
                sample == before + 1
                and at.sequence[sample] == at.sequence[before]
                and at.first[sample] <= at.first[before] + 2
            ):
                origin = -1
            expected[sample], before = origin, sample
    assert visible_from(planned, table).tolist() == expected.tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "MAX_CELLS", 8)
        assert visible_from(planned, table).tolist() == expected.tolist()


def test_visible_from_leaves_out_samples_of_other_plans():
    table = cut([2, 2], layout="per_timestep")
    planned = make_plan(table, np.array([1]), batch_size=1, stateful=True)
    assert visible_from(planned, table).tolist() == [-1, -1, 2, 2]
