import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_params import window
from read_files import load, steps, targets

from statelab.data import sources
from statelab.errors import UserError
from statelab.samples import splitting

PANEL = """\
id,time,x,y,target
b,3,0.5,7,low
a,1,2,30,high
b,1,1.5,9,high
a,4,3,40,low
b,2,-1,8,
"""


@pytest.fixture
def read(tmp_path):
    """Write a CSV file, and load it."""

    def read(text: str, **changes) -> sources.Loaded:
        file = tmp_path / "panel.csv"
        file.write_text(text)
        return load(file, **changes)

    return read


# --- splits ---

SPLIT = {"split": "part"}


def test_a_column_says_in_which_split_a_sequence_is(read):
    loaded = read(
        "id,time,x,target,part\n"
        "b,1,5,0,test\na,1,6,1,train\nb,2,7,1,test\nc,1,8,0,validation\n",
        columns=SPLIT,
    )
    assert loaded.names == ["b", "a", "c"]
    assert loaded.split.tolist() == [2, 0, 1]
    assert loaded.features == ["x"]


def test_parts_of_a_sequence_keep_its_split(read):
    # b begins anew after the gap from 2 to 9, and its last step has none ahead
    loaded = read(
        "id,time,x,target,part\n"
        "a,1,6,1,train\na,2,6,1,train\n"
        "b,1,5,0.5,test\nb,2,7,1,test\nb,9,7,1,test\nb,10,3,4,test\n",
        columns=SPLIT,
        max_gap=2.0,
        horizon=1,
    )
    assert loaded.names == ["a", "b", "b"]
    assert loaded.split.tolist() == [0, 2, 2]


def test_without_a_column_of_splits_there_is_none(read):
    assert read(PANEL).split is None


@pytest.mark.parametrize(
    ("rows", "columns", "line"),
    [
        (
            "a,1,5,0,train\nb,1,6,1,Test\n",
            SPLIT,
            "FILE, row 3, column `part`: must be train, validation or test. "
            "Received: 'Test'",
        ),
        (
            "a,1,5,0,train\nb,1,6,1,\n",
            SPLIT,
            "FILE, row 3, column `part`: must be train, validation or test. "
            "Received: none",
        ),
        (
            "a,1,5,0,train\nb,1,6,1,test\na,2,5,0,validation\n",
            SPLIT,
            "FILE, row 4, column `part`: must be train, as in the first row of "
            "sequence 'a'. Received: 'validation'",
        ),
        (
            "a,1,5,0,train\n",
            {"split": "x", "features": ["x"]},
            "`generate.columns.split` must name a column that is nothing else. "
            "Received: x",
        ),
        (
            "a,1,5,0,train\n",
            {"split": "where"},
            "FILE: must have the column `where`, or `generate.columns.split` another "
            "name, or null where no column says it. "
            "Received: id, time, x, target, part",
        ),
    ],
)
def test_a_split_that_cannot_be_is_one_line(read, tmp_path, rows, columns, line):
    with pytest.raises(UserError) as caught:
        read("id,time,x,target,part\n" + rows, columns=columns)
    assert str(caught.value).replace(str(tmp_path / "panel.csv"), "FILE") == line


# --- panels ---


def test_rows_become_sequences_in_order_of_time(read):
    loaded = read(PANEL)
    assert loaded.names == ["b", "a"]  # as they first appear
    assert loaded.features == ["x", "y"]
    assert steps(loaded) == [[[1.5, 9], [-1, 8], [0.5, 7]], [[2, 30], [3, 40]]]
    assert targets(loaded) == [[0, -1, 1], [0, 1]]
    assert loaded.classes == ["high", "low"]
    assert loaded.sequences.values.dtype == np.float32
    # b was at the times 3, 1, 2: not one of its rows stays where it was
    assert loaded.notes == [
        "rows that were not in order of time within their sequence, and have been "
        "sorted: 3"
    ]


def test_rows_of_several_sequences_may_take_turns(read):
    loaded = read("id,time,x,target\na,1,5,0\nb,1,6,1\na,2,7,1\nb,2,8,0\n")
    assert steps(loaded) == [[[5], [7]], [[6], [8]]]
    assert loaded.notes == []


