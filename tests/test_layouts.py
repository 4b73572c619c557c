import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statelab import layouts
from statelab.layouts import Windows, plan, visible_from
from statelab.sequences import SPLITS, Sequences, split
from statelab.tasks import first_step


def cut(lengths, **layout) -> Windows:
    sizes = {"window_length": 1, "stride": 1, "segment_length": 1, **layout}
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return layouts.windows(offsets, np.zeros(len(lengths), np.int8), **sizes)


def pairs(table: Windows) -> list[tuple[int, int]]:
    return list(zip(table.first.tolist(), table.length.tolist(), strict=True))


# --- the post's figures ---


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("full", {"train": (1000, 20), "test": (200, 20)}),
        ("subsampled", {"train": (11000, 10), "test": (2200, 10)}),
        ("per_timestep", {"train": (20000, 1), "test": (4000, 1)}),
    ],
)
def test_windows_have_the_shapes_of_the_post(layout, shape):
    rng = np.random.default_rng(0)
    task = first_step(sequences=1200, length=20, rng=rng)
    codes = split(task.targets, test_size=200, validation_size=0, rng=rng)
    table = layouts.windows(
        task.offsets, codes, layout=layout, window_length=10, stride=1, segment_length=1
    )
    for name, expected in shape.items():
        samples = layouts.of_split(table, SPLITS[name])
        assert len(layouts.sample_targets(task, table)[samples]) == expected[0]
        assert set(table.length[samples].tolist()) == {expected[1]}


def test_windows_of_the_example_in_the_post():
    # X = [1, 0, 0, 0, 0] with window_length 2 gives [1, 0], [0, 0], [0, 0], [0, 0]
    values = np.float32([[1], [0], [0], [0], [0]])
    table = cut([5], layout="subsampled", window_length=2)
    x = [values[first : first + 2, 0].tolist() for first, _ in pairs(table)]
    assert x == [[1, 0], [0, 0], [0, 0], [0, 0]]


# --- windows ---


def test_windows_of_each_layout_on_sequences_of_5_and_3():
    # the table in the docstring of `windows`
    assert pairs(cut([5, 3], layout="full")) == [(0, 5), (5, 3)]
    assert pairs(cut([5, 3], layout="subsampled", window_length=2)) == [
        *((0, 2), (1, 2), (2, 2), (3, 2)),
        *((5, 2), (6, 2)),
    ]
    assert pairs(cut([5, 3], layout="per_timestep", segment_length=2)) == [
        *((0, 2), (2, 2), (4, 1)),
        *((5, 2), (7, 1)),
    ]


def test_windows_leave_out_sequences_shorter_than_a_window():
    table = cut([2, 4, 1], layout="subsampled", window_length=3)
    assert table.sequence.tolist() == [1, 1]
    assert pairs(table) == [(2, 3), (3, 3)]


def test_windows_keep_the_stride():
    # (8 - 3) // 2 + 1 = 3 windows; step 7 is in none of them
    table = cut([8], layout="subsampled", window_length=3, stride=2)
    assert pairs(table) == [(0, 3), (2, 3), (4, 3)]


lengths_of_sequences = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(
    lengths=lengths_of_sequences,
    layout=st.sampled_from(["full", "subsampled", "per_timestep"]),
    size=st.integers(1, 4),
    stride=st.integers(1, 5),
)
def test_windows_are_reversible(lengths, layout, size, stride):
    """The sequences come back from the samples and the table; nothing is lost or
    doubled but what the stride says."""
    lengths = [length + size - 1 for length in lengths]  # none shorter than a window
    values = np.arange(1, sum(lengths) + 1, dtype=np.float32)[:, None]
    table = cut(
        lengths, layout=layout, window_length=size, stride=stride, segment_length=size
    )
    rebuilt = np.zeros_like(values)
    for first, length in pairs(table):
        rebuilt[first : first + length] = values[first : first + length]
    ends = np.cumsum(lengths)
    assert (table.first + table.length <= ends[table.sequence]).all()
    covered = np.zeros(len(values), bool)
    for start, length in zip(ends - lengths, lengths, strict=True):
        step = {"full": length, "subsampled": stride, "per_timestep": size}[layout]
        reach = length if layout == "full" else size
        last = length - size + 1 if layout == "subsampled" else length
        for first in range(0, last, step):
            covered[start + first : start + min(first + reach, length)] = True
    assert (rebuilt == np.where(covered[:, None], values, 0)).all()
    if layout != "subsampled":
        assert covered.all() and table.length.sum() == sum(lengths)


def test_last_of_sequence():
    table = cut([3, 1, 2], layout="per_timestep")
    last = layouts.last_of_sequence(table)
    assert last.tolist() == [False, False, True, True, False, True]


# --- plans ---


def grid_of(planned) -> list[list[int | None]]:
    """The samples of a plan, None on padding."""
    return [
        [sample if weight else None for sample, weight in zip(*row, strict=True)]
        for row in zip(planned.sample.tolist(), planned.weight.tolist(), strict=True)
    ]


def test_plan_of_a_stateful_model_keeps_a_sequence_in_one_lane():
    # sequences A (samples 0 1 2), B (3 4 5), C (6): C goes to the lane free first
    table = cut([3, 3, 1], layout="per_timestep")
    planned = plan(table, np.arange(7), batch_size=2, stateful=True)
    assert grid_of(planned) == [[0, 3], [1, 4], [2, 5], [6, None]]
    assert planned.reset[:, 0].tolist() == [True, False, False, True]
    assert planned.reset[:3, 1].tolist() == [True, False, False]


