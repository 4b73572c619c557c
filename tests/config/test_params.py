"""Writing sections into params.yaml."""

from statelab.config import params

BEFORE = """\
seed: 0  # of the data
generate:
  # a file
  path: data/example.csv  # or a folder
  columns:
    time: {columns: date, zone: Europe/Berlin}
    features: null  # all others
  calendar: [hour]
window:
  split: auto  # time, say
"""


def test_a_section_is_written_with_its_comments(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params.FILE.write_text(BEFORE)
    time = {"columns": ["day", "clock"], "format": "%d %H"}
    columns = {"time": time, "features": None}
    params.write_section("generate", {"columns": columns, "calendar": None})
    assert (
        params.FILE.read_text()
        == """\
seed: 0  # of the data
generate:
  # a file
  path: data/example.csv  # or a folder
  columns:
    time: {columns: [day, clock], format: '%d %H'}
    features: null  # all others
  calendar: null
window:
  split: auto  # time, say
"""
    )


def test_what_is_as_it_was_stays_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    params.FILE.write_text(BEFORE)
    params.write_section("window", {"split": "auto"})
    assert params.FILE.read_text() == BEFORE
