"""Files with every fault that a source can have: each ends in a result or in one line.

A file is a valid random panel with one fault; it is read with plain settings, and with
random ones. `pytest -s` shows how many files there were of each fault, and what became
of them with plain settings.
"""

import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import project_params
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from statelab.data import sources
from statelab.errors import UserError
from statelab.inspection import inspect
from statelab.samples import splitting
from statelab.samples.windows import LAYOUTS

FILES = 38  # of each fault
COLUMNS = ["id", "time", "x", "y", "target"]
PARAMETER = re.compile(r"`(generate|window)\.\w+")
ended: dict[str, Counter[str]] = defaultdict(Counter)

Rows = list[list[Any]]
Written = tuple[str, bytes]  # the file's name and content
Fault = Callable[[st.DrawFn, Rows], Written]
FAULTS: dict[str, Fault] = {}


# --- valid panels, and two ways to write them ---


@st.composite
def panels(draw) -> Rows:
    """Rows of 2 to 5 sequences, two features, and targets of two kinds or more."""
    names = draw(st.sampled_from([[3, 1, 20, 4, 5], ["b", "a", "é", "c", "d"]]))
    lengths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    targets = draw(st.sampled_from([[0, 1], ["low", "high", "mid"], [0.5, 2.25, -1]]))
    number = st.floats(-1e6, 1e6, width=32)
    rows = [
        [name, step, draw(number), draw(number), draw(st.sampled_from(targets))]
        for name, length in zip(names, lengths, strict=False)
        for step in range(length)
    ]
    rows[0][-1], rows[-1][-1] = targets[:2]
    return rows


def as_csv(rows: Rows, header: list[str] = COLUMNS, **dialect: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows([header, *rows])
    return text.getvalue().encode()


def as_parquet(rows: Rows, header: list[str] = COLUMNS) -> bytes:
    """Columns are of one type, or of text where their cells are of several."""
    columns = []
    for column in zip(*rows, strict=True):
        try:
            columns.append(pa.array(column))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            columns.append(pa.array([None if c is None else str(c) for c in column]))
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table(columns, header), sink, row_group_size=4)
    return sink.getvalue().to_pybytes()


def written(draw: st.DrawFn, rows: Rows, header: list[str] = COLUMNS) -> Written:
    if draw(st.booleans()):
        return "panel.parquet", as_parquet(rows, header)
    return "panel.csv", as_csv(rows, header)


# --- faults in cells ---