def test_rows_without_times_stay_in_order(read):
    loaded = read("id,x,target\nb,2,0\na,5,1\nb,1,1\n", columns={"time": None})
    assert steps(loaded) == [[[2], [1]], [[5]]]


def test_features_are_those_listed_in_their_order(read):
    loaded = read(PANEL, columns={"features": ["y", "x"]})
    assert loaded.features == ["y", "x"]
    assert steps(loaded)[1] == [[30, 2], [40, 3]]


def test_the_index_that_pandas_writes_is_no_feature(tmp_path):
    table = pd.DataFrame(
        {"id": [1, 1], "time": [4, 5], "x": [3.0, 2.0], "target": [0, 1]},
        index=["p", "q"],
    )
    table.to_parquet(tmp_path / "panel.parquet")
    assert load(tmp_path / "panel.parquet", "parquet").features == ["x"]


def test_a_folder_is_read_file_by_file(tmp_path):
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / "one.csv").write_text("x,time,target,id\n4,9,1,a\n")
    (tmp_path / "1.csv").write_text("id,time,x,target\na,7,3,0\nb,1,5,1\n")
    (tmp_path / ".hidden.csv").write_text("not to be read")
    (tmp_path / "notes.txt").write_text("nor this")
    loaded = load(tmp_path)
    assert loaded.names == ["a", "b"]
    assert steps(loaded) == [[[3], [4]], [[5]]]  # a goes on in the second file


def test_each_file_of_a_folder_may_be_a_sequence(tmp_path):
    for folder, x in [("q", 3), ("p", 8)]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.csv").write_text(f"time,x,target\n1,{x},0\n2,4,1\n")
    loaded = load(tmp_path, columns={"sequence": None})
    assert loaded.names == ["p/one.csv", "q/one.csv"]
    assert steps(loaded) == [[[8], [4]], [[3], [4]]]


@pytest.mark.parametrize(
    "text",
    [
        PANEL.replace("\n", "\r\n"),
        "\ufeff" + PANEL,
        "\n\n" + PANEL.replace("\n", "\n\n"),
        PANEL.replace(",low", ',"low"').replace("3,0.5", ' 3,"0.5 "'),
        PANEL.rstrip("\n"),
    ],
    ids=["CRLF", "BOM", "empty lines", "quotes and spaces", "no last line end"],
)
def test_ways_to_write_the_same_csv(tmp_path, text):
    (tmp_path / "panel.csv").write_bytes(text.encode())
    with gzip.open(tmp_path / "zipped.csv.gz", "wb") as stream:
        stream.write(text.encode())
    (tmp_path / "misnamed.csv").write_bytes((tmp_path / "zipped.csv.gz").read_bytes())
    for name in ("panel.csv", "zipped.csv.gz", "misnamed.csv"):
        loaded = load(tmp_path / name)
        assert steps(loaded)[0] == [[1.5, 9], [-1, 8], [0.5, 7]]
        assert targets(loaded) == [[0, -1, 1], [0, 1]]


def test_batches_do_not_show(tmp_path, monkeypatch):
    """Times, ids and targets go on from one batch to the next, the filling too."""
    text = "id,time,x,target\n" + "".join(
        f"{row % 3},{row},{'' if row > 3 else row},{'' if row < 600 else row % 2}\n"
        for row in range(700)
    )
    (tmp_path / "panel.csv").write_text(text)
    whole = load(tmp_path / "panel.csv", missing="fill")
    monkeypatch.setattr("statelab.data.tables.BLOCK", 64)
    monkeypatch.setattr("statelab.data.panels.ROWS", 5)
    parts = load(tmp_path / "panel.csv", missing="fill")
    assert steps(whole) == steps(parts)
    assert targets(whole) == targets(parts)
    assert [part[-1] for part in steps(parts)] == [[3], [1], [2]]  # the last ones there
    assert targets(parts)[0][199:202] == [-1, 0, 1]  # of the steps 597, 600 and 603


# --- CSV, Parquet and npz ---


