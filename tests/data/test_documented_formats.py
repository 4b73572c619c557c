"""Each row of the table in docs/data.md reads a file that is as it says."""

import re

import numpy as np
import pytest
from checkouts import REPOSITORY
from read_files import ROLES, steps, targets
from ruamel.yaml import YAML

from statelab.config.settings import GenerateSettings
from statelab.data import sources
from statelab.studies.post import POST

X, Y = [[[5.5], [1006.25], [7]]], [[0.5, 1.5, 2.5]]


def rows(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


PLAIN = rows("id,time,x,target", "a,1,5.5,0.5", "a,2,1006.25,1.5", "a,3,7,2.5")
COMMAS = rows("id;time;x;target", "a;1;5,5;0,5", "a;2;1006,25;1,5", "a;3;7;2,5")
DATED = rows("when,x,target", "31/12/2024 23.00.00,6,1.5", "31/12/2024 22.30.00,5,0.5")
# of each row of the table: a file, settings beside those of the row, values, targets
FILES = {
    "semicolons, tabs, bars": (PLAIN.replace(",", ";"), {}, X, Y),
    "blanks between columns": (" " + PLAIN.replace(",", "   "), {}, X, Y),
    "decimal commas": (COMMAS, {"format.separator": ";"}, X, Y),
    "1,234.5": (PLAIN.replace("1006.25", '"1,006.25"'), {}, X, Y),
    "1.234,5": (
        COMMAS.replace("1006,25", "1.006,25"),
        {"format.separator": ";"},
        X,
        Y,
    ),
    "no header": (
        PLAIN.partition("\n")[2],
        {"columns": {"sequence": "1", "time": "2", "target": "4", "features": None}},
        X,
        Y,
    ),
    "three rows of header": (
        PLAIN.replace("target\n", "target\n,s,kW,kW\n-,-,-,-\n"),
        {},
        X,
        Y,
    ),
    "lines above the header": ("Station 7\nin kW\n" + PLAIN, {}, X, Y),
    "a mark at the end of each line": (PLAIN.replace("\n", ";\n"), {}, X, Y),
    "another encoding than UTF-8": (
        PLAIN.replace("x", "Höhe").encode("latin-1"),
        {"columns.features": ["Höhe"]},
        X,
        Y,
    ),
    "`?`, `-` or -200 for no value": (
        PLAIN.replace("0.5\n", "?\n").replace("1006.25", "-200"),
        {"missing": "fill"},
        [[[5.5], [5.5], [7]]],
        [[np.nan, 1.5, 2.5]],
    ),
    "31/12/2024 23.00.00": (
        DATED,
        {"columns.sequence": None},
        [[[5], [6]]],
        [[0.5, 1.5]],
    ),
    "a date and a time of day": (
        rows("date,time,x,target", "2024-12-31,23:00,6,1.5", "2024-12-31,09:30,5,0.5"),
        {"columns.sequence": None},
        [[[5], [6]]],
        [[0.5, 1.5]],
    ),
    "year, month, day, hour": (
        rows("year,month,day,hour,x,target", "2024,12,9,7,6,1.5", "2024,2,10,23,5,0.5"),
        {"columns.sequence": None},
        [[[5], [6]]],
        [[0.5, 1.5]],
    ),
    "local times": (
        rows("when,x,target", "2024-10-27T03:30,6,1.5", "2024-10-27T01:30,5,0.5"),
        {"columns.sequence": None, "max_gap": 2.5 * 3600},  # three hours: it is winter
        [[[5]], [[6]]],
        [[0.5], [1.5]],
    ),
    "times twice": (
        PLAIN + "a,3,9,4.5\n",
        {},
        [[[5.5], [1006.25], [8]]],
        [[0.5, 1.5, 3.5]],
    ),
    "several columns that name a sequence": (
        rows("store,item,time,x,target", "1,1,1,5,0.5", "1,2,1,6,1.5", "1,1,2,7,2.5"),
        {},
        [[[5], [7]], [[6]]],
        [[0.5, 2.5], [1.5]],
    ),
    "a file for each sequence": (
        {"a.csv": "time,x,target\n1,5,0.5\n", "b.csv": "time,x,target\n1,6,1.5\n"},
        {},
        [[[5]], [[6]]],
        [[0.5], [1.5]],
    ),
    "a row for each sequence": (
        rows("id,V1,V2,V3", "a,5,6,7", "b,8,9,"),
        {"columns": {**ROLES, "time": None, "target": None}, "horizon": 1},
        [[[5], [6]], [[8]]],
        [[6, 7], [9]],
    ),
    "words that are features": (
        rows("id,time,wind,target", "a,1,N,0.5", "a,2,S,1.5", "a,3,N,2.5"),
        {},
        [[[1, 0], [0, 1], [1, 0]]],
        Y,
    ),
    "cells of features without a value": (
        PLAIN.replace("1006.25", ""),
        {},
        [[[5.5], [5.5], [7]]],
        Y,
    ),
    "days and seasons that matter": (
        rows(
            "id,time,target",
            "a,2024-01-01T06:00,0.5",
            "a,2024-01-01T18:00,1.5",
            "a,2024-01-02,2.5",
        ),
        {"horizon": 1},
        # six o'clock and eighteen, a Monday, January
        [[[0.5, 1, 0, 0, 1, 0, 1], [1.5, -1, 0, 0, 1, 0, 1]]],
        [[1.5, 2.5]],
    ),
    "runs until something fails": (
        rows("id,time,x", "a,1,5", "a,2,6", "a,5,7"),
        {},
        [[[5], [6], [7]]],
        [[4, 3, 0]],
    ),
}


def documented() -> dict[str, str]:
    """What the file has -> the settings, as they are written."""
    text = (REPOSITORY / "docs/data.md").read_text()
    table = text.partition("| the file has |")[2].partition("\n\n")[0]
    found = {}
    for line in table.splitlines()[2:]:
        has, settings = re.split(r"(?<!\\)\|", line.strip("|"), maxsplit=1)
        found[has.strip()] = settings
    return found


def with_settings(settings: dict, changes: dict) -> dict:
    """Set keys such as `format.separator`."""
    made = dict(settings)
    for key, value in changes.items():
        section, _, name = key.rpartition(".")
        if section:
            made[section] = {**made[section], name: value}
        elif isinstance(value, dict):
            made[key] = {**made[key], **value}
        else:
            made[key] = value
    return made


def written(cell: str) -> dict:
    """The settings in a cell of the table: of several ways to write one the first."""
    yaml = YAML(typ="safe", pure=True)
    changes = {}
    for span in re.findall(r"`(\w[^`]*: [^`]*)`", cell):
        changes |= yaml.load(span)
    return changes


def test_every_row_has_a_file():
    # arrays are tested in test_npz.py, and sheets in test_excel.py
    others = {"sheets", "`x_train`, `y_train`, `x_test`, `y_test`"}
    assert {*documented()} == {*FILES} | others


@pytest.mark.parametrize("row", FILES)
def test_a_file_is_read_with_the_settings_of_its_row(row, tmp_path):
    content, others, values, expected = FILES[row]
    contents = content if isinstance(content, dict) else {"panel.csv": content}
    for name, text in contents.items():
        (tmp_path / name).write_bytes(
            text if isinstance(text, bytes) else text.encode()
        )
    path = tmp_path if len(contents) > 1 else tmp_path / "panel.csv"
    settings = with_settings(POST["generate"], {"source": "csv", "path": str(path)})
    settings = with_settings(settings, others)
    settings = with_settings(settings, written(documented()[row]))
    loaded = sources.load(GenerateSettings.model_validate(settings))
    for ours, theirs in zip(steps(loaded), values, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    for ours, theirs in zip(targets(loaded), expected, strict=True):
        np.testing.assert_allclose(ours, theirs)
