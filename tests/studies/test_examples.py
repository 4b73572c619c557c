import gzip
import json
import re
from importlib import util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checkouts import REPOSITORY
from evaluations import as_json, evaluation, mode_scores, over_seeds
from filed_experiments import CARRIED, RESET, file_experiment
from project_params import PARAMS
from typer.testing import CliRunner

from statelab.cli import main
from statelab.config import schema
from statelab.config.settings import GenerateSettings
from statelab.data import sources
from statelab.errors import UserError
from statelab.pipeline import dvc_experiments, paths
from statelab.report import figures
from statelab.studies import datasets, examples

ROWS = [row for example in examples.EXAMPLES.values() for row in example.rows]


def read(name: str, folder: Path) -> sources.Loaded:
    """Write an example, and read it as its first experiment does."""
    example = examples.EXAMPLES[name]
    if util.find_spec(example.package) is None:
        pytest.skip(f"{example.requirement} is not installed: make examples")
    file = examples.write(name, folder)
    generate = example.rows[0].sections["generate"] | {"path": str(file)}
    return sources.load(GenerateSettings.model_validate(generate))


# --- what the packages hold -----------------------------------------------------------


def test_sunspots_are_one_series_of_235_years(tmp_path):
    data = read("sunspots", tmp_path).sequences
    table = pd.read_csv(tmp_path / "sunspots.csv")
    assert len(table) == 235 * 12
    assert table.iloc[0].tolist() == ["sun", "1749-01-01", 58.0]
    assert table.iloc[-1].tolist() == ["sun", "1983-12-01", 33.4]
    # the last six months have nothing six months ahead
    assert data.offsets.tolist() == [0, 2820 - 6]
    np.testing.assert_array_equal(
        data.targets, table["target"].to_numpy(np.float32)[6:]
    )


def test_glucose_has_181_gaps_of_more_than_ten_minutes(tmp_path):
    glucose = read("glucose", tmp_path)
    table = pd.read_csv(tmp_path / "glucose.csv", parse_dates=["time"])
    assert len(table) == 52281 - 3  # three times stand twice
    assert table["target"].iloc[:3].tolist() == [258, 260, 258]
    assert str(table["time"].iloc[0]) == "2010-03-24 09:51:00"
    assert (table["time"].diff().dt.total_seconds() > 600).sum() == 181
    # 182 stretches, of which those of 2, 3 and 5 readings are too short
    assert [note.split(": ")[-1] for note in glucose.notes] == ["181", "3"]
    assert len(glucose.sequences.offsets) - 1 == 179
    assert len(glucose.sequences.values) == 52278 - (2 + 3 + 5) - 179 * 6


def test_vowels_are_640_utterances_of_nine_men(tmp_path):
    vowels = read("vowels", tmp_path)
    lengths = np.diff(vowels.sequences.offsets)
    assert len(lengths) == 270 + 370
    assert lengths[:3].tolist() == [20, 26, 22]
    assert (lengths.min(), lengths.max()) == (7, 29)
    assert vowels.features == [f"c{number}" for number in range(1, 13)]
    assert vowels.classes == [str(speaker) for speaker in range(1, 10)]
    np.testing.assert_allclose(vowels.sequences.values[1, :2], [1.891651, -0.193249])
    last = vowels.sequences.targets[vowels.sequences.offsets[1:] - 1]
    # 30 of each to train on; to test on as many as the UCI repository says
    tested = np.array([31, 35, 88, 44, 29, 24, 40, 50, 29])
    assert np.bincount(last).tolist() == (30 + tested).tolist()
    assert (vowels.sequences.targets >= 0).sum() == 640  # at the end alone


# --- the same, on small files made here -----------------------------------------------