def test_equal_data_are_equal_sequences_in_every_format(tmp_path):
    table = pd.DataFrame(
        {
            "id": [7, 7, 7, 2, 2],
            "time": [1, 2, 3, 1, 2],
            "x0": [0.5, -1.25, 3, 8, 9],
            "x1": [True, False, True, True, False],
            "target": ["low", "mid", None, "low", "high"],
        }
    )
    table.to_csv(tmp_path / "panel.csv", index=False)
    table.to_parquet(tmp_path / "panel.parquet")
    table.astype({"target": "category"}).to_parquet(tmp_path / "category.parquet")
    x = np.zeros((2, 3, 2))
    x[0] = [[0.5, 1], [-1.25, 0], [3, 1]]
    x[1, :2] = [[8, 1], [9, 0]]
    x[1, 2] = np.nan  # is padding
    y = np.array([["low", "mid", ""], ["low", "high", "padding"]])
    np.savez(tmp_path / "panel.npz", x=x, y=y, lengths=np.array([3, 2]))
    first, *others = (
        load(tmp_path / name, name.split(".")[1])
        for name in ("panel.csv", "panel.parquet", "category.parquet", "panel.npz")
    )
    assert first.classes == ["high", "low", "mid"]
    assert targets(first) == [[1, 2, -1], [1, 0]]
    assert first.names == ["7", "2"]
    for other in others:
        for one, two in zip(first.sequences, other.sequences, strict=True):
            assert one.dtype == two.dtype and one.tolist() == two.tolist()
        assert (other.classes, other.features) == (first.classes, first.features)
    assert others[0].names == first.names
    assert others[-1].names == ["panel.npz 0", "panel.npz 1"]


def test_dates_are_equal_in_every_format(tmp_path):
    times = pd.to_datetime(["2024-02-28T23:00", "2024-02-29T00:00", "2024-02-29T09:00"])
    for name, column in {
        "plain": times,
        "zoned": times.tz_localize("Europe/Berlin"),
        "days": (times + pd.Timedelta(days=1) * np.arange(3)).date,
    }.items():
        table = pd.DataFrame(
            {"id": "a", "time": column, "x": [1.0, 2, 3], "target": [0, 1, 0]}
        )
        table.to_parquet(tmp_path / f"{name}.parquet")
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        for kind in ("parquet", "csv"):
            # an hour, then nine; or days: of 2, then 1
            loaded = load(tmp_path / f"{name}.{kind}", kind, max_gap=5 * 3600)
            parts = {"days": [1, 1, 1]}.get(name, [2, 1])
            assert np.diff(loaded.sequences.offsets).tolist() == parts


# --- targets ---


@pytest.mark.parametrize(
    ("column", "target_type", "classes", "expected"),
    [
        (["3", "-1", "3.0"], "auto", ["-1", "3"], [1, 0, 1]),
        (["10", "", "9"], "auto", ["9", "10"], [1, -1, 0]),
        (["true", "False", "true"], "auto", ["0", "1"], [1, 0, 1]),
        (["0.5", "NA", "2"], "auto", None, [0.5, None, 2]),
        (["3", "-1", "3.0"], "values", None, [3, -1, 3]),
        (["0.5", "2", "10"], "classes", ["0.5", "2", "10"], [0, 1, 2]),
        (["250", "V45", "25"], "classes", ["25", "250", "V45"], [1, 2, 0]),
        (["Z", "é", "a"], "auto", ["Z", "a", "é"], [0, 2, 1]),
        (["low", "", "5"], "auto", ["5", "low"], [1, -1, 0]),
    ],
)
def test_targets_are_classes_or_values(read, column, target_type, classes, expected):
    rows = "".join(f"a,{row},{row}.5,{target}\n" for row, target in enumerate(column))
    loaded = read("id,time,x,target\n" + rows, target_type=target_type)
    assert loaded.classes == classes
    known = [None if value != value else value for value in targets(loaded)[0]]
    assert known == expected


def test_many_whole_numbers_are_values(read):
    def panel(count: int) -> str:
        rows = (f"a,{row},{row},{row % count}\n" for row in range(80))
        return "id,time,x,target\n" + "".join(rows)

    assert read(panel(32)).classes == [str(number) for number in range(32)]
    assert read(panel(33)).classes is None


def test_label_end_keeps_the_target_of_the_last_step(read):
    loaded = read(PANEL.replace("b,3,0.5,7,low", "b,3,0.5,7,mid"), label="end")
    # high stands at no end: it is no class
    assert loaded.classes == ["low", "mid"]
    assert targets(loaded) == [[-1, -1, 1], [-1, 0]]


# --- forecasts ---


