"""Files as people have them: what is guessed of each, and that it reads them right."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from project_params import PARAMS
from pyarrow import parquet
from read_files import steps, targets

from statelab.errors import UserError
from statelab.inspection import file_parts, inspect, text_format
from statelab.inspection import times as inspection_times
from statelab.inspection.inspect import Inspected

BEGIN = datetime(2024, 1, 30, 20)


def times(form: str, count: int = 40, **step: float) -> list[str]:
    step = step or {"hours": 1}
    return [(BEGIN + k * timedelta(**step)).strftime(form) for k in range(count)]


def lines(*rows: str) -> str:
    return "".join(f"{row}\n" for row in rows)


@pytest.fixture
def found(tmp_path):
    """Write a file, and inspect it."""

    def found(text: str | bytes, name: str = "file.csv", **wanted) -> Inspected:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return inspect.inspect(file, PARAMS["generate"], **wanted)

    return found


def settings(inspected: Inspected) -> dict:
    """What was guessed, by setting, and reads the file."""
    assert inspected.error == ""
    return guessed(inspected)


def guessed(inspected: Inspected) -> dict:
    return {guess.setting: guess.value for guess in inspected.guesses}


def uncertain(inspected: Inspected) -> set[str]:
    return {guess.setting for guess in inspected.guesses if not guess.certain}


# --- text ---


def test_power_by_the_minute(found):
    """Semicolons, a date and a time of day, ? for no value."""
    days = times("%d/%m/%Y", minutes=10), times("%H:%M:%S", minutes=10)
    rows = [
        f"{d};{t};{k}.5;{k % 7}" for k, (d, t) in enumerate(zip(*days, strict=True))
    ]
    rows[4] = rows[4].rpartition(";")[0] + ";?"
    inspected = found(lines("Date;Time;power;volts", *rows), "power.txt")
    assert settings(inspected) == {
        "format.separator": ";",
        "format.missing": ["?"],
        "columns.time": {"columns": ["Date", "Time"], "format": "%d/%m/%Y %H:%M:%S"},
        "columns.sequence": None,
        "columns.target": "volts",
        "horizon": 1,
        "missing": "fill",
    }
    assert "a step is 10 minutes in 100% of rows" in inspected.notes
    assert len(steps(inspected.loaded)[0]) == 39
    assert {"columns.target", "horizon"} <= uncertain(inspected)


def test_decimal_commas_odd_line_ends_and_a_mark_that_is_a_number(found):
    days = times("%d/%m/%Y"), times("%H.%M.%S")
    rows = [
        f"{d};{t};{k},5;{-200 if k in (3, 9) else 50 + k};;"
        for k, (d, t) in enumerate(zip(*days, strict=True))
    ]
    rows[5] += ",,,"
    inspected = found(lines("Date;Time;CO;NOx;;", *rows))
    assert settings(inspected) == {
        "format.separator": ";",
        "format.line_end": ",",
        "format.decimal": ",",
        "format.missing": None,
        "columns.time": {"columns": ["Date", "Time"], "format": "%d/%m/%Y %H.%M.%S"},
        "columns.sequence": None,
        "columns.target": "NOx",
        "horizon": 1,
    }
    assert {"format.missing", "format.line_end"} <= uncertain(inspected)
    assert steps(inspected.loaded)[0][:2] == [[0.5, 50], [1.5, 51]]


def test_three_header_rows(found):
    rows = [
        f"{day},{k}.5,{100 + 3 * k}" for k, day in enumerate(times("%Y-%m-%d", days=1))
    ]
    text = lines("Price,Close,Volume", "Ticker,AB,AB", "Date,,", *rows)
    inspected = found(text)
    assert settings(inspected) == {
        "format.header": 3,
        "columns.time": "Price",
        "columns.sequence": None,
        "columns.target": "Close",
        "horizon": 1,
        "window.target": "difference",
    }
    assert steps(inspected.loaded)[0][0] == [100, 0.5]


def test_titles_above_the_header(found):
    rows = [f"{day},{k}.5" for k, day in enumerate(times("%Y-%m-%d", days=1))]
    inspected = found(lines("Load of a town", "", "day,load", *rows))
    assert settings(inspected)["format.skip_rows"] == 2
    assert steps(inspected.loaded)[0][0] == [0.5]


def test_blanks_and_no_header(found):
    """Run to failure: two units, whose cycles begin anew, blanks at the line end."""
    rows = [
        f"{unit} {cycle} {cycle / 8:.3f}  {100 - cycle} 7.0  "
        for unit, count in ((1, 30), (2, 20))
        for cycle in range(1, count + 1)
    ]
    inspected = found(lines(*rows), "engines.txt", target="remaining")
    assert settings(inspected) == {
        "format.separator": "blanks",
        "format.header": 0,
        "columns.time": "2",
        "columns.sequence": "1",
        "columns.target": None,
        "target_type": "remaining",
        "horizon": 0,
    }
    assert targets(inspected.loaded)[1][:2] == [19, 18]
    assert inspected.loaded.features == ["3", "4", "5"]


def test_a_mark_at_the_end_of_lines(found):
    rows = [
        f"{user},{activity},{1000 * k + user},{k / 4},{k % 5};"
        for user in (33, 7)
        for k, activity in enumerate(["walk"] * 20 + ["run"] * 20)
    ]
    inspected = found(lines(*rows))
    assert settings(inspected) == {
        "format.line_end": ";",
        "format.header": 0,
        "columns.time": "3",
        "columns.sequence": "1",
        "columns.target": "2",
        "horizon": 0,
    } or pytest.fail(str(inspected.guesses))
    assert inspected.loaded.classes == ["run", "walk"]


def test_letters_in_latin_1_are_uncertain(found):
    rows = [f"{day};{k}" for k, day in enumerate(times("%Y-%m-%d", days=1))]
    text = lines("Tag;Höhe", *rows).encode("latin-1")
    inspected = found(text)
    assert "format.encoding" in uncertain(inspected)
    assert inspected.loaded.features == ["Höhe"]
    assert (
        settings(found(lines("Tag;Höhe", *rows).encode("utf-16")))["format.encoding"]
        == "utf-16"
    )


# --- times ---


@pytest.mark.parametrize(
    ("form", "step"),
    [
        ("%m/%d/%Y %H:%M", {"hours": 7}),
        ("%d.%m.%Y %H:%M:%S", {"hours": 7}),
        ("%Y/%m/%d %H:%M", {"days": 1}),
        ("%m/%d/%y", {"days": 1}),
        ("%d-%b-%Y", {"days": 1}),
        ("%Y-%m-%d %H:%M:%S.%f", {"seconds": 0.5}),
        ("%m/%d/%Y %I:%M:%S %p", {"hours": 1}),
    ],
)
def test_the_format_of_dates_is_found(found, form, step):
    rows = [f'"{t}",{k}' for k, t in enumerate(times(form, **step))]
    inspected = found(lines("when,load", *rows))
    time = settings(inspected)["columns.time"]
    assert time in (
        {"columns": "when", "format": form},
        "when" if form.startswith("%Y-%m-%d") else None,
    )
    assert "columns.time" not in uncertain(inspected)
    assert [step[0] for step in steps(inspected.loaded)[0]] == list(range(39))


def test_day_or_month_first_cannot_be_told(found):
    same = ["1/1/2024", "2/2/2024", "3/3/2024", "4/4/2024"]
    days_or_months = [f"{day}/2/2024" for day in range(1, 13)]
    for days in (same, days_or_months):
        rows = [f"{day},{k}" for k, day in enumerate(days)]
        assert "columns.time" in uncertain(found(lines("day,load", *rows)))


@pytest.mark.parametrize(
    ("times", "form"),
    [  # no day is above 12
        (
            [f"{d}/2/2024 {h}:00" for d in (1, 2, 3) for h in range(24)],
            "%d/%m/%Y %H:%M",
        ),
        ([f"1/{m}/{y}" for y in (2022, 2023) for m in range(1, 13)], "%d/%m/%Y"),
        ([f"{m}/1/{y}" for y in (2022, 2023) for m in range(1, 13)], "%m/%d/%Y"),
        (["4/5/2024", "8/5/2024", "12/5/2024", "1/6/2024", "9/6/2024"], "%d/%m/%Y"),
    ],
)
def test_steps_tell_whether_days_or_months_are_first(found, times, form):
    rows = [f"{time},{k}" for k, time in enumerate(times)]
    inspected = found(lines("day,load", *rows))
    assert settings(inspected)["columns.time"]["format"] == form
    assert "columns.time" not in uncertain(inspected)


def test_dates_of_which_a_late_one_is_none_are_still_the_time(found, monkeypatch):
    monkeypatch.setattr(inspection_times, "SAMPLE", 20)
    days = times("%Y-%m-%d", days=1)
    rows = [f"{day},{k}" for k, day in enumerate([*days, "soon"])]
    inspected = found(lines("day,load", *rows))
    assert guessed(inspected)["columns.time"] == "day"
    row = len(rows) + 1
    assert f"row {row}, column `day`: must be a date" in inspected.error
    assert inspected.error.endswith("Received: 'soon'")


def test_a_year_that_nanoseconds_do_not_hold_is_one_line(found):
    inspected = found(lines("day,load", "9999-12-31,1", "9999-12-30,2"))
    assert inspected.loaded is None or "columns.time" not in guessed(inspected)


def test_points_before_three_digits_beside_decimal_commas_are_of_thousands(found):
    days = times("%Y-%m-%d", days=1)
    rows = [f"{day};{k},5;{k + 1}.250" for k, day in enumerate(days)]
    inspected = found(lines("day;share;sold", *rows))
    assert settings(inspected)["format.thousands"] == "."
    assert "format.thousands" in uncertain(inspected)
    assert steps(inspected.loaded)[0][1] == [1.5, 2250]
    # in one column both: nothing else than thousands and decimals
    rows = [f"{day};{k + 1}.250,5" for k, day in enumerate(days)]
    inspected = found(lines("day;sold", *rows))
    assert settings(inspected)["format.thousands"] == "."
    assert "format.thousands" not in uncertain(inspected)
    assert steps(inspected.loaded)[0][1] == [2250.5]


@pytest.mark.parametrize(
    ("form", "times"),
    [
        ("%b %d %Y", ["Nov 1 2023", "Dec 1 2023", "Jan 1 2024", "Feb 1 2024"]),
        ("%b-%d-%Y", ["Nov-1-2023", "Dec-1-2023", "Jan-1-2024"]),
        ("%Y %b", ["2023 Nov", "2023 Dec", "2024 Jan", "2024 Feb"]),
        ("%B %d %Y", ["November 1 2023", "December 1 2023", "January 1 2024"]),
    ],
)
def test_names_of_months_are_dates(found, form, times):
    inspected = found(lines("when,x", *(f"{t},{k}" for k, t in enumerate(times))))
    assert settings(inspected)["columns.time"]["format"] == form
    assert inspected.notes == ["a step is 1 month in 100% of rows"]


def test_quarters_are_times(found):
    rows = [f"{1990 + k // 4},{1 + k % 4},{k * k % 7}" for k in range(12)]
    inspected = found(lines("year,quarter,x", *rows))
    assert settings(inspected)["columns.time"] == ["year", "quarter"]
    assert inspected.notes == ["a step is 3 months in 100% of rows"]
    rows = [f"{1990 + k // 4} Q{1 + k % 4},{k * k % 7}" for k in range(12)]
    inspected = found(lines("when,x", *rows))
    assert settings(inspected)["columns.time"] == "when"
    assert inspected.guesses[0].evidence == "all cells are quarters"
    assert inspected.notes == ["a step is 3 months in 100% of rows"]


def test_months_in_columns_are_said_to_be_no_series(found):
    months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
    rows = [
        f"{1950 + y},{','.join(str(y * m % 9) for m in range(12))}" for y in range(9)
    ]
    inspected = found(lines(",".join(["YEAR", *months]), *rows))
    assert inspected.notes[0].startswith("JAN to DEC are months: a series that goes on")


@pytest.mark.parametrize(("walks", "target"), [(True, "difference"), (False, "level")])
def test_changes_are_modelled_where_values_stay_near(found, walks, target):
    noise = np.random.default_rng(0).normal(size=200)
    values = noise.cumsum() if walks else noise
    days = times("%Y-%m-%d", count=200, days=1)
    rows = [f"{day},{value:.3f}" for day, value in zip(days, values, strict=True)]
    inspected = found(lines("day,load", *rows))
    assert inspected.window == {"split": "auto", "target": target}
    assert ("window.target" in uncertain(inspected)) == walks


def test_numbers_with_a_unit_are_named(found):
    days = times("%Y-%m-%d", days=1)
    rows = [f"{day},{k % 5},{k % 7}.5 kW" for k, day in enumerate(days)]
    inspected = found(lines("day,x,power", *rows))
    assert settings(inspected)["columns.target"] == "x"
    assert inspected.notes[1].startswith("cells of power are numbers with 'kW' behind")
    named = found(lines("day,x,power", *rows), target="power")
    assert "horizon" in uncertain(named)


def test_words_that_a_sequence_never_changes_are_no_target(found):
    rows = [
        f"{land},{part},{year},{year * k % 11}.5"
        for k, (land, part) in enumerate([("N", "up"), ("O", "up"), ("P", "low")], 2)
        for year in range(1990, 2010)
    ]
    inspected = found(lines("country,part,year,life", *rows))
    assert settings(inspected)["columns.target"] == "life"
    named = found(lines("country,part,year,life", *rows), target="part")
    assert settings(named)["columns.target"] == "part"


def test_a_workbook_by_another_name_is_one_line(found):
    with pytest.raises(UserError, match="a zip archive; an Excel workbook has to be n"):
        found(b"PK\3\4" + bytes(range(200)))


def test_the_hour_of_a_day_is_no_time(found):
    rows = [f"{k % 24},{k * k % 7}" for k in range(96)]
    assert settings(found(lines("hour,load", *rows)))["columns.time"] is None
    rows = [f"{k},{k * k % 7}" for k in range(96)]
    assert settings(found(lines("hour,load", *rows)))["columns.time"] == "hour"


def test_the_target_of_a_wide_file_can_be_named(found):
    names = [f"v{step}" for step in range(12)]
    rows = [
        f"{k},{k % 2},{','.join(str(k * s % 9) for s in range(12))}" for k in range(9)
    ]
    text = lines(",".join(["who", "ill", *names]), *rows)
    assert settings(found(text))["columns.target"] is None
    assert settings(found(text, target="ill"))["columns.target"] == "ill"
    with pytest.raises(UserError, match="--target must be one of its columns"):
        found(text, target="v3")


def test_parquet_columns_of_lists_are_no_features(tmp_path):
    table = {"time": [1, 2, 3, 4], "x": [1.0, 5, 2, 8], "tags": [[1], [2], [], [3]]}
    file = tmp_path / "panel.parquet"
    parquet.write_table(pa.table(table), file)
    inspected = inspect.inspect(file, PARAMS["generate"])
    assert settings(inspected)["columns.target"] == "x"
    assert steps(inspected.loaded)[0] == [[1.0], [5], [2]]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_beginning_of_a_long_file_in_utf_16_is_whole_lines(tmp_path, encoding):
    file = tmp_path / "long.csv"
    text = "\ufeffday,load\n" + "ten,10\nsix,6\n" * 40
    file.write_bytes(text.encode(encoding))
    (begin,) = file_parts.read(file, 101)
    read = begin.decode("utf-16")
    assert text[1:].startswith(read) and len(read) > 150
    assert read.splitlines()[-1] in ("ten,10", "six,6")


def test_time_in_four_columns_and_a_column_of_words(found):
    rows = [
        f"{k},{t},{'NA' if k == 2 else k * 2},{-k},{'NE' if k % 3 else 'cv'}"
        for k, t in enumerate(times("%Y,%-m,%-d,%-H"), 1)
    ]
    inspected = found(lines("No,year,month,day,hour,pm,temp,wind", *rows), target="pm")
    assert settings(inspected) == {
        "columns.time": ["year", "month", "day", "hour"],
        "columns.sequence": None,
        "columns.target": "pm",
        "horizon": 1,
        "columns.features": ["temp"],
        "missing": "fill",
        "window.target": "difference",
    }
    assert inspected.notes[1] == (
        "columns of words, no features unless `generate.columns.categories` has them: "
        "wind"
    )
    assert "columns that count the rows, no features: No" in inspected.notes


def test_an_hour_twice_is_named_and_made_one(found):
    hours = times("%Y-%m-%d %H:%M:%S", 200)
    hours[7] = hours[6]
    rows = [f"{hour},{k}" for k, hour in enumerate(hours)]
    inspected = found(lines("when,load", *rows))
    assert settings(inspected)["duplicates"] == "mean"
    assert "duplicates" in uncertain(inspected)
    assert "columns.sequence" not in uncertain(inspected)
    assert steps(inspected.loaded)[0][6] == [6.5]


def test_zones_are_one_series(found):
    rows = ["2024-03-31 01:00:00+01:00,1", "2024-03-31 03:00:00+02:00,2"]
    rows += [f"2024-03-31 {hour:02}:00:00+02:00,{hour}" for hour in range(4, 20)]
    inspected = found(lines("when,load", *rows))
    assert settings(inspected)["columns.time"] == "when"
    assert "a step is 1 hour in 100% of rows" in inspected.notes


def test_months_that_no_year_fits_are_an_order(found):
    rows = [f'"{1 + k // 12}-{1 + k % 12:02}",{k}' for k in range(36)]
    inspected = found(lines('"Month","Sales"', *rows))
    assert settings(inspected)["columns.time"] is None
    assert "columns.time" in uncertain(inspected)
    assert inspected.notes[0].endswith("has them: Month")


# --- columns ---


def test_each_file_of_a_folder_is_a_sequence(found, tmp_path):
    for person in (1, 2):
        rows = [f"{k},{person + k},{k % 7},{1 + k // 20}" for k in range(40)]
        inspected = found(lines(*rows), f"motion/{person}.csv")
    inspected = inspect.inspect(tmp_path / "motion", PARAMS["generate"], target="4")
    found_settings = settings(inspected)
    assert found_settings["columns.sequence"] is None
    assert found_settings["columns.time"] == "1"
    assert len(inspected.loaded.names) == 2


def test_a_panel_has_the_key_that_tells_rows_of_one_time_apart(found):
    rows = [
        f"{t},{shop},{item},{k}"
        for shop in ("s1", "s2")
        for item in (8, 9)
        for k, t in enumerate(times("%Y-%m-%d", 20, days=1))
    ]
    inspected = found(lines("date,store,item,sales", *rows))
    assert settings(inspected)["columns.sequence"] == ["store", "item"]
    assert len(inspected.loaded.names) == 4


def test_a_wide_file(found):
    rows = ['"Y1",1,2,3,4,5,6,7,8,', '"Y2",1,2,3,4,5,6,7,8,9', '"Y3",5,6,7,1,4,,,,']
    header = ",".join(f'"V{k}"' for k in range(1, 11))
    inspected = found(lines(header, *rows))
    assert settings(inspected) == {
        "format.layout": "wide",
        "columns.sequence": "V1",
        "columns.target": None,
        "columns.time": None,
        "horizon": 1,
    }
    assert [len(each) for each in steps(inspected.loaded)] == [7, 8, 4]


def test_arrays_of_splits_as_tutorials_save_them(tmp_path):
    arrays = {}
    for name, count in (("train", 6), ("test", 3)):
        arrays[f"x_{name}"] = np.full((count, 4, 2), count, np.float32)
        arrays[f"y_{name}"] = np.arange(count) % 3
    np.savez(tmp_path / "arrays.npz", **arrays)
    inspected = inspect.inspect(tmp_path / "arrays.npz", PARAMS["generate"])
    assert inspected.window == {"split": "given", "target": "level"}
    assert inspected.loaded.split.tolist() == [0] * 6 + [2] * 3


# --- what cannot be ---


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("file.csv", "", "must have a header and rows. Received: no text"),
        ("file.csv", "a,b\n", "must have rows"),
        ("file.doc", "a,b\n1,2\n", "must end in one of"),
        ("file.parquet", "a,b\n1,2\n", "must be a Parquet file"),
    ],
)
def test_what_is_no_table_is_one_line(found, name, text, line):
    with pytest.raises(UserError, match=line):
        found(text, name)


def test_a_target_that_is_no_column_is_one_line(found):
    with pytest.raises(
        UserError, match="--target must be one of its columns. Rec.*: z"
    ):
        found(lines("when,load", "2024-01-01,5", "2024-01-02,6"), target="z")


# --- parts of a file ---


def test_parts_of_a_file_are_whole_lines_of_its_whole_length(tmp_path):
    file = tmp_path / "numbers.txt"
    file.write_text(lines(*map(str, range(10_000))))
    parts = file_parts.read(file, 1000)
    assert len(parts) == 4
    read = [[int(line) for line in part.split()] for part in parts]
    assert read[0][0] == 0 and read[-1][-1] == 9999
    for part in read:
        assert np.diff(part).tolist() == [1] * (len(part) - 1)
    firsts = [part[0] for part in read]
    assert firsts == sorted(firsts)


def test_rows_of_two_parts_do_not_follow_one_another():
    table, _ = text_format.guess([b"t,x\n1,2\n2,3\n", b"8,1\n9,2\n"])
    assert table.part.tolist() == [0, 0, 1, 1]
    assert table.follows().tolist() == [True, False, True]
