import numpy as np
import project_params
import pytest
from checkouts import REPOSITORY
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from small_windows import cut, lengths_of_sequences, pairs, samples

from stages import generate, window
from statelab.data.sequences import SPLITS, Sequences
from statelab.data.tasks import first_step
from statelab.errors import UserError
from statelab.io import arrays
from statelab.pipeline import paths
from statelab.samples import splitting
from statelab.samples.splitting import assign_splits
from statelab.samples.windows import (
    Windows,
    dropped_notes,
    first_predictions,
    locate_predictions,
    locate_samples,
    make_windows,
    per_prediction,
    predicted_steps,
    predictions_of,
    sample_lengths,
    sequences_in_split,
    with_targets,
)

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
    codes = assign_splits(task.targets, test_size=200, validation_size=0, rng=rng)
    table = make_windows(
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
    assert sequences_in_split(table, SPLITS["train"]).tolist() == [1]
    assert pairs(table) == [(2, 3), (3, 3)]


def test_windows_refuse_to_leave_out_everything():
    rule = "longer than every sequence: the longest has 4 steps. Received: 5"
    with pytest.raises(UserError, match=rule):
        cut([2, 4], layout="subsampled", window_length=5)


def test_every_split_must_have_a_sample_and_a_target():
    values, offsets = np.zeros((6, 1), np.float32), np.array([0, 4, 6])
    known = np.array([0, 1, 0, 1, -1, -1])
    data = Sequences(values, offsets, known)

    def cut(seed, window_length=1):
        sizes = {"layout": "subsampled", "window_length": window_length}
        splitting.split_and_window(
            data, project_params.window(test_size=1, **sizes), seed=seed
        )

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


def test_notes_count_no_part_without_steps():
    # of the parts of a split in time, those that validate may have no step
    table = cut([2, 0, 4, 3, 0, 1], layout="subsampled", window_length=3)
    (note,) = dropped_notes(table)
    assert note.endswith("shorter than a window of 3 steps, and have no sample: 2 of 4")


def in_time(lengths, horizon=0, number=0, **settings):
    """Where the parts of each split begin and end, as (first, stop)."""
    offsets = np.append(0, np.cumsum(lengths))
    data = Sequences(
        np.zeros((offsets[-1], 1), np.float32),
        offsets,
        np.arange(offsets[-1], dtype=np.float32),
    )
    window = project_params.window(split="time", **settings)
    table = splitting.split_and_window(
        data, window, seed=0, horizon=horizon, number=number
    )
    parts = {
        name: [
            (int(table.first[sequence]), int(table.stop[sequence]))
            for sequence in sequences_in_split(table, code)
        ]
        for name, code in SPLITS.items()
    }
    return table, parts


@pytest.mark.parametrize("layout", ["full", "per_timestep"])
def test_a_split_in_time_trains_on_what_comes_first(layout):
    sizes = {"layout": layout, "segment_length": 2}
    _, parts = in_time([10, 7], test_size=3, validation_size=2, **sizes)
    assert parts == {
        "train": [(0, 5), (10, 12)],
        "validation": [(5, 7), (12, 14)],
        "test": [(7, 10), (14, 17)],
    }
    table, parts = in_time([10], test_size=0.25, validation_size=0, **sizes)
    assert parts == {"train": [(0, 8)], "validation": [], "test": [(8, 10)]}
    assert sample_lengths(table) == ((2, 8) if layout == "full" else (2, 2))
    assert dropped_notes(table) == []


def test_a_split_in_time_leaves_out_steps_whose_target_is_of_the_next_part():
    sizes = {"layout": "per_timestep", "segment_length": 1, "horizon": 2}
    _, parts = in_time([20], test_size=5, validation_size=4, **sizes)
    assert parts == {"train": [(0, 9)], "validation": [(11, 13)], "test": [(15, 20)]}
    table, parts = in_time([20], test_size=5, validation_size=0, **sizes)
    assert parts == {"train": [(0, 13)], "validation": [], "test": [(15, 20)]}
    assert (table.samples[-1], table.answers[-1]) == (
        18,
        18,
    )  # none where it is left out


def test_origins_roll_back_by_the_length_of_test():
    sizes = {"layout": "per_timestep", "test_size": 4, "validation_size": 3}
    table, parts = in_time([20, 9], horizon=1, number=1, **sizes)
    # the second sequence would have no step to train on: what is before 5 trains
    assert parts == {
        "train": [(0, 8), (20, 25)],
        "validation": [(9, 11)],
        "test": [(12, 16)],
    }
    assert table.answers[-1] == 8 + 2 + 4 + 5  # none of what follows
    _, parts = in_time([20], horizon=1, number=2, **sizes)
    assert (parts["train"], parts["test"]) == ([(0, 4)], [(8, 12)])
    with pytest.raises(UserError) as caught:
        in_time([20], horizon=1, number=3, **sizes)
    assert str(caught.value) == (
        "`evaluate.splits` must leave steps to train on before each of them. "
        "Received: 4 tests of 4 of 20 steps"
    )


def test_other_splits_of_sequences_are_drawn_anew_and_the_first_stays():
    data = Sequences(np.zeros((60, 1), np.float32), np.arange(61), np.zeros(60, int))
    window = project_params.window(layout="full", test_size=20, validation_size=10)
    splits = [
        splitting.split_and_window(data, window, seed=5, number=number).split
        for number in (0, 1, 2, 1)
    ]
    as_before = splitting.split_and_window(data, window, seed=5).split
    assert (splits[0] == as_before).all() and (splits[1] == splits[3]).all()
    assert len({split.tobytes() for split in splits}) == 3
    assert [np.bincount(split).tolist() for split in splits] == [[30, 10, 20]] * 4


def test_only_a_single_series_has_several_splits_by_default():
    def count(sequences, splits="auto", **settings):
        data = Sequences(
            np.zeros((20, 1), np.float32),
            np.linspace(0, 20, sequences + 1).astype(int),
            np.zeros(20),
        )
        window = project_params.window(**settings)
        return splitting.count_of(data, window, splits)

    assert (count(1), count(2), count(2, split="time")) == (3, 1, 1)
    assert (count(1, split="sequence"), count(2, splits=4)) == (1, 4)


def test_sequences_too_short_to_be_cut_in_time_train_whole():
    sizes = {"layout": "per_timestep", "segment_length": 1, "horizon": 1}
    table, parts = in_time([1, 6, 3], test_size=2, validation_size=0, **sizes)
    assert parts == {
        "train": [(0, 1), (1, 4), (7, 10)],
        "validation": [],
        "test": [(5, 7)],
    }
    assert dropped_notes(table) == [
        "sequences too short to be cut in time, which train whole: 2 of 3"
    ]
    with pytest.raises(UserError) as caught:
        in_time([2, 3], test_size=2, validation_size=0, **sizes)
    assert str(caught.value) == (
        "`window.test_size` and `window.validation_size` must leave steps of some "
        "sequence to train on and to test on, and of each part but the last more than "
        "`generate.horizon` (1). Received: 2 and 0 of the 3 steps of the longest"
    )


# sequences of 2, 1 and 4 steps
OF_THREE = Sequences(
    np.zeros((7, 1), np.float32), np.array([0, 2, 3, 7]), np.arange(7, dtype=np.float32)
)


def test_a_given_split_puts_sequences_where_the_file_says():
    # sizes, of which none could leave a sequence to train on, are not looked at
    settings = project_params.window(split="given", test_size=3, layout="full")
    codes = np.int8([2, 1, 0])
    table = splitting.split_and_window(OF_THREE, settings, seed=0, given=codes)
    assert table.split.tolist() == [2, 1, 0]
    assert pairs(table) == [(0, 2), (2, 1), (3, 4)]


def test_a_given_split_without_validation_draws_it_from_train():
    of_ten = Sequences(np.zeros((10, 1), np.float32), np.arange(11), np.arange(10) % 2)
    codes = np.int8([0, 0, 0, 2, 0, 0, 2, 0, 0, 0])
    settings = project_params.window(split="given", validation_size=0.25, layout="full")
    table = splitting.split_and_window(of_ten, settings, seed=0, given=codes)
    assert (table.split[[3, 6]] == 2).all()
    drawn = np.flatnonzero(table.split == 1)
    assert len(drawn) == 2 and set(drawn % 2) == {0, 1}  # a quarter of 8, by class
    assert codes.tolist() == [0, 0, 0, 2, 0, 0, 2, 0, 0, 0]
    settings = settings.model_copy(update={"validation_size": 0})
    table = splitting.split_and_window(of_ten, settings, seed=0, given=codes)
    assert table.split.tolist() == codes.tolist()


def test_fewer_sequences_than_splits_are_split_in_time():
    settings = project_params.window(split="auto", validation_size=0.2)
    kinds = []
    for count in (1, 2, 3):
        data = Sequences(np.zeros((count, 1)), np.arange(count + 1), np.zeros(count))
        kinds.append(splitting.kind_of(data, settings))
    assert kinds == ["time", "time", "sequence"]


@pytest.mark.parametrize(
    ("codes", "line"),
    [
        (
            None,
            "`window.split` must be sequence or time where no column or array `split` "
            "says in which split a sequence is. Received: given",
        ),
        (
            np.int8([2, 1, 1]),
            "`window.split: given` must leave a sequence to train on. "
            "Received: none of 3 sequences",
        ),
        (
            np.int8([0, 1, 0]),
            "`window.split: given` must leave a sequence to test on. "
            "Received: none of 3 sequences",
        ),
    ],
)
def test_a_given_split_must_be_given(codes, line):
    settings = project_params.window(split="given", layout="full")
    with pytest.raises(UserError) as caught:
        splitting.split_and_window(OF_THREE, settings, seed=0, given=codes)
    assert str(caught.value) == line


def test_a_given_split_goes_from_the_file_to_the_windows(tmp_path, monkeypatch):
    lines = ["id,time,x,target,part", "b,1,5,0,test", "a,1,6,1,train", "c,1,8,0,train"]
    (tmp_path / "panel.csv").write_text("\n".join(lines))
    params = YAML(typ="safe").load(REPOSITORY / "params.yaml")
    params["generate"] |= {"source": "csv", "path": "panel.csv"}
    params["generate"]["columns"]["split"] = "part"
    params["window"] |= {"split": "given", "validation_size": 0}
    monkeypatch.chdir(tmp_path)
    YAML().dump(params, tmp_path / "params.yaml")
    generate.main()
    window.main()
    table = arrays.read(paths.WINDOWS, Windows)
    assert table.split.tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("split", "lengths", "said"),
    [
        ("sequence", [9, 12, 20], "1 of 3"),
        # cut into 5 and 4, 7 and 5, 12 and 8, and 36 and 24 steps
        ("time", [9, 12, 20, 60], "5 of 8"),
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
    arrays.write(paths.SEQUENCES, data)
    window.main()
    assert capsys.readouterr().err == (
        "data/sequences: sequences, or parts of them, that are shorter than a window "
        f"of 10 steps, and have no sample: {said}\n"
        if said
        else ""
    )


def test_segments_may_be_longer_than_every_sequence():
    table = cut([5, 3], layout="per_timestep", segment_length=6)
    assert (sample_lengths(table), predicted_steps(table)) == ((3, 5), 5)
    at = locate_predictions(table, np.arange(8))
    assert at.step.tolist() == list(range(8))


def test_windows_keep_the_stride():
    # (8 - 3) // 2 + 1 = 3 windows; step 7 is in none of them
    table = cut([8], layout="subsampled", window_length=3, stride=2)
    assert pairs(table) == [(0, 3), (2, 3), (4, 3)]


@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    layout=st.sampled_from(["full", "subsampled", "per_timestep"]),
    size=st.integers(1, 4),
    stride=st.integers(1, 5),
)
def test_every_answer_is_of_a_step_of_its_own_sample(lengths, layout, size, stride):
    table = cut(
        [*lengths, 9],
        layout=layout,
        window_length=size,
        segment_length=size,
        stride=stride,
    )
    at = locate_predictions(table, np.arange(table.answers[-1]))
    sample = locate_samples(table, at.sample)
    assert len(set(at.step.tolist())) == len(at.step)
    assert (at.sequence == sample.sequence).all()
    assert (at.step >= sample.first).all()
    assert (at.step < sample.first + sample.length).all()
    if layout != "subsampled":
        assert at.step.tolist() == list(range(sum(lengths) + 9))
    else:
        assert (at.step == sample.first + size - 1).all()
    samples_, first = np.unique(at.sample, return_index=True)
    assert samples_.tolist() == list(range(table.samples[-1]))
    assert first_predictions(table, samples_).tolist() == first.tolist()
    assert per_prediction(table, samples_).tolist() == at.sample.tolist()
    assert predicted_steps(table) == max(np.bincount(at.sample))


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
    assert sample_lengths(table) == (length.min(), length.max())
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
    assert predictions_of(table, chosen).tolist() == [4, 5, 0, 1, 2]


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
    at = locate_predictions(table, np.arange(table.answers[-1]))
    assert at.sample.tolist() == sample
    assert at.step.tolist() == step
    assert at.sequence.tolist() == [0 if s < 5 else 1 for s in step]
    firsts = [sample.index(number) for number in range(table.samples[-1])]
    numbers = np.arange(table.samples[-1])
    assert first_predictions(table, numbers).tolist() == firsts
    assert per_prediction(table, 7 * numbers).tolist() == [7 * s for s in sample]


def test_windows_of_a_long_sequence_are_one_line():
    table = cut([10**12], layout="subsampled", window_length=100)
    assert sum(field.nbytes for field in table) < 100
    assert locate_samples(table, np.array([10**12 - 100])).first.item() == 10**12 - 100


def test_answers_with_a_target_are_those_whose_own_step_has_one():
    targets = np.array([3, -1, 4, -1, 5])
    sequences = Sequences(np.zeros((5, 1)), np.array([0, 5]), targets)
    table = cut([5], layout="per_timestep", segment_length=2)
    answers, known = with_targets(sequences, table, np.array([4, 3, 0]))
    assert (answers.tolist(), known.tolist()) == ([4, 0], [5, 3])
    table = cut([5], layout="subsampled", window_length=2)  # answers at 1, 2, 3 and 4
    answers, known = with_targets(sequences, table, np.arange(4))
    assert (answers.tolist(), known.tolist()) == ([1, 3], [4, 5])