def test_horizon_takes_the_target_from_steps_ahead(read):
    text = """\
id,time,x,target
a,1,1,10.5
a,2,2,20
b,7,7,70
a,3,3,30
a,4,4,
a,5,5,50
"""
    whole = text.replace("a,4,4,\n", "a,4,4,40\n")
    loaded = read(whole, horizon=2, target_type="values")
    assert loaded.features == ["x", "target"]
    assert steps(loaded) == [[[1, 10.5], [2, 20], [3, 30]]]
    assert targets(loaded) == [[30, 40, 50]]
    assert loaded.names == ["a"]
    assert loaded.notes == [
        "sequences of no more steps than `generate.horizon` (2), which are left out: 1"
    ]
    # A value that is filled in is a feature, and never a target.
    loaded = read(text, horizon=1, missing="fill", target_type="values")
    assert steps(loaded) == [[[1, 10.5], [2, 20], [3, 30], [4, 30]]]
    np.testing.assert_equal(targets(loaded), [[20, 30, np.nan, 50]])
    # What is missing in the last steps is missing as a target alone.
    loaded = read(whole.replace("a,5,5,50", "a,5,,"), horizon=2, target_type="values")
    np.testing.assert_equal(targets(loaded), [[30, 40, np.nan]])


def test_horizon_does_not_reach_over_a_gap(read):
    text = "id,time,x,target\n" + "".join(
        f"a,{time},{time},{time / 4}\n" for time in (1, 2, 3, 7, 8, 9)
    )
    loaded = read(text, horizon=1, max_gap=1)
    assert targets(loaded) == [[0.5, 0.75], [2, 2.25]]
    assert loaded.names == ["a", "a"]


def test_horizon_makes_the_target_a_feature_as_well(read):
    text = "id,time,x,y,target\na,1,2,3,4.5\na,2,5,6,7\na,3,8,9,1\n"
    loaded = read(text, horizon=1, columns={"features": ["y"]})
    assert loaded.features == ["y", "target"]
    assert steps(loaded) == [[[3, 4.5], [6, 7]]]


@st.composite
def panels_and_changes(draw):
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=3))
    horizon = draw(st.integers(1, 3))
    lengths[0] += horizon + 1
    rows = [(name, step) for name, steps in enumerate(lengths) for step in range(steps)]
    numbers = st.floats(-99, 99, width=32)
    cells = st.lists(
        st.tuples(st.none() | numbers, st.none() | numbers),
        min_size=len(rows),
        max_size=len(rows),
    )
    name = draw(st.integers(0, len(lengths) - 1))
    step = draw(st.integers(0, lengths[name] - 1))
    order = draw(st.permutations(range(len(rows))))
    return rows, draw(cells), draw(cells), (name, step), horizon, order


@given(panels_and_changes())
def test_no_target_and_no_feature_looks_further_ahead_than_horizon(
    tmp_path_factory, drawn
):
    """Whatever comes more than `horizon` steps later may change: x up to a step stays,
    and so does the step's target."""
    rows, cells, others, (name, step), horizon, order = drawn
    file = tmp_path_factory.mktemp("ahead") / "panel.csv"

    def sequence(change: bool) -> tuple[np.ndarray, np.ndarray]:
        lines = []
        for (row_name, row_step), before, after in zip(
            rows, cells, others, strict=True
        ):
            later = row_name == name and row_step > step + horizon
            x, target = after if change and later else before
            first = row_step == 0  # has values, for those after it to be filled by
            x, target = (
                (0.5 if first else "") if cell is None else cell for cell in (x, target)
            )
            lines.append(f"s{row_name},{row_step},{x},{target}\n")
        lines += ["other,0,1,1\n", *(f"other,{t},1,{t + 9.5}\n" for t in range(1, 9))]
        shuffled = [*(lines[row] for row in order), *lines[len(order) :]]
        file.write_text("id,time,x,target\n" + "".join(shuffled))
        loaded = load(file, horizon=horizon, missing="fill", target_type="values")
        if f"s{name}" not in loaded.names:
            return np.empty((0, 2)), np.empty(0)
        values, offsets, known = loaded.sequences
        begin = offsets[loaded.names.index(f"s{name}")]
        stop = min(begin + step + 1, offsets[loaded.names.index(f"s{name}") + 1])
        return np.array(values[begin:stop]), known[begin:stop]

    for one, two in zip(sequence(False), sequence(True), strict=True):
        np.testing.assert_array_equal(one, two)


