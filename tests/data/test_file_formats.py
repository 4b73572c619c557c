"""Text files of other programs: what is written is what is read, in every format."""

import math
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyarrow import parquet
from read_files import load, steps, targets

from statelab.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Write a file, and load it."""

    def read(text: str, encoding="utf-8", name="panel.csv", **changes):
        (tmp_path / name).write_bytes(text.encode(encoding))
        return load(tmp_path / name, **changes)

    return read


ONE = {"sequence": None}  # series


# --- every format ---

SEPARATORS = {"tab": "\t", "blanks": "  ", ",": ",", ";": ";", "|": "|"}
BEGIN = datetime(2023, 12, 30, 22)


@st.composite
def formats(draw) -> dict:
    """A format in which numbers are not taken for something else."""
    separator = draw(st.sampled_from(sorted(SEPARATORS)))
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from([None, None, {".": ",", ",": "."}[decimal], "'"]))
    line_end = draw(st.sampled_from([None, None, ";"]))
    assume(line_end != separator)
    return {
        "separator": separator,
        "decimal": decimal,
        "thousands": thousands,
        "line_end": line_end,
        "encoding": draw(st.sampled_from(["utf-8", "utf-16", "latin-1", "cp1252"])),
        "skip_rows": draw(st.integers(0, 2)),
        "header": draw(st.integers(0, 3)),
        "missing": draw(st.sampled_from([None, ["?"], ["?", -999]])),
    }


@st.composite
def tables(draw) -> list[tuple[str, int, float, float, float | None]]:
    """Rows of an id, an hour, two features and a target that may be missing."""
    number = st.integers(-(10**11), 10**11).map(lambda n: n / 10**4)
    number = number.filter(lambda x: x != -999)
    known = st.one_of(st.none(), number)
    return [
        (name, step, draw(number), draw(number), draw(known) if step else float(step))
        for name in draw(st.sampled_from([["b", "a"], ["ü", "x y"], ["10", "9"]]))
        for step in range(draw(st.integers(2, 5)))
    ]


def number_text(value: float, form: dict) -> str:
    text = f"{value:,.4f}" if form["thousands"] else f"{value:.4f}"
    marks = {",": form["thousands"] or "", ".": form["decimal"]}
    return "".join(marks.get(letter, letter) for letter in text)


def written(rows: list, form: dict, time_format: str) -> str:
    between = SEPARATORS[form["separator"]]
    quote = '"' if form["separator"] != "blanks" else ""
    lines = ["a title", ""][: form["skip_rows"]]
    header = [["id", "time", "x", "é", "target"], list("-----"), list(".....")]
    lines += [between.join(row) for row in header[: form["header"]]]
    for name, step, *numbers in rows:
        time = (BEGIN + timedelta(hours=step)).strftime(time_format)
        cells = [name.replace(" ", "_"), time]
        for value in numbers:
            none = str((form["missing"] or [""])[-1])
            cells.append(none if value is None else number_text(value, form))
        lines.append(between.join(f"{quote}{cell}{quote}" for cell in cells))
    return "".join(f"{line}{form['line_end'] or ''}\n" for line in lines)


@given(
    tables(), formats(), st.sampled_from(["%d/%m/%YT%H.%M", "%Y%m%d%H", "%m-%d-%y/%H"])
)
def test_a_table_goes_through_every_format(tmp_path_factory, rows, form, time_format):
    assume(
        form["separator"] != "blanks" or form["missing"]
    )  # blanks say no cell is empty
    known = [target for *_, target in rows if target is not None]
    assume(len(set(np.float32(known))) > 1)
    names = ["id", "time", "x", "é", "target"]
    if form["header"] == 0:
        names = ["1", "2", "3", "4", "5"]
    file = tmp_path_factory.mktemp("formats") / "table.txt"
    file.write_bytes(written(rows, form, time_format).encode(form["encoding"]))
    loaded = load(
        file,
        format=form,
        target_type="values",
        columns={
            "sequence": names[0],
            "time": {"columns": names[1], "format": time_format},
            "target": names[4],
        },
    )
    assert loaded.features == names[2:4]
    expected = {name.replace(" ", "_"): [] for name, *_ in rows}
    for name, _, x, y, target in rows:
        target = math.nan if target is None else target
        expected[name.replace(" ", "_")].append([x, y, target])
    assert loaded.names == list(expected)
    for mine, known, name in zip(
        steps(loaded), targets(loaded), loaded.names, strict=True
    ):
        of_file = np.array(expected[name])
        np.testing.assert_allclose(mine, of_file[:, :2], rtol=1e-6)
        np.testing.assert_allclose(known, of_file[:, 2], rtol=1e-6)


# --- numbers ---


def test_decimal_commas_of_one_column_leave_those_of_another(read):
    loaded = read(
        'id,time,x,target\na,1,2.5,"0,25"\na,2,1.5,"1,75"\n',
        format={"decimal": {"target": ","}},
    )
    assert steps(loaded) == [[[2.5], [1.5]]]
    assert targets(loaded) == [[0.25, 1.75]]


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("1.5", {"decimal": ","}),
        ("1.234", {"decimal": ","}),
        ("12,34", {"thousands": ","}),
        ("1,2345", {"thousands": ","}),
        ("1,234", {}),
        ("1.234.567", {"thousands": ","}),
        ("1,234,56", {"decimal": ",", "thousands": "."}),
    ],
)
def test_a_number_in_another_format_is_one_line(read, cell, form):
    with pytest.raises(UserError, match=f"row 3, column `x`: must be a number.*{cell}"):
        read(
            f"id;time;x;target\na;1;7;0\na;2;{cell};1\n",
            format={"separator": ";", **form},
        )


def test_groups_of_thousands_begin_with_no_zero(read):
    form = {"separator": ";", "thousands": ".", "decimal": ","}
    with pytest.raises(UserError, match="row 2, column `x`: must be a number"):
        read("id;time;x;target\na;1;0.250;2,5\na;2;1;3\n", format=form)


def test_a_decimal_mark_of_a_column_that_is_not_there_is_one_line(read):
    with pytest.raises(UserError, match="must have the column `y` of `generate.format"):
        read("id,time,x,target\na,1,2,2.5\n", format={"decimal": {"y": ","}})


def test_times_that_are_numbers_have_decimal_commas_as_others_do(read):
    form = {"separator": ";", "decimal": ","}
    loaded = read("id;time;x;target\na;1,5;7;2,5\na;0,5;8;3,5\n", format=form)
    assert steps(loaded) == [[[8], [7]]]


def test_marks_are_numbers_of_32_bits_where_the_file_has_such(tmp_path):
    x = np.float32([0.1, -99.9, 0.3])
    table = {"id": ["a"] * 3, "time": [1, 2, 3], "x": x, "target": [0.5, 1, 2]}
    parquet.write_table(pa.table(table), tmp_path / "panel.parquet")
    loaded = load(
        tmp_path / "panel.parquet",
        "parquet",
        format={"missing": [-99.9]},
        missing="fill",
    )
    assert steps(loaded) == [np.float32([[0.1], [0.1], [0.3]]).tolist()]


def test_ids_of_digits_stay_text_where_they_are_features_too(read):
    loaded = read(
        "id,time,x,target\n01,1,5,1.5\n1a,1,6,2.5\n",
        columns={"features": ["x", "time"]},
    )
    assert loaded.names == ["01", "1a"]
    assert steps(loaded) == [[[5, 1]], [[6, 1]]]


def test_marks_for_no_value_are_text_or_numbers(read):
    loaded = read(
        "id,time,x,target\na,1,1,0\na,2,-200.0,?\na,3,5,1\n",
        format={"missing": ["?", -200]},
        missing="fill",
    )
    assert steps(loaded) == [[[1], [1], [5]]]
    assert targets(loaded) == [[0, -1, 1]]


# --- targets: a wrong reading is worse than none ---


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (
            ["n.a.", "0.5", "1.5"],
            "row 2, column `target`: must be a number, as most targets are: list it in "
            "`generate.format.missing`, or set `generate.target_type` to classes. "
            "Received: 'n.a.'",
        ),
        (
            ['"0,5"', "1.5", '"2,5"'],
            "row 2, column `target`: must be a number with a decimal point, or set "
            "`generate.format.decimal` and `generate.format.thousands`. "
            "Received: '0,5'",
        ),
    ],
)
def test_numbers_are_not_taken_for_classes(read, cells, line):
    rows = "".join(f"a,{time},1,{cell}\n" for time, cell in enumerate(cells))
    with pytest.raises(UserError) as caught:
        read(f"id,time,x,target\n{rows}")
    assert str(caught.value).endswith(line)


def test_a_mark_that_pandas_knows_is_no_target(read):
    loaded = read("id,time,x,target\na,1,1,N/A\na,2,2,0.5\na,3,2,1.5\n")
    assert loaded.classes is None
    np.testing.assert_array_equal(targets(loaded), [[np.nan, 0.5, 1.5]])


def test_words_stay_classes_where_a_few_are_numbers(read):
    loaded = read("id,time,x,target\na,1,1,low\na,2,2,high\na,3,2,1\n")
    assert loaded.classes == ["1", "high", "low"]


# --- time ---


@pytest.mark.parametrize(
    ("time", "header", "cells"),
    [
        (["d", "t"], "d,t", ["2024-01-02,23:00:00", "2024-01-03,02:00:00"]),
        (["y", "m", "d", "h"], "y,m,d,h", ["2024,1,2,23", "2024,1,3,2"]),
        ({"columns": "t", "format": "%d/%m/%Y %H"}, "t", ["2/1/2024 23", "3/1/2024 2"]),
        (
            {"columns": "t", "zone": "America/New_York"},
            "t",
            ["2024-03-10", "2024-03-11"],
        ),
        ("t", "t", ["2024-01-02T23:00+01:00", "2024-01-03T03:00+02:00"]),
    ],
)
def test_a_time_is_read_out_of_its_columns(read, time, header, cells):
    """The last row is first; max_gap tells that the times are 3 hours apart, or 23."""
    text = f"{header},x,target\n{cells[1]},7,1\n{cells[0]},6,0\n"
    columns = {**ONE, "time": time}
    hours = 23 if "zone" in time else 3
    if cells[1].endswith("+02:00"):
        hours = 3 - 0
    apart = read(text, columns=columns, max_gap=hours * 3600 - 1.0)
    together = read(text, columns=columns, max_gap=hours * 3600.0)
    assert steps(together) == [[[6], [7]]]
    assert steps(apart) == [[[6]], [[7]]]


@pytest.mark.parametrize("form", ["{} Q{}", "{}-Q{}", "{}q{}"])
def test_quarters_are_times(read, form):
    rows = "".join(f"{form.format(2023, q)},{q},{q / 2}\n" for q in (3, 1, 4, 2))
    loaded = read(f"time,x,target\n{rows}", columns=ONE)
    assert steps(loaded) == [[[1], [2], [3], [4]]]
    with pytest.raises(UserError, match="must be a quarter, as 2024 Q1.* '2023 Q5'"):
        read(f"time,x,target\n{rows}2023 Q5,1,1.5\n", columns=ONE)


def test_months_are_times(read):
    loaded = read(
        "month,target\n1949-03,5\n1949-01,7\n1949-02,6\n",
        columns={**ONE, "time": "month"},
        horizon=1,
    )
    assert steps(loaded) == [[[7], [6]]]


def test_a_time_that_is_in_no_format_names_the_option(read):
    with pytest.raises(UserError, match="column `time`: must be a number, or a date"):
        read("id,time,x,target\na,2/1/2024,1,0\n")
    with pytest.raises(
        UserError, match="row 3, column `time`: must be a time as %d/%m"
    ):
        read(
            "id,time,x,target\na,2/1/2024,1,0\na,1/13/2024,1,1\n",
            columns={"time": {"columns": "time", "format": "%d/%m/%Y"}},
        )


def test_an_hour_that_the_clock_went_past_is_one_line(read):
    with pytest.raises(
        UserError, match="row 3, column `t`: .*that there was in Europe"
    ):
        read(
            "t,x,target\n2024-03-31T01:00,1,0\n2024-03-31T02:30,2,1\n",
            columns={**ONE, "time": {"columns": "t", "zone": "Europe/Berlin"}},
        )


@pytest.mark.parametrize(
    ("duplicates", "values", "known"),
    [("first", 4, 10), ("last", 6, 30), ("mean", 5, 20)],
)
def test_rows_of_one_time_become_one(read, duplicates, values, known):
    rows = "a,1,1,0.5\na,2,4,10\na,2,6,30\na,3,9,1.5\n"
    loaded = read(f"id,time,x,target\n{rows}", duplicates=duplicates)
    assert steps(loaded) == [[[1], [values], [9]]]
    assert targets(loaded) == [[0.5, known, 1.5]]
    assert loaded.notes == [
        "rows with the time of another one of their sequence, of which "
        f"`generate.duplicates` ({duplicates}) makes one: 1"
    ]


def test_the_mean_of_rows_of_one_time_passes_over_what_is_missing(read):
    rows = "a,1,1,0.5\na,2,,10\na,2,6,\na,2,8,\na,3,,1.5\na,3,,2.5\n"
    loaded = read(f"id,time,x,target\n{rows}", duplicates="mean", missing="fill")
    assert steps(loaded) == [[[1], [7], [7]]]
    assert targets(loaded) == [[0.5, 10, 2]]


@pytest.mark.parametrize("cells", [("up", "down"), (1, 0), (3, 4)])
def test_classes_have_no_mean(read, cells):
    rows = "a,1,1,{}\na,1,4,{}\n".format(*cells)
    with pytest.raises(UserError, match="must be error, first or last for classes"):
        read(f"id,time,x,target\n{rows}", duplicates="mean")


def test_words_as_index_have_no_mean(read):
    with pytest.raises(UserError, match="must be error, first or last for words as"):
        read(
            "id,time,x,target\na,1,N,1.5\na,1,S,2\n",
            columns={"categories": {"x": "index"}},
            duplicates="mean",
        )


# --- columns and rows ---


def test_columns_without_a_name_are_left_out_if_they_are_empty_or_count(read):
    loaded = read(",id,time,x,target,\n0,a,1,5,0,\n1,a,2,6,1,\n2,b,1,7,1,\n")
    assert loaded.features == ["x"]
    assert loaded.notes == ["columns without a name, which are left out: 2"]
    with pytest.raises(UserError, match="row 3, column `1`: must be empty, or count"):
        read(",id,time,x,target\n,a,1,5,0\n7,a,2,6,1\n")


def test_rows_without_a_value_are_left_out_and_lines_stay_right(read, tmp_path):
    text = "id,time,x,target\na,1,5,0\n,,,\na,2,6,1\n,,,\n,,,\na,high,7,1\n"
    with pytest.raises(UserError, match="row 7, column `time`"):
        read(text)
    loaded = read(text.replace("high", "3"))
    assert steps(loaded) == [[[5], [6], [7]]]
    assert loaded.notes == ["rows without any value, which are left out: 3"]


def test_several_columns_are_the_sequence(read):
    loaded = read(
        "shop,item,time,x,target\n1,b,1,5,0\n1,c,1,6,1\n2,b,1,7,0\n1,b,2,8,1\n",
        columns={"sequence": ["shop", "item"]},
    )
    assert loaded.names == ["1/b", "1/c", "2/b"]
    assert steps(loaded) == [[[5], [8]], [[6]], [[7]]]


def test_ids_are_of_digits_in_some_rows_and_of_letters_in_others(read):
    assert read("id,time,x,target\n7,1,5,0\nb,1,6,1\n").names == ["7", "b"]
    with pytest.raises(
        UserError, match="as the same number before it, '7'. Received: '7.0'"
    ):
        read("id,time,x,target\n7,1,5,0\n7.0,2,6,1\n")


def test_all_columns_that_are_not_there_are_named_at_once(read):
    with pytest.raises(UserError) as caught:
        read("date,load,OT\n1,2,3\n")
    assert str(caught.value).endswith(
        "must have the columns `id`, `time` and `target`, or `generate.columns` other "
        "names for `sequence`, `time` and `target`: `statelab inspect` proposes them. "
        "Received: date, load, OT"
    )


# --- targets out of times, wide files ---


def test_the_target_is_the_time_that_remains(read):
    loaded = read(
        "unit,cycle,x\n1,2,5\n1,1,4\n1,4,6\n2,1,7\n",
        columns={"sequence": "unit", "time": "cycle", "target": None},
        target_type="remaining",
    )
    assert steps(loaded) == [[[4], [5], [6]], [[7]]]
    assert targets(loaded) == [[3, 2, 0], [0]]
    loaded = read(
        "unit,t,x\n1,2024-01-01,5\n1,2024-01-03,4\n",
        columns={"sequence": "unit", "time": "t", "target": None},
        target_type="remaining",
    )
    assert targets(loaded) == [[2 * 86400, 0]]


WIDE = {"layout": "wide"}


def test_a_row_of_a_wide_file_is_a_sequence(read):
    loaded = read(
        '"id","V1","V2","V3","V4"\n"b",1,2,3,\n"a",5,6,,\n"c",7,8,9,10\n',
        format=WIDE,
        columns={"time": None, "target": None},
        horizon=1,
    )
    assert loaded.names == ["b", "a", "c"]
    assert steps(loaded) == [[[1], [2]], [[5]], [[7], [8], [9]]]
    assert targets(loaded) == [[2, 3], [6], [8, 9, 10]]


def test_a_row_of_a_wide_file_has_a_class(read):
    loaded = read(
        "kind,s1,s2\nup,1,2\ndown,3,\n",
        format=WIDE,
        columns={"sequence": None, "time": None, "target": "kind"},
        label="end",
    )
    assert loaded.names == ["1", "2"]
    assert steps(loaded) == [[[1], [2]], [[3]]]
    assert targets(loaded) == [[-1, 1], [0]]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            "a,1,2,3\na,4,5,6\n",
            "row 3: a wide file must have one row for each sequence",
        ),
        ("a,1,2,3\nb,,,\n", "row 3: must have a value at some step"),
        ("a,1,2,3\nb,4,,6\n", "row 3, step `V2`, column `value`: must have a value"),
        ("a,1,2,3\nb,4,x,6\n", "row 3, column `V2`: must be a number"),
        ("a,1,2,3,\nb,4,5,6,7\n", "row 3, column `5`: must be empty, or count"),
    ],
)
def test_a_wide_file_that_is_broken_is_one_line(read, rows, line):
    with pytest.raises(UserError, match=line):
        read(
            f"id,V1,V2,V3{',' * (rows.index(chr(10)) == 8)}\n{rows}",
            format=WIDE,
            columns={"time": None, "target": None},
            horizon=1,
        )


def test_reading_goes_on_as_text_where_numbers_end(read, monkeypatch):
    """Numbers are read as such until a cell is none, blanks, say."""
    monkeypatch.setattr("statelab.data.tables.BLOCK", 64)
    cells = [f"{k / 4}" for k in range(40)] + ["  ", "NA", " 7 "]
    rows = "".join(f"a,{time},{cell},{time}\n" for time, cell in enumerate(cells))
    loaded = read(f"id,time,x,target\n{rows}", missing="fill", target_type="values")
    expected = [k / 4 for k in range(40)] + [9.75, 9.75, 7]
    assert [step[0] for step in steps(loaded)[0]] == expected
    assert targets(loaded)[0] == list(range(43))