def fault(name: str) -> Callable[[Fault], Fault]:
    def add(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return add


def some_cells(column: str, *contents: Any) -> Fault:
    """Some cells of a column, one at least, have another content."""

    def change(draw: st.DrawFn, rows: Rows) -> Written:
        which = draw(st.sets(st.integers(0, len(rows) - 1), min_size=1, max_size=3))
        for row in sorted(which):
            rows[row][COLUMNS.index(column)] = draw(st.sampled_from(contents))
        return written(draw, rows)

    return change


def whole_column(column: str, cell: Callable[[st.DrawFn, int, Any], Any]) -> Fault:
    """A column is made anew, from the number of the row and what was there."""

    def change(draw: st.DrawFn, rows: Rows) -> Written:
        place = COLUMNS.index(column)
        for number, row in enumerate(rows):
            row[place] = cell(draw, number, row[place])
        return written(draw, rows)

    return change


@fault("none")
def _(draw, rows):
    return written(draw, rows)


LARGE = [2**53 + 1, 2**63 - 1, 2**63, -(2**70), 10**40, 10**400]
ZONES = ["2024-01-01", "2024-01-02T00:00Z", "2024-01-03T04:05:06.7+01:00"]
NO_DATES = [
    "2024-02-30",
    "2024-01",
    "now",
    "NaT",
    "31.12.2024",
    "0001-01-01",
    "9999-12",
]

FAULTS |= {
    "no feature": some_cells("x", None, "", "NA", "NaN", float("nan")),
    "infinite feature": some_cells("y", float("inf"), float("-inf"), 1e39, "1e999"),
    "text for a number": some_cells("x", "high", "1,5", "0x1F", "1_000", "--", "1 2"),
    "no id": some_cells("id", None, "", float("nan")),
    "ids of two types": some_cells("id", "a", 7, 2.5, True),
    "odd ids": some_cells("id", "a,b", 'q"', "two\nlines", " b ", "\u2028", "é" * 99),
    "no time": some_cells("time", None, "", "nan", float("nan")),
    "infinite time": some_cells("time", float("inf"), "-inf", "1e999"),
    "one time twice": some_cells("time", 0, 0.0, "0"),
    "dates and numbers": some_cells("time", "2024-01-01", "20240101", "2024"),
    "dates of mixed zones": whole_column(
        "time", lambda draw, number, _: f"{draw(st.sampled_from(ZONES))}"
    ),
    "what is no date": some_cells("time", *NO_DATES),
    "dates, one of them none": whole_column(
        "time",
        lambda draw, number, _: draw(
            st.sampled_from([f"2024-01-01T00:00:{number:02}", *NO_DATES[:3]])
        ),
    ),
    "times in any order": whole_column(
        "time", lambda draw, number, _: draw(st.integers(-9, 9)) + number / 64
    ),
    "huge time": some_cells("time", *LARGE),
    "huge feature": some_cells("x", *LARGE),
    "huge id": some_cells("id", *LARGE),
    "huge target": some_cells("target", *LARGE),
    "booleans for times": whole_column(
        "time", lambda draw, number, _: draw(st.booleans())
    ),
    "booleans for features": whole_column(
        "x", lambda draw, number, _: draw(st.booleans())
    ),
    "booleans for targets": whole_column(
        "target", lambda draw, number, _: draw(st.booleans())
    ),
    "some booleans": some_cells("x", True, "false"),
    "constant target": whole_column("target", lambda draw, number, _: "low"),
    "no target": whole_column("target", lambda draw, number, _: None),
    "few targets": whole_column(
        "target", lambda draw, number, old: draw(st.sampled_from([None, None, old]))
    ),
    "infinite target": some_cells("target", float("inf"), "1e39"),
    "targets of two types": some_cells("target", "low", 3, 0.5, "nan"),
    "one sequence": whole_column("id", lambda draw, number, _: "a"),
    "sequences of one step": whole_column("id", lambda draw, number, _: number),
}


@fault("one class for each sequence")
def _(draw, rows):
    for row in rows:
        row[-1] = f"class {row[0]}"
    return written(draw, rows)


# --- faults in the header ---


@fault("no column")
def _(draw, rows):
    gone = draw(st.integers(0, 4))
    rows = [[cell for place, cell in enumerate(row) if place != gone] for row in rows]
    return written(draw, rows, COLUMNS[:gone] + COLUMNS[gone + 1 :])


@fault("one name twice")
def _(draw, rows):
    header = [draw(st.sampled_from(COLUMNS)) for _ in COLUMNS]
    return written(draw, rows, header)


ODD_NAMES = ["", " ", " x", "x\ny", "a,b", 'q"', "__index_level_0__", "é", "\u2028"]


@fault("odd name")
def _(draw, rows):
    header = list(COLUMNS)
    place = draw(st.integers(0, 4))
    header[place] = draw(st.sampled_from(ODD_NAMES))
    return written(draw, rows, header)


# --- faults in the text of CSV ---


@fault("too many or too few fields")
def _(draw, rows):
    row = draw(st.sampled_from(rows))
    row[:] = [1, 2, 3, 4, 5, 6, 7][: draw(st.integers(1, 7))]
    return "panel.csv", as_csv(rows)


@fault("other separators")
def _(draw, rows):
    mark = draw(st.sampled_from(";\t|: "))
    text = as_csv(rows, delimiter=mark)
    return "panel.csv", text.replace(b".", b",") if draw(st.booleans()) else text


@fault("line ends")
def _(draw, rows):
    end = draw(st.sampled_from(["\r\n", "\n", "\r", "\n\n", "\n \n", "\r\n\n"]))
    return "panel.csv", as_csv(rows, lineterminator=end)


@fault("byte order mark")
def _(draw, rows):
    return "panel.csv", b"\xef\xbb\xbf" * draw(st.integers(1, 2)) + as_csv(rows)


@fault("line breaks in quotes")
def _(draw, rows):
    row = draw(st.sampled_from(rows))
    row[draw(st.integers(0, 4))] = draw(st.sampled_from(["\n", "a\nb", "1\r\n", "\n2"]))
    return "panel.csv", as_csv(rows)


@fault("stray quotes")
def _(draw, rows):
    text = as_csv(rows)
    place = draw(st.integers(0, len(text)))
    return "panel.csv", text[:place] + b'"' + text[place:]


@fault("no rows")
def _(draw, rows):
    suffix, content = written(draw, rows)
    empty = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table({name: [] for name in COLUMNS}), empty)
    header = as_csv([]) + b"\n" * draw(st.integers(0, 2))
    whole = {"panel.csv": header, "panel.parquet": empty.getvalue().to_pybytes()}
    return suffix, whole[suffix]


@fault("empty file")
def _(draw, rows):
    name = draw(
        st.sampled_from(["panel.csv", "panel.csv.gz", "panel.parquet", "p.npz"])
    )
    return name, b"\n" * draw(st.integers(0, 2))