# --- gaps and missing values ---


def test_max_gap_begins_a_new_sequence_of_the_same_name(read):
    text = "id,time,x,target\n" + "".join(
        f"{name},{time},{time},{time % 2}\n"
        for name, time in [("a", 1), ("a", 3), ("a", 8), ("b", 20), ("b", 22.5)]
    )
    loaded = read(text, max_gap=2)
    assert steps(loaded) == [[[1], [3]], [[8]], [[20]], [[22.5]]]
    assert loaded.names == ["a", "a", "b", "b"]
    assert loaded.notes == [
        "gaps longer than `generate.max_gap`, after each of which a new sequence "
        "begins: 2"
    ]
    assert read(text, max_gap=5).names == ["a", "b"]


def test_max_gap_is_in_seconds_between_dates(read):
    text = """\
id,time,x,target
a,2024-03-31T01:00+01:00,1,0
a,2024-03-31T03:00:00.5+02:00,2,1
a,2024-03-31T02:00:02Z,4,0
"""
    # the second is 3600.5 seconds after the first, the third 3601.5 after the second
    assert steps(read(text, max_gap=3600.5)) == [[[1], [2]], [[4]]]
    assert steps(read(text, max_gap=3601.5)) == [[[1], [2], [4]]]


def test_times_differ_by_a_nanosecond_or_by_one_beyond_2_to_the_53(read):
    text = "id,time,x,target\na,{}1,1,0\na,{}2,2,1\n"
    for begin in ("2024-01-01T00:00:00.00000000", "900719925474099"):
        assert steps(read(text.format(begin, begin))) == [[[1], [2]]]


def test_missing_values_are_filled_within_a_sequence(read):
    text = """\
id,time,x,y,target
a,1,1,10,0
a,2,NaN,11,1
a,9,,,1
b,1,5,50,0
b,2,null, ,1
"""
    filled = [[[1, 10], [1, 11], [1, 11]], [[5, 50], [5, 50]]]
    assert steps(read(text, missing="fill")) == filled


# --- errors ---

HEADER = "id,time,x,target\n"


