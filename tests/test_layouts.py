from pathlib import Path

import numpy as np
import pytest
from conftest import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages import window
from statelab import arrays, layouts
from statelab.errors import UserError
from statelab.layouts import Windows, locate
from statelab.sequences import SPLITS, Sequences, split
from statelab.tasks import first_step


def cut(lengths, **layout) -> Windows:
    sizes = {"window_length": 1, "stride": 1, "segment_length": 1, **layout}
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return layouts.windows(offsets, np.zeros(len(lengths), np.int8), **sizes)


def samples(table: Windows) -> layouts.Samples:
    return locate(table, np.arange(table.samples[-1]))


def pairs(table: Windows) -> list[tuple[int, int]]:
    """The first step and the length of each sample."""
    _, first, length = samples(table)
    return list(zip(first.tolist(), length.tolist(), strict=True))


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
        sequence, _, length = samples(table)
        chosen = codes[sequence] == SPLITS[name]
        assert chosen.sum() == expected[0]
        assert set(length[chosen].tolist()) == {expected[1]}


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
    assert samples(table).sequence.tolist() == [1, 1]
    assert layouts.of_split(table, SPLITS["train"]).tolist() == [1]
    assert pairs(table) == [(2, 3), (3, 3)]


def test_windows_refuse_to_leave_out_everything():
    rule = "longer than every sequence: the longest has 4 steps. Received: 5"
    with pytest.raises(UserError, match=rule):
        cut([2, 4], layout="subsampled", window_length=5)


def test_every_split_must_have_a_sample_and_a_target():
    values, offsets = np.zeros((6, 1), np.float32), np.array([0, 4, 6])
    known = np.array([0, 1, 0, 1, -1, -1])
    asked = {"split": "sequence", "validation_size": 0, "test_size": 1}
    sizes = {"layout": "subsampled", "window_length": 1, "stride": 1}
    data = Sequences(values, offsets, known)

    def cut(**changes):
        layouts.cut(data, **{**asked, **sizes, "segment_length": 1, **changes})

    for changes, line in [
        (  # seed 0 tests on the first sequence, 4 on the second
            {"seed": 0},
            "`window.test_size` and `window.validation_size`: train must have a "
            "target. Received: none in 1 sequences",
        ),
        (
            {"seed": 4},
            "`window.test_size` and `window.validation_size`: test must have a "
            "target. Received: none in 1 sequences",
        ),
        (
            {"seed": 4, "window_length": 3},
            "`window.window_length` must leave a sample in test, of which the longest "
            "sequence has 2 steps. Received: 3",
        ),
    ]:
        with pytest.raises(UserError) as caught:
            cut(**changes)
        assert str(caught.value) == line


def test_too_short_counts_no_part_without_steps():
    # of the parts of a split in time, those that validate may have no step
    table = cut([2, 0, 4, 3, 0, 1], layout="subsampled", window_length=3)
    assert layouts.too_short(table) == (2, 4)


@pytest.mark.parametrize(
    ("split", "lengths", "said"),
    [
        ("sequence", [9, 12, 20], "1 of 3 sequences"),
        # cut into 5 and 4, 7 and 5, 12 and 8, and 36 and 24 steps
        ("time", [9, 12, 20, 60], "5 of 8 parts of sequences"),
        ("sequence", [10, 12, 20], None),
    ],
)
def test_the_window_stage_says_what_is_too_short(
    tmp_path, monkeypatch, capsys, split, lengths, said
):
    params = YAML(typ="safe").load(REPOSITORY / "params.yaml")
    params["window"] |= {"layout": "subsampled", "split": split, "test_size": 0.4}
    monkeypatch.chdir(tmp_path)
    YAML().dump(params, tmp_path / "params.yaml")
    offsets = np.cumsum([0, *lengths])
    known = np.arange(offsets[-1]) % 2
    data = Sequences(np.zeros((offsets[-1], 1), np.float32), offsets, known)
    arrays.write(Path("sequences"), data)
    window.main(Path("sequences"), Path("windows"))
    assert capsys.readouterr().err == (
        f"sequences: {said} are shorter than the window of 10 steps: they have no "
        "sample\n"
        if said
        else ""
    )


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
    sequence, first, length = samples(table)
    assert (first + length <= ends[sequence]).all()
    assert layouts.lengths(table) == (length.min(), length.max())
    covered = np.zeros(len(values), bool)
    for start, length in zip(ends - lengths, lengths, strict=True):
        step = {"full": length, "subsampled": stride, "per_timestep": size}[layout]
        reach = length if layout == "full" else size
        last = length - size + 1 if layout == "subsampled" else length
        for first in range(0, last, step):
            covered[start + first : start + min(first + reach, length)] = True
    assert (rebuilt == np.where(covered[:, None], values, 0)).all()
    if layout != "subsampled":
        assert covered.all() and sum(size for _, size in pairs(table)) == sum(lengths)


def test_answers_of_some_sequences():
    table = cut([3, 1, 2], layout="per_timestep", segment_length=2)
    chosen = np.array([2, 0])
    assert layouts.answers_of(table, chosen).tolist() == [4, 5, 0, 1, 2]


@pytest.mark.parametrize(
    ("layout", "sample", "step"),
    [
        ("full", [0, 0, 0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5, 6, 7]),
        ("per_timestep", [0, 0, 1, 1, 2, 3, 3, 4], [0, 1, 2, 3, 4, 5, 6, 7]),
        ("subsampled", [0, 1, 2], [1, 4, 6]),
    ],
)
def test_windows_answer_at_their_last_step_and_other_samples_at_each(
    layout, sample, step
):
    table = cut([5, 3], layout=layout, segment_length=2, window_length=2, stride=3)
    at = layouts.locate_answers(table, np.arange(table.answers[-1]))
    assert at.sample.tolist() == sample
    assert at.step.tolist() == step
    assert at.sequence.tolist() == [0 if each < 5 else 1 for each in step]
    firsts = [sample.index(each) for each in range(table.samples[-1])]
    numbers = np.arange(table.samples[-1])
    assert layouts.first_answers(table, numbers).tolist() == firsts
    assert layouts.by_answer(table, 7 * numbers).tolist() == [7 * s for s in sample]


def test_windows_of_a_long_sequence_are_one_line():
    table = cut([10**12], layout="subsampled", window_length=100)
    assert sum(field.nbytes for field in table) < 100
    assert locate(table, np.array([10**12 - 100])).first.item() == 10**12 - 100


def test_answers_with_a_target_are_those_whose_own_step_has_one():
    targets = np.array([3, -1, 4, -1, 5])
    sequences = Sequences(np.zeros((5, 1)), np.array([0, 5]), targets)
    table = cut([5], layout="per_timestep", segment_length=2)
    answers, known = layouts.with_target(sequences, table, np.array([4, 3, 0]))
    assert (answers.tolist(), known.tolist()) == ([4, 0], [5, 3])
    table = cut([5], layout="subsampled", window_length=2)  # answers at 1, 2, 3 and 4
    answers, known = layouts.with_target(sequences, table, np.arange(4))
    assert (answers.tolist(), known.tolist()) == ([1, 3], [4, 5])