# --- faults in bytes ---


@fault("latin-1")
def _(draw, rows):
    row = draw(st.sampled_from(rows))
    row[draw(st.sampled_from([0, 4]))] = "Zürich"
    return "panel.csv", as_csv(rows).decode().encode("latin-1", "replace")


@fault("UTF-16")
def _(draw, rows):
    kind = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32"]))
    return "panel.csv", as_csv(rows).decode().encode(kind)


@fault("zero bytes")
def _(draw, rows):
    text = as_csv(rows)
    place = draw(st.integers(0, len(text)))
    return "panel.csv", text[:place] + b"\0" + text[place:]


@fault("another format's name")
def _(draw, rows):
    contents = [as_csv(rows), gzip.compress(as_csv(rows)), as_parquet(rows)]
    names = ["panel.csv", "panel.csv.gz", "panel.parquet", "panel.npz"]
    return draw(st.sampled_from(names)), draw(st.sampled_from(contents))


@fault("no table at all")
def _(draw, rows):
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
    names = ["panel.csv", "panel.csv.gz", "panel.parquet", "panel.npz"]
    content = st.binary(max_size=99) | st.text(max_size=99).map(str.encode)
    return draw(st.sampled_from(names)), draw(st.just(png) | content)


def cut_or_flipped(draw: st.DrawFn, content: bytes) -> bytes:
    place = draw(st.integers(0, len(content) - 1))
    if draw(st.booleans()):
        return content[:place]
    return content[:place] + draw(st.binary(min_size=1)) + content[place + 1 :]


@fault("damaged CSV")
def _(draw, rows):
    return "panel.csv", cut_or_flipped(draw, as_csv(rows))


@fault("damaged gzip")
def _(draw, rows):
    return "panel.csv.gz", cut_or_flipped(draw, gzip.compress(as_csv(rows)))


@fault("damaged Parquet")
def _(draw, rows):
    return "panel.parquet", cut_or_flipped(draw, as_parquet(rows))


@fault("damaged npz")
def _(draw, rows):
    stream = io.BytesIO()
    np.savez(stream, x=np.arange(12.0).reshape(3, 2, 2), y=np.array([1, 0, 1]))
    return "panel.npz", cut_or_flipped(draw, stream.getvalue())


@fault("arrays that do not fit")
def _(draw, rows):
    shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
    arrays = {
        name: np.ones(
            draw(shapes), draw(st.sampled_from(["f8", "i4", "U3", "?", "c8"]))
        )
        for name in draw(st.sets(st.sampled_from(["x", "y", "lengths"])))
    }
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return "panel.npz", stream.getvalue()


# --- faults in the file system ---


@fault("a folder in place of a file")
def _(draw, rows):
    name, content = written(draw, rows)
    inside = draw(st.sampled_from(["one.csv", "one.parquet", ".one.csv", "x/one.csv"]))
    return f"{name}/{inside}", content


@fault("no such file")
def _(draw, rows):
    return draw(st.sampled_from(["panel.csv", "panel.parquet", "p.npz"])), b""


@fault("a file that may not be read")
def _(draw, rows):
    return written(draw, rows)


# --- the test ---

PLAIN = {
    "columns": {
        "sequence": "id",
        "time": "time",
        "target": "target",
        "features": None,
        "split": None,
    },
    "horizon": 0,
    "max_gap": None,
    "missing": "error",
    "target_type": "auto",
    "label": "each_step",
}
WHOLE = {
    "layout": "full",
    "window_length": 1,
    "split": "sequence",
    "test_size": 1,
    "validation_size": 0,
}


FORMAT = {
    "separator": st.sampled_from([",", ";", "tab", "blanks", "|"]),
    "decimal": st.sampled_from([".", ",", {"x": ","}]),
    "thousands": st.sampled_from([None, ",", ".", " "]),
    "encoding": st.sampled_from(["utf-8", "utf-16", "latin-1", "cp1252", "utf-32"]),
    "skip_rows": st.integers(0, 3),
    "header": st.integers(0, 3),
    "line_end": st.sampled_from([None, ";", ",", "5"]),
    "missing": st.sampled_from([None, ["?"], [0], ["low", -1]]),
    "layout": st.sampled_from(["long", "long", "wide"]),
}
COLUMN_CHANGES = {
    "sequence": st.sampled_from(["id", ["id", "x"], "1"]),
    "time": st.sampled_from(
        [
            *("time", "2", ["x", "y"], ["time", "x", "y"]),
            {"columns": "time", "format": "%Y"},
            {"columns": ["time", "x"], "zone": "Europe/Berlin"},
            {"columns": "time", "format": "%d/%m/%Y %H", "zone": "UTC"},
        ]
    ),
    "target": st.sampled_from(["target", "5", "x"]),
    "categories": st.sampled_from([{"x": "one_hot"}, {"y": "index"}]),
}