@pytest.mark.parametrize(
    ("text", "changes", "line"),
    [
        # files
        ("", {}, ": must have a header and rows. Received: no text"),
        ("\n\r\n", {}, ": must have a header and rows. Received: no text"),
        (HEADER, {}, ": must have rows below its header. Received: none"),
        (HEADER.strip(), {}, ": must have rows below its header. Received: none"),
        (
            "id;time;x;target\na;1;2,5;0\n",
            {},
            ", row 1: columns must be apart by `generate.format.separator` (,). "
            "Received: 'id;time;x;target'",
        ),
        (
            HEADER + "a,1,2,0\n\na,2,3\n",
            {},
            ", row 4: must have 4 fields, as many as the header. Received: 3",
        ),
        (
            HEADER + 'a,1,"2\n",0\n' + "a,2,3,1,7\n",
            {},
            ", row 4: must have 4 fields, as many as the header. Received: 5",
        ),
        (
            HEADER + 'a,1,2,0\na,2,"3,1\na,3,4,1\n',
            {},
            ", row 3: must have 4 fields, as many as the header. Received: 3",
        ),
        # columns
        (
            "id,x,target\na,1,2\n",
            {},
            ": must have the column `time`, or `generate.columns.time` another name, "
            "or null where rows are in order. Received: id, x, target",
        ),
        (
            'time, x,"a\nb",target\n1,2,3,0\n',
            {},
            ": must have the column `id`, or `generate.columns.sequence` another name, "
            "or null where each file is one sequence. "
            "Received: time, x, 'a\\nb', target",
        ),
        (
            "id,time,x\na,1,2\n",
            {},
            ": must have the column `target`, or `generate.columns.target` another "
            "name. Received: id, time, x",
        ),
        (
            HEADER + "a,1,2,0\n",
            {"columns": {"features": ["x", "y"]}},
            ": must have the feature `y`. Received: id, time, x, target",
        ),
        (
            "id,time,target\na,1,0\n",
            {},
            ": must have a column for a feature, beside those of `generate.columns`. "
            "Received: id, time, target",
        ),
        (
            ",id,time,x,target\n7,a,1,2,0\n",
            {},
            ", row 2, column `1`: must be empty, or count the rows, as it has no name; "
            "or list what to read in `generate.columns.features`. Received: '7'",
        ),
        (
            "id,time,x,x,target\na,1,2,3,0\n",
            {},
            ": column names must differ. Received: x twice",
        ),
        # features
        (
            HEADER + 'a,1,2,0\na,2," 3,5 ",1\n',
            {},
            ", row 3, column `x`: must be a number. Received: '3,5'",
        ),
        (
            HEADER + "a,1,,0\na,2,3,1\n",
            {},
            ", row 2, column `x`: must have a value, or set `generate.missing` to "
            "fill or mask. Received: none",
        ),
        (
            HEADER + "b,1,7,0\na,2,3,1\na,1,,0\n",
            {"missing": "fill"},
            ", row 4, column `x`: must have a value where a sequence begins, as none "
            "is before it, or set `generate.missing` to mask. Received: none",
        ),
        (
            HEADER + "a,1,2,0\na,2,-inf,1\n",
            {"missing": "fill"},
            ", row 3, column `x`: must be finite in 32 bits. Received: '-inf'",
        ),
        (
            HEADER + "a,1,2,0\na,2,1e39,1\n",
            {},
            ", row 3, column `x`: must be finite in 32 bits. Received: '1e39'",
        ),
        # sequences
        (
            HEADER + "1,1,2,0\n2,1,3,1\n01,1,4,1\n",
            {},
            ", row 4, column `id`: must be written as the same number before it, '1'. "
            "Received: '01'",
        ),
        (
            HEADER + "a,1,2,0\n ,1,3,1\n",
            {},
            ", row 3, column `id`: must say which sequence the row is of. "
            "Received: none",
        ),
        # times
        (
            HEADER + "a,1,2,0\nb,1,3,1\na,3,4,1\na,1.0,5,0\n",
            {},
            ", row 5: a sequence must have one row for each time, or set "
            "`generate.duplicates` to first, last or mean. "
            "Received: sequence 'a' has the time of {file}, row 2",
        ),
        (
            HEADER + "a,2024-01-01T01:00+01:00,2,0\na,2024-01-01T00:00Z,3,1\n",
            {},
            ", row 3: a sequence must have one row for each time, or set "
            "`generate.duplicates` to first, last or mean. "
            "Received: sequence 'a' has the time of {file}, row 2",
        ),
        (
            HEADER + "a,1,2,0\na,,3,1\n",
            {},
            ", row 3, column `time`: must have a time. Received: none",
        ),
        (
            HEADER + "a,inf,2,0\na,1,3,1\n",
            {},
            ", row 2, column `time`: must be finite. Received: 'inf'",
        ),
        (
            HEADER + "a,yesterday,2,0\n",
            {},
            ", row 2, column `time`: must be a number, or a date of ISO 8601 from 1678 "
            "to 2261, or `generate.columns.time` give its format. "
            "Received: 'yesterday'",
        ),
        (
            HEADER + "a,1,2,0\na,2024-01-01,3,1\n",
            {},
            ", row 3, column `time`: must be a number, as the first one is. "
            "Received: '2024-01-01'",
        ),
        (
            HEADER + "a,2024-01-01,2,0\na,5,3,1\n",
            {},
            ", row 3, column `time`: must be a date of ISO 8601 from 1678 to 2261, "
            "without a time zone, as the first one is. Received: '5'",
        ),
        (
            HEADER + "a,2024-01-01,2,0\na,2024-01-02T00:00Z,3,1\n",
            {},
            ", row 3, column `time`: must be a date of ISO 8601 from 1678 to 2261, "
            "without a time zone, as the first one is. Received: '2024-01-02T00:00Z'",
        ),
        (
            HEADER + "a,2024-01-01T00:00+01:00,2,0\na,2024-01-02,3,1\n",
            {},
            ", row 3, column `time`: must be a date of ISO 8601 from 1678 to 2261, "
            "with a time zone, as the first one is. Received: '2024-01-02'",
        ),
        (
            HEADER + "a,2024-02-28,2,0\na,2024-02-30,3,1\n",
            {},
            ", row 3, column `time`: must be a date of ISO 8601 from 1678 to 2261, "
            "without a time zone, as the first one is. Received: '2024-02-30'",
        ),
        # targets
        (
            HEADER + "a,1,2,low\na,2,3,low\na,3,4,\n",
            {},
            ", column `target`: must have more than one value, or there is nothing to "
            "learn. Received: 'low' alone",
        ),
        (
            HEADER + "a,1,2,0.5\na,2,3,0.5\n",
            {},
            ", column `target`: must have more than one value, or there is nothing to "
            "learn. Received: '0.5' alone",
        ),
        (
            HEADER + "a,1,2,0\na,2,3,1\nb,1,5,1\n",
            {"label": "end"},
            ", column `target`: must have more than one value, or there is nothing to "
            "learn. Received: '1' alone",
        ),
        (
            HEADER + "a,1,2,\na,2,3,NaN\n",
            {},
            ", column `target`: must have a target in some row. Received: none",
        ),
        (
            HEADER + "a,1,2,0\na,2,3,high\n",
            {},
            ", row 3, column `target`: must be a number, as the targets before it. "
            "Received: 'high'",
        ),
        (
            HEADER + "a,1,2,0\na,2,3,inf\n",
            {"target_type": "values"},
            ", row 3, column `target`: must be finite in 32 bits. Received: 'inf'",
        ),
        (
            HEADER + "".join(f"a,{row},2,t{row}\n" for row in range(1001)),
            {},
            ", column `target`: must have at most 1000 classes; of numbers it can have "
            "values. Received: 1001",
        ),
        (
            HEADER + "a,1,2,low\na,2,3,high\n",
            {"horizon": 1},
            ", row 2, column `target`: must be a number. Received: 'low'",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, read, text, changes, line):
    file = tmp_path / "panel.csv"
    with pytest.raises(UserError) as caught:
        read(text, **changes)
    assert str(caught.value) == str(file) + line.replace("{file}", str(file))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            HEADER.encode() + b"caf\xe9,1,2,0\n",
            ", row 2: must be text in UTF-8, or set "
            "`generate.format.encoding`. Received: b'\\xe9'",
        ),
        (
            HEADER.encode("utf-16"),
            ": must be a text file. Received: UTF-16: set "
            "`generate.format.encoding` to utf-16",
        ),
        (
            HEADER.encode("utf-16-be"),
            ": must be a text file. Received: bytes of 0 in it",
        ),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            ": must be a text file. Received: a PNG picture",
        ),
        (
            b"PAR1\0",
            ": must be a text file. Received: a Parquet file: set `generate.source` to "
            "parquet",
        ),
        (
            gzip.compress(HEADER.encode() * 99)[:-9],
            ": must be a CSV file. Received: Truncated compressed stream",
        ),
    ],
    ids=["latin-1", "UTF-16", "UTF-16 without its mark", "PNG", "Parquet", "half gzip"],
)
def test_what_is_no_csv_file_is_one_line(tmp_path, content, line):
    file = tmp_path / "panel.csv"
    file.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load(file)
    assert str(caught.value) == str(file) + line