def file(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def test_sunspots_are_read_row_by_row(tmp_path):
    text = b" 58.0  62.6\n  0.0 158.6\n"
    file(tmp_path, "datasets/data/sunspots.txt.gz", gzip.compress(text))
    table = datasets.sunspots(tmp_path)
    assert table["target"].tolist() == [58.0, 62.6, 0.0, 158.6]
    assert table["time"].iloc[-1] == "1749-04-01"


def test_glucose_keeps_the_first_of_two_rows_of_one_time(tmp_path):
    rows = ["isig,datetime,glucose", "15.9,2010-05-20 03:21:00,122"]
    rows += ["16.1,2010-05-20 03:21:00,124", "nil,2010-05-20 03:26:00,120"]
    file(tmp_path, "_data/CGM.csv.gz", gzip.compress("\n".join(rows).encode()))
    table = datasets.glucose(tmp_path)
    assert list(table.columns) == ["id", "time", "target"]
    assert table["target"].tolist() == [122, 120]


def test_vowels_have_a_column_for_each_channel(tmp_path):
    folder = "datasets/data/JapaneseVowels/JapaneseVowels"
    file(tmp_path, f"{folder}_TRAIN.ts", b"#of\n@data\n1,2,3:4,5,6:7\n")
    file(tmp_path, f"{folder}_TEST.ts", b"@data\n8:9:2\n")
    table = datasets.vowels(tmp_path)
    assert list(table.columns) == ["id", "time", "target", "c1", "c2"]
    assert table.to_numpy().tolist() == [
        [0, 0, 7, 1, 4],
        [0, 1, 7, 2, 5],
        [0, 2, 7, 3, 6],
        [1, 0, 2, 8, 9],
    ]


def test_vowels_as_split_say_which_file_they_are_of(tmp_path):
    folder = "datasets/data/JapaneseVowels/JapaneseVowels"
    file(tmp_path, f"{folder}_TRAIN.ts", b"#of\n@data\n1,2,3:4,5,6:7\n")
    file(tmp_path, f"{folder}_TEST.ts", b"@data\n8:9:2\n")
    table = datasets.vowels_as_split(tmp_path)
    assert table["split"].tolist() == ["train", "train", "train", "test"]
    assert table["id"].tolist() == [0, 0, 0, 1]


def test_shampoo_has_a_row_for_each_month(tmp_path):
    sales = b"Time,Sales\n1991-01,266.0\n1991-02,145.9\n"
    file(tmp_path, "datasets/data/ShampooSales/ShampooSales.csv", sales)
    table = datasets.shampoo(tmp_path)
    assert table.to_numpy().tolist() == [
        ["shampoo", "1991-01", 266.0],
        ["shampoo", "1991-02", 145.9],
    ]


def test_another_version_of_a_package_says_which_file_is_missing(tmp_path):
    with pytest.raises(UserError, match="must hold _data.CGM.csv.gz, as the"):
        datasets.glucose(tmp_path)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """The three packages, with the smallest files that can be read, on the path."""
    folder = tmp_path / "packages"
    series = " ".join(str(number) for number in range(10))
    rows = [f"1,2010-01-01 00:{5 * at:02}:00,{90 + at}" for at in range(10)]
    vowel = "aeon/datasets/data/JapaneseVowels/JapaneseVowels"
    files = {
        "pmdarima/datasets/data/sunspots.txt.gz": gzip.compress(series.encode()),
        "bokeh_sampledata/_data/CGM.csv.gz": gzip.compress(
            "\n".join(["isig,datetime,glucose", *rows]).encode()
        ),
        f"{vowel}_TRAIN.ts": b"@data\n1,2:3,4:1\n",
        f"{vowel}_TEST.ts": b"@data\n5:6:2\n",
    }
    for name, content in files.items():
        file(folder, name, content)
        file(folder, f"{name.split('/')[0]}/__init__.py", b"import what_is_not_there")
    monkeypatch.syspath_prepend(folder)


def test_writing_twice_gives_the_same_bytes_and_imports_nothing(packages, tmp_path):
    for name in examples.EXAMPLES:
        once = examples.write(name, tmp_path / "one").read_bytes()
        assert examples.write(name, tmp_path / "two").read_bytes() == once
        assert once.startswith(b"id,time,target")


def test_a_package_that_is_missing_costs_one_line_that_says_how_to_get_it(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(datasets.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        examples.write("sunspots", tmp_path)
    assert "pip install --no-deps pmdarima==2.1.1`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_example_names_the_known_ones(tmp_path):
    with pytest.raises(UserError, match="of sunspots, glucose, vowels. Received: x"):
        examples.write("x", tmp_path)


# --- the experiments ------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.experiment)
def test_every_experiment_says_all_of_params_yaml_itself(row):
    schema.check({"seed": 0, **row.sections})
    assert set(row.sections) | {"seed"} == set(PARAMS)
    for name, keys in row.sections.items():
        assert set(keys) == set(PARAMS[name])


@pytest.mark.parametrize("name", examples.EXAMPLES)
def test_every_experiment_reads_the_file_of_its_example(name):
    for row in examples.EXAMPLES[name].rows:
        assert row.sections["generate"]["path"] == f"data/examples/{name}.csv"
        assert row.experiment.startswith(f"example-{name}")


def test_make_installs_what_is_read():
    (line,) = re.findall("--no-deps (aeon.*)", (REPOSITORY / "Makefile").read_text())
    wanted = {example.requirement for example in examples.EXAMPLES.values()}
    assert set(line.split()) == wanted


# --- the table ------------------------------------------------------------------------

DESCRIPTION = {
    "example": "sunspots",
    "cut": "segments of 12",
    "experiment": "example-sunspots",
    "sequences": 1,
    "steps": 2814,
}
SCORED = {"stateless": RESET, "stateful": CARRIED}
OF_VALUES = {**DESCRIPTION, **SCORED, "score": "rmse"}
OF_CLASSES = {**DESCRIPTION, **SCORED, "score": "accuracy"}
FORECAST = {"constant": 0.5, "persistence": 0.375, "seasonal_naive": 2.0}


def test_table_shows_each_score_beside_its_baselines():
    one, two, three = examples.table(
        [
            {**OF_VALUES, "baselines": FORECAST},
            {**OF_CLASSES, "baselines": {"constant": 0.125}},
            DESCRIPTION,
        ]
    )
    assert one[:5] == ("sunspots", "1", "2,814", "segments of 12", "rmse")
    assert one[5:7] == ("0.25 [0.12, 0.50]", "0.75 [0.62, 0.88]")
    assert one[7:] == ("mean of train 0.50", "0.38", "2.00")
    assert two[5:7] == ("0.250 [0.125, 0.500]", "0.750 [0.625, 0.875]")
    assert two[7:] == ("most frequent class 0.125", "–", "–")
    assert three[4] == "no experiment example-sunspots" and not any(three[5:])
    assert len(one) == len(two) == len(three) == 10


def evaluated(score: str, **baselines: float) -> dict[Path, str]:
    """What `evaluate` writes, with other scores beside the one that is shown."""
    named = {
        name: {score: value, f"final_{score}": 99} for name, value in baselines.items()
    }
    modes = [
        mode_scores({score: over_seeds(**figures, n=9)}, **named)
        for figures in SCORED.values()
    ]
    return {paths.EVALUATION: as_json(evaluation(*modes, score=score))}


def test_command_writes_the_tables_and_shows_what_is_there(
    packages,
    repository,  # noqa: F811
):
    forecast = evaluated("rmse", constant=0.5, persistence=0.375, seasonal_naive=2.0)
    file_experiment("example-sunspots", forecast)
    voices = evaluated("accuracy", constant=0.125)
    file_experiment("example-vowels", voices)
    shown = CliRunner().invoke(main.app, ["examples", "--no-run"])
    assert shown.exit_code == 0
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in shown.output.splitlines()
    ]
    rows = {(line[0], line[3]): line for line in lines if len(line) == 10}
    # ten months, of which four have another six months ahead
    sunspots, vowels = (
        rows["sunspots", "segments of 12"],
        rows["vowels", "segments of 5"],
    )
    assert sunspots[1:3] == ["1", "4"]
    assert sunspots[7:] == ["mean of train 0.50", "0.38", "2.00"]
    assert vowels[1:3] == ["2", "3"]
    assert vowels[7:] == ["most frequent class 0.125", "–", "–"]
    assert rows["glucose", "windows of 24"][4] == (
        "no experiment example-glucose-windows"
    )
    assert not Path("metrics/examples.json").exists()  # not before all are there
    assert Path("data/examples/glucose.csv").exists()


def test_command_writes_the_scores_once_all_are_there(
    packages,
    repository,  # noqa: F811
):
    forecast = evaluated("rmse", constant=0.5, persistence=0.375)
    for row in ROWS:
        file_experiment(row.experiment, forecast)
    one = CliRunner().invoke(main.app, ["examples", "sunspots", "--no-run"])
    assert one.exit_code == 0 and "glucose" not in one.output
    assert not Path("metrics/examples.json").exists()
    every = CliRunner().invoke(main.app, ["examples", "--no-run"])
    assert every.exit_code == 0
    written = json.loads(Path("metrics/examples.json").read_text())
    assert [row["experiment"] for row in written["rows"]] == [
        row.experiment for row in ROWS
    ]
    assert Path("metrics/examples.svg").read_bytes().startswith(b"<?xml")


def test_command_runs_what_is_missing_with_its_folder(
    packages,
    repository,  # noqa: F811
    monkeypatch,
):
    forecast = evaluated("rmse", constant=0.5, persistence=0.375)
    file_experiment("example-sunspots", forecast)
    ran = []
    monkeypatch.setattr(
        dvc_experiments,
        "run",
        lambda name, sections, copied: ran.append((name, copied)),
    )
    CliRunner().invoke(main.app, ["examples", "sunspots"])
    assert ran == [("example-sunspots-windows", [Path("data/examples")])]
    assert Path("data/examples/sunspots.csv").exists()


def test_documents_show_what_the_command_wrote():
    document = json.loads((REPOSITORY / "metrics" / "examples.json").read_text())
    assert document["seeds"] == examples.SEEDS
    assert {row["experiment"] for row in document["rows"]} == {
        row.experiment for row in ROWS
    }
    shown = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in (REPOSITORY / "docs" / "examples.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    for line in examples.table(document["rows"]):
        assert line in shown


def test_picture_has_a_panel_for_each_example():
    rows = [
        {**OF_VALUES, "baselines": FORECAST},
        {**OF_VALUES, "baselines": FORECAST, "cut": "windows"},
        {**OF_CLASSES, "example": "vowels", "baselines": {"constant": 0.125}},
    ]
    one, two = figures.examples(rows).axes
    assert one.get_title() == "sunspots" and two.get_title() == "vowels"
    assert [text.get_text() for text in one.get_xticklabels()] == [
        "segments of 12",
        "windows",
    ]
    drawn = [
        (container.lines[0].get_color(), container.lines[0].get_ydata().tolist())
        for container in two.containers
    ]
    assert drawn == [
        (figures.COLOURS["stateless"], [0.25]),
        (figures.COLOURS["stateful"], [0.75]),
    ]
    assert len(one.collections) == 4 + 2 * 3  # error bars, and lines without a model