def test_plan_resets_one_lane_while_its_neighbour_goes_on():
    table = cut([1, 3, 2], layout="per_timestep")
    planned = plan(table, np.arange(6), batch_size=2, stateful=True)
    assert grid_of(planned) == [[0, 1], [4, 2], [5, 3]]
    assert planned.reset.tolist() == [[True, True], [True, False], [False, False]]


def test_plan_of_naive_batches_puts_samples_one_after_another():
    # the table in the docstring of `plan`: A is 0 1 2 and B is 3 4 5
    table = cut([3, 3], layout="per_timestep")
    planned = plan(
        table, np.arange(6), batch_size=2, stateful=True, batching="contiguous"
    )
    assert grid_of(planned) == [[0, 1], [2, 3], [4, 5]]
    assert planned.reset.tolist() == [[True, True], [False, True], [True, False]]


def test_plan_that_never_resets_does_so_once_at_the_start():
    table = cut([2, 2], layout="per_timestep")
    planned = plan(table, np.arange(4), batch_size=1, stateful=True, reset="never")
    assert planned.reset[:, 0].tolist() == [True, False, False, False]


def test_plan_of_a_stateless_model_resets_everywhere_and_keeps_the_order():
    table = cut([5], layout="per_timestep")
    planned = plan(table, np.arange(5), batch_size=2, stateful=False)
    assert grid_of(planned) == [[0, 1], [2, 3], [4, None]]
    assert planned.reset.all()


def test_plan_shuffles_by_the_generator_that_it_is_given():
    table = cut([50], layout="per_timestep")
    one, again, other = (
        plan(
            table,
            np.arange(50),
            batch_size=1,
            stateful=False,
            rng=np.random.default_rng(seed),
        ).sample[:, 0]
        for seed in (0, 0, 1)
    )
    assert one.tolist() == again.tolist() != other.tolist()
    assert sorted(one.tolist()) == list(range(50))


@given(
    lengths=lengths_of_sequences,
    segment_length=st.integers(1, 3),
    batch_size=st.integers(1, 4),
    stateful=st.booleans(),
    batching=st.sampled_from(["aligned", "contiguous"]),
)
def test_plan_visits_every_sample_once(
    lengths, segment_length, batch_size, stateful, batching
):
    table = cut(lengths, layout="per_timestep", segment_length=segment_length)
    samples = np.arange(len(table.first))
    planned = plan(
        table, samples, batch_size=batch_size, stateful=stateful, batching=batching
    )
    visited = planned.sample[planned.weight > 0]
    assert sorted(visited.tolist()) == samples.tolist()


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
    planned = plan(
        table, np.arange(len(table.first)), batch_size=batch_size, stateful=True
    )
    first_of_sequence = np.diff(table.sequence, prepend=-1) != 0
    for batch, lane in np.argwhere(planned.weight > 0):
        sample = planned.sample[batch, lane]
        assert planned.reset[batch, lane] == first_of_sequence[sample]
        if not planned.reset[batch, lane]:
            assert planned.sample[batch - 1, lane] == sample - 1
            assert planned.weight[batch - 1, lane] > 0


@pytest.mark.parametrize("batching", ["aligned", "contiguous"])
def test_a_shuffled_stateful_plan_keeps_sequences_whole(batching):
    table = cut([5, 3, 4], layout="per_timestep")
    orders = set()
    for seed in range(6):
        shuffled = plan(
            table,
            np.arange(12),
            batch_size=1,
            stateful=True,
            batching=batching,
            rng=np.random.default_rng(seed),
        )
        order = shuffled.sample[:, 0]
        sequences = [order[a:b].tolist() for a, b in _between(shuffled.reset[:, 0])]
        assert sorted(sequences) == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11]]
        orders.add(tuple(order.tolist()))
    assert len(orders) > 1


def _between(reset):
    starts = np.flatnonzero(reset).tolist()
    return zip(starts, [*starts[1:], len(reset)], strict=True)


def test_plans_of_one_length_are_filled_up_with_what_does_not_count():
    table = cut([5, 3, 4], layout="per_timestep")
    # 5, 3 and 4 steps in two lanes: 7 batches in reading order
    long, short = (
        plan(table, chosen, batch_size=2, stateful=True)
        for chosen in (np.arange(12), np.arange(5))
    )
    assert (len(long.sample), len(short.sample)) == (7, 5)
    filled = layouts.of_one_length([long, short])
    assert [len(each.weight) for each in filled] == [7, 7]
    assert filled[1].weight[:, 0].tolist() == [1, 1, 1, 1, 1, 0, 0]


# --- what a model can see ---


def visible(table, **how) -> list[int]:
    return visible_from(plan(table, np.arange(len(table.first)), **how), table).tolist()


def test_visible_from_is_the_sample_itself_without_state():
    table = cut([3, 2], layout="subsampled", window_length=2)
    assert visible(table, batch_size=2, stateful=False) == [0, 1, 3]


def test_visible_from_is_the_start_of_the_sequence_with_state():
    table = cut([3, 2], layout="per_timestep")
    assert visible(table, batch_size=2, stateful=True) == [0, 0, 0, 3, 3]


def test_visible_from_is_unknown_after_another_sequence():
    table = cut([3, 2], layout="per_timestep")
    assert visible(table, batch_size=1, stateful=True, reset="never") == [
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


def test_visible_from_leaves_out_samples_of_other_plans():
    table = cut([2, 2], layout="per_timestep")
    planned = plan(table, np.array([2, 3]), batch_size=1, stateful=True)
    assert visible_from(planned, table).tolist() == [-1, -1, 2, 2]


def test_sample_targets_are_those_of_the_last_step():
    sequences = Sequences(np.zeros((5, 1)), np.array([0, 5]), np.array([3, 1, 4, 1, 5]))
    table = cut([5], layout="per_timestep", segment_length=2)
    assert layouts.sample_targets(sequences, table).tolist() == [1, 1, 5]