def test_other_bytes_far_into_a_csv_file_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("statelab.data.tables.BLOCK", 64)
    file = tmp_path / "panel.csv"
    rows = b"".join(b"a,%d,2,%d\n" % (row, row % 2) for row in range(50))
    file.write_bytes(HEADER.encode() + rows + b"caf\xe9,1,2,0\n")
    rule = (
        "panel.csv, row 52: must be text in UTF-8, or set `generate.format.encoding`. "
        r"Received: b'\xe9'"
    )
    with pytest.raises(UserError) as caught:
        load(file)
    assert str(caught.value).endswith(rule)


def test_rules_between_parameters_and_columns(tmp_path, read):
    rules = {
        "`generate.columns.features` must not hold the target, unless "
        "`generate.horizon` is above 0. Received: target": {
            "columns": {"features": ["x", "target"]}
        },
        "`generate.horizon` must be shorter than some sequence: the longest has 2 "
        "steps. Received: 2": {"horizon": 2},
    }
    for rule, changes in rules.items():
        with pytest.raises(UserError) as caught:
            read(HEADER + "a,1,2,0\na,2,3,1\nb,1,2,1\n", **changes)
        assert str(caught.value) == rule


def test_paths_that_lead_to_nothing(tmp_path):
    nothing = tmp_path / "nothing.csv"
    with pytest.raises(UserError) as caught:
        load(nothing)
    rule = "`generate.path` must be a file or a folder that is there. Received: "
    assert str(caught.value) == rule + str(nothing)
    with pytest.raises(UserError) as caught:
        load(tmp_path)
    rule = ": must hold files that end in .csv or .csv.gz. Received: none"
    assert str(caught.value) == str(tmp_path) + rule


