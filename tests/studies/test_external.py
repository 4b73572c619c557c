import json
from pathlib import Path

import numpy as np
import pytest
from checkouts import REPOSITORY
from typer.testing import CliRunner

from statelab.cli import main
from statelab.errors import UserError
from statelab.pipeline import paths
from statelab.studies import datasets, external, shampoo
from statelab.studies.external_rows import Row
from statelab.studies.published import Published


@pytest.fixture
def two_rows(tmp_path, monkeypatch):
    """Two rows that are run in no time, and one that cannot be; what has run."""
    ran = []

    def run(name: str, scores: list[float]):
        return lambda: ran.append(name) or np.array(scores)

    rows = [
        Row("one", "A", "rmse", 2, Published(4.0, 1.0, 9), run("one", [3, 5, 4]), {}),
        Row("two", "B", "mse", 3, Published(0.5), run("two", [0.25, 0.26]), {"k": 1}),
        Row("three", "C", "mse", 3, None, None, {}, "needs what is not there"),
    ]
    monkeypatch.setattr(external, "rows", lambda: rows)
    monkeypatch.chdir(tmp_path)
    return ran


def shown(*words: str) -> list[tuple[str, ...]]:
    """The lines of the table that the command prints."""
    result = CliRunner().invoke(main.app, ["study", "external", *words])
    assert result.exit_code == 0, result.output
    return [
        tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        for line in result.output.splitlines()
        if line.startswith("| ")
    ][1:]


def test_command_runs_what_is_missing_and_keeps_it(two_rows):
    one, two, three = shown()
    # mean 4, s = 1, n = 3: 4 ± 4.30 / √3
    assert one == ("one", "A", "rmse", "4.00 ± 1.00", "4.00 [1.52, 6.48]", "3") + (
        "cannot tell",
    )
    assert two[3:] == ("0.500", "0.255 [0.191, 0.319]", "2", "differs")
    assert three == ("three", "C", "mse", "", "needs what is not there", "", "")
    assert shown() == [one, two, three] and two_rows == ["one", "two"]
    shown("two")  # it is named: it runs again
    assert two_rows == ["one", "two", "two"]


def test_command_goes_on_where_it_was_stopped(two_rows):
    shown("two")
    assert [row["row"] for row in json.loads(paths.EXTERNAL.read_text())["rows"]] == [
        "two"
    ]
    assert shown("--no-run")[0][4] == "not run"
    shown()
    assert two_rows == ["two", "one"]
    written = json.loads(paths.EXTERNAL.read_text())["rows"]
    assert [row["row"] for row in written] == ["one", "two"]  # as in the table


def test_a_row_with_other_settings_runs_again(two_rows, monkeypatch):
    shown()
    one, two, three = external.rows()
    changed = [one, two._replace(settings={"k": 2}), three]
    monkeypatch.setattr(external, "rows", lambda: changed)
    shown()
    assert two_rows == ["one", "two", "two"]


def test_an_unknown_row_is_one_line(two_rows):
    with pytest.raises(UserError) as caught:
        external.chosen(["three"], {})
    assert str(caught.value) == "a row must be one of one, two. Received: three"


def test_every_row_has_a_name_and_settings_of_its_own():
    rows = external.rows()
    assert len({row.name for row in rows}) == len(rows)
    settings = [
        json.dumps([row.by, row.settings], sort_keys=True)
        for row in rows
        if row.settings
    ]
    assert len(set(settings)) == len(settings)
    assert {row.name for row in rows} >= set(shampoo.ARMS)
    for row in rows:
        assert bool(row.empty) == (row.run is None) == (row.theirs is None)


def test_documents_show_what_the_command_wrote():
    written = json.loads((REPOSITORY / paths.EXTERNAL).read_text())
    results = {row["row"]: row for row in written["rows"]}
    assert results.keys() == {row.name for row in external.rows() if row.run}
    for row in external.rows():
        if row.run is not None:
            assert results[row.name]["settings"] == row.settings
    page = (REPOSITORY / "docs" / "external.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines
    ]
    for line in external.table(results):
        assert line in cells
    for line in external.findings(results):
        assert line in page
    assert written["findings"] == external.findings(results)


def test_the_table_fits_120_columns(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    printed = CliRunner().invoke(main.app, ["study", "external", "--no-run"]).output
    assert max(len(line.rstrip()) for line in printed.splitlines()) <= 120


def test_the_row_that_needs_another_package_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.util, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    (row,) = external.chosen(["shampoo-persistence"], {})
    with pytest.raises(UserError) as caught:
        external.measure(row)
    assert str(caught.value) == (
        "a row of shampoo needs aeon: run `pip install --no-deps aeon==1.6.0`, which "
        "is enough: only its data are read"
    )
    assert not Path("metrics").exists()