@st.composite
def malformed(draw, name: str) -> tuple[Written, dict[str, Any], dict[str, Any]]:
    """A file with a fault, and settings to read it with and to cut it."""
    generate = {
        "columns": {
            "sequence": draw(st.sampled_from(["id", "id", "id", None])),
            "time": draw(st.sampled_from(["time", "time", "time", None])),
            "target": "target",
            "features": draw(st.sampled_from([None, ["x", "y"], ["y"]])),
            "split": draw(st.sampled_from([None, None, "y", "time"])),
        },
        "horizon": draw(st.sampled_from([0, 0, 1])),
        "max_gap": draw(st.sampled_from([None, None, 1.5])),
        "missing": draw(st.sampled_from(["error", "fill", "mask"])),
        "duplicates": draw(st.sampled_from(["error", "first", "last", "mean"])),
        "calendar": draw(st.sampled_from([None, None, ["hour", "month"]])),
        "format": draw(st.fixed_dictionaries({}, optional=FORMAT)),
        "target_type": draw(st.sampled_from(["auto", "classes", "values"])),
        "label": draw(st.sampled_from(["each_step", "each_step", "end"])),
    }
    generate["columns"] |= draw(st.fixed_dictionaries({}, optional=COLUMN_CHANGES))
    window = {
        "layout": draw(st.sampled_from(sorted(LAYOUTS))),
        "window_length": draw(st.integers(1, 3)),
        "split": draw(st.sampled_from(["sequence", "sequence", "time", "given"])),
        "test_size": draw(st.sampled_from([1, 0.4])),
        "validation_size": draw(st.sampled_from([0, 0, 1])),
    }
    return FAULTS[name](draw, draw(panels())), generate, window


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_ends_in_a_result_or_in_one_line(name, tmp_path_factory, forbidden):
    @settings(
        max_examples=FILES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(malformed(name))
    def ends(drawn):
        (file, content), generate, window = drawn
        folder = tmp_path_factory.mktemp("malformed")
        whole, path = folder / file, folder / file.split("/")[0]
        if name != "no such file":
            whole.parent.mkdir(parents=True, exist_ok=True)
            whole.write_bytes(content)
        unreadable = name == "a file that may not be read"
        with forbidden(path) if unreadable else nullcontext():
            ended[name][outcome(path, PLAIN, WHOLE)] += 1
            outcome(path, generate, window)
            inspected(path)

    ends()


def inspected(path: Path) -> None:
    """What is guessed of a file reads it, or is said in one line not to."""
    try:
        found = inspect.inspect(path, project_params.PARAMS["generate"])
    except UserError as error:
        assert str(error).isprintable(), error
    else:
        assert (found.loaded is None) == bool(found.error)
        assert found.error.isprintable(), found.error
        for row in map(inspect.in_words, found.guesses):
            assert all(row)


def outcome(path: Path, generate: dict[str, Any], window: dict[str, Any]) -> str:
    source = path.name.split(".")[1]
    settings = project_params.params(
        generate={"source": source, "path": str(path), **generate},
        window={"stride": 1, "segment_length": 1, **window},
    )
    try:
        loaded = sources.load(settings.generate)
        table = splitting.split_and_window(
            loaded.sequences, settings.window, seed=0, given=loaded.split
        )
    except UserError as error:
        line = str(error)
        assert line.isprintable(), line
        assert str(path) in line or PARAMETER.search(line), line
        return "line"
    values, offsets, targets = loaded.sequences
    assert np.isfinite(values).all() and offsets[-1] == len(values) == len(targets)
    assert len(loaded.names) == len(offsets) - 1 and (np.diff(offsets) > 0).all()
    assert values.shape[1] == len(loaded.features) and table.samples[-1] > 0
    return "result"


def test_there_were_enough_files_of_each_fault():
    """Stands last: it counts what the test above has read."""
    print(f"\n{'fault':32}{'files':>6}{'result':>8}{'line':>6}")
    for name, counted in ended.items():
        print(f"{name:32}{counted.total():6}{counted['result']:8}{counted['line']:6}")
    total = sum(counted.total() for counted in ended.values())
    print(f"{'all':32}{total:6}")
    if set(ended) == set(FAULTS):  # all of them were run
        assert total >= 2000
        assert min(counted.total() for counted in ended.values()) >= 10