def test_a_file_that_may_not_be_read(tmp_path, forbidden):
    file = tmp_path / "panel.csv"
    file.write_text(PANEL)
    with forbidden(file), pytest.raises(UserError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: must be readable. Received: Permission denied"


def test_files_of_a_folder_must_have_the_same_features(tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + "a,1,2,0\n")
    (tmp_path / "2.csv").write_text("id,time,x,y,target\nb,1,2,3,1\n")
    with pytest.raises(UserError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / '2.csv'}: must have the features of the files before it: x. "
        "Received: x, y"
    )


def test_a_row_is_named_by_its_own_file(tmp_path):
    (tmp_path / "1.csv").write_text(HEADER + "a,1,2,0\na,2,2,1\n")
    (tmp_path / "2.csv").write_text(HEADER + "a,3,5,0\na,1,2,1\n")
    with pytest.raises(UserError) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / '2.csv'}, row 3: a sequence must have one row for each time, or "
        "set `generate.duplicates` to first, last or mean. "
        f"Received: sequence 'a' has the time of {tmp_path / '1.csv'}, row 2"
    )


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"x": [1.0, None]}, ", row 2, column `x`: must have a value, or set"),
        ({"x": [1.0, np.inf]}, ", row 2, column `x`: must be finite in 32 bits"),
        ({"x": [[1], [2]]}, ", row 1, column `x`: must be a number. Received: list<"),
        ({"x": ["1", "b"]}, ", row 2, column `x`: must be a number. Received: 'b'"),
        ({"id": [1.0, np.nan]}, ", row 2, column `id`: must say which sequence"),
        ({"id": [[1], [2]]}, ", row 1, column `id`: must be text or a number"),
        ({"time": [2**63 - 1] * 2}, ", row 2: a sequence must have one row for each"),
        ({"time": [np.inf, 1]}, ", row 1, column `time`: must be finite"),
        ({"target": [[1], [2]]}, ", row 1, column `target`: must be text or a number"),
        (
            {"time": pd.to_datetime(["1500-01-01", "1500-01-02"])},
            ", row 1, column `time`: must be a number, or a date of ISO 8601 from 1678 "
            "to 2261, or `generate.columns.time` give its format. "
            "Received: 1500-01-01",
        ),
    ],
)
def test_what_cannot_be_read_in_parquet(tmp_path, columns, line):
    whole = {"id": [1, 1], "time": [1, 2], "x": [3.0, 4.0], "target": [0, 1]}
    file = tmp_path / "panel.parquet"
    pd.DataFrame({**whole, **columns}).to_parquet(file)
    with pytest.raises(UserError) as caught:
        load(file, "parquet")
    assert str(caught.value).startswith(str(file) + line)


def test_what_is_no_parquet_file_is_one_line(tmp_path):
    file = tmp_path / "panel.parquet"
    pd.DataFrame({"id": [1], "time": [2]}).to_parquet(file)
    whole = file.read_bytes()
    for content in (b"", PANEL.encode(), whole[:-20], whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(UserError, match="must be a Parquet file. Received: ") as e:
            load(file, "parquet")
        assert "\n" not in str(e.value)
    pd.DataFrame({"id": [], "time": []}).to_parquet(file)
    with pytest.raises(UserError) as caught:
        load(file, "parquet")
    assert str(caught.value) == f"{file}: must have rows. Received: none"


def test_one_sequence_cannot_be_split_by_sequence(read):
    loaded = read(HEADER + "a,1,2,0\na,2,3,1\n")
    with pytest.raises(UserError) as caught:
        splitting.split_and_window(
            loaded.sequences,
            window(layout="full", split="sequence", test_size=0.5),
            seed=0,
        )
    assert str(caught.value) == (
        "`window.test_size` and `window.validation_size` must leave sequences to train "
        "on and to test on; a single long one can be cut by `window.split: time`. "
        "Received: 1 and 0 of 1 sequences"
    )
