"""Excel workbooks, as openpyxl writes them."""

from datetime import date, datetime

import openpyxl
import pytest
from project_params import PARAMS
from read_files import load, steps, targets

from statelab.errors import UserError
from statelab.inspection import inspect

ROWS = [
    ["Station 7", None, None, None],
    [],
    ["id", "time", "x", "target"],
    [7, datetime(2024, 1, 30, 2), 5, "low"],
    [7, datetime(2024, 1, 30, 1), 4.5, "high"],
    [None, None, None, None],
    [8, datetime(2024, 1, 30, 1), " NA", "low"],
    [8, datetime(2024, 1, 30, 2), 9, None],
]


@pytest.fixture
def book(tmp_path):
    """Write a workbook, the rows on its second sheet."""

    def write(rows=ROWS, first=(), name="Data"):
        made = openpyxl.Workbook()
        for row in first:
            made.active.append(row)
        sheet = made.create_sheet(name) if first else made.active
        for row in rows:
            sheet.append(row)
        made.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return write


def test_a_sheet_is_read_with_the_types_of_its_cells(book):
    loaded = load(book(), "excel", format={"skip_rows": 2}, missing="mask")
    assert loaded.names == ["7", "8"]
    mean = (5 + 4.5 + 9) / 3
    assert [[step[0] for step in one] for one in steps(loaded)] == [
        [4.5, 5],
        [pytest.approx(mean), 9],
    ]
    assert loaded.classes == ["high", "low"]
    assert targets(loaded) == [[0, 1], [1, -1]]
    assert loaded.notes == [
        "rows that were not in order of time within their sequence, and have been "
        "sorted: 2"
    ]


def test_a_sheet_has_a_name(book):
    file = book(ROWS[2:], first=[["notes"]])
    assert len(load(file, "excel", format={"sheet": "Data"}, missing="mask").names) == 2
    with pytest.raises(UserError, match="sheet `Dat` .* Received: Sheet, Data"):
        load(file, "excel", format={"sheet": "Dat"})
    with pytest.raises(UserError, match="must have rows below its header"):
        load(file, "excel")


def test_an_error_names_the_row_of_the_sheet(book):
    with pytest.raises(UserError) as caught:
        load(book(), "excel", format={"skip_rows": 2})
    assert str(caught.value).endswith(
        "book.xlsx, row 7, column `x`: must have a value, or set `generate.missing` to "
        "fill or mask. Received: none"
    )
    rows = [*ROWS[:4], [7, "soon", 3, "low"]]
    with pytest.raises(UserError, match="row 5, column `time`: .* Received: 'soon'"):
        load(book(rows), "excel", format={"skip_rows": 2})


def test_what_is_no_workbook_is_one_line(tmp_path):
    (tmp_path / "book.xlsx").write_text("id,time\n1,2\n")
    with pytest.raises(UserError, match="must be an Excel workbook, .xlsx. Received"):
        load(tmp_path / "book.xlsx", "excel")


def test_a_workbook_is_inspected(book):
    rows = [["Report"], ["day", "sold"]]
    rows += [[date(2024, 1, day), (day * day) % 11 + 0.5] for day in range(1, 29)]
    file = book(rows)
    inspected = inspect.inspect(file, PARAMS["generate"])
    assert inspected.error == ""
    guessed = {guess.setting: guess.value for guess in inspected.guesses}
    assert guessed == {
        "format.skip_rows": 1,
        "columns.time": "day",
        "columns.sequence": None,
        "columns.target": "sold",
        "horizon": 1,
    }
    assert inspected.settings["source"] == "excel"
    assert steps(inspected.loaded)[0][:2] == [[1.5], [4.5]]
    assert targets(inspected.loaded)[0][:2] == [4.5, 9.5]
