"""Features that are made of columns: words, the calendar, and what is missing."""

import numpy as np
import pytest
from project_params import generate
from read_files import ROLES, load, steps

from statelab.data import rows, sources
from statelab.errors import UserError

HEADER = "id,time,wind,x,target\n"


@pytest.fixture
def file(tmp_path):
    def write(text: str, name: str = "panel.csv"):
        (tmp_path / name).write_text(HEADER + text)
        return tmp_path / name

    return write


def predicted(file, trained: sources.Loaded, **changes) -> sources.PredictionInput:
    """Read a file as that was read which a model was trained on."""
    columns = {**ROLES, **changes.pop("columns", {})}
    settings = generate(source="csv", path=str(file), columns=columns, **changes)
    return sources.load_for_prediction(
        file,
        rows.roles_of(settings.columns, settings.calendar),
        settings.format,
        trained.encoding,
        max_gap=settings.max_gap,
        missing=settings.missing,
        duplicates=settings.duplicates,
    )


ONE_HOT = {"columns": {"categories": {"wind": "one_hot"}}}
INDEX = {"columns": {"categories": {"wind": "index"}}}
WINDY = "a,1,S,5,0\na,2,N,6,1\na,3,W,7,0\n"


def test_words_are_columns_of_their_own_or_one_number(file):
    loaded = load(file(WINDY), **ONE_HOT)
    assert loaded.features == ["wind=N", "wind=S", "wind=W", "x"]
    assert steps(loaded) == [[[0, 1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7]]]
    loaded = load(file(WINDY), **INDEX)
    assert loaded.features == ["wind", "x"]
    assert steps(loaded) == [[[1, 5], [0, 6], [2, 7]]]


def test_words_are_read_for_prediction_as_in_training(file):
    trained = load(file(WINDY), **ONE_HOT)
    new = predicted(file("b,1,W,8,\n", "new.csv"), trained, **ONE_HOT)
    assert new.sequences.values.tolist() == [[0, 0, 1, 8]]
    with pytest.raises(UserError) as caught:
        predicted(file("b,1,W,8,\nb,2,E,8,\n", "new.csv"), trained, **ONE_HOT)
    assert str(caught.value).endswith(
        "new.csv, row 3, column `wind`: must be one of the words of training, N, S, W. "
        "Received: 'E'"
    )


def test_words_are_features_beside_those_that_are_listed(file):
    changes = {"columns": {"features": ["x"], **ONE_HOT["columns"]}}
    assert load(file(WINDY), **changes).features == ["x", "wind=N", "wind=S", "wind=W"]


def test_a_feature_without_a_mask_must_have_a_first_value_in_predictions(file):
    trained = load(file("a,1,5,6,0\na,2,3,,1\n"), missing="mask")
    with pytest.raises(UserError, match="it had one in each row that was trained on"):
        predicted(file("b,1,,7,\n", "new.csv"), trained, missing="mask")


def test_words_of_a_column_that_is_not_there_are_one_line(file):
    with pytest.raises(UserError, match="must have the column `sky` of `generate.col"):
        load(file(WINDY), columns={"categories": {"sky": "index"}})


def test_the_calendar_is_sine_and_cosine_of_where_in_a_cycle_time_is(file):
    text = "a,2024-01-01T06:00,1,5,0\na,2024-10-04T18:00,2,6,1\n"
    loaded = load(file(text), calendar=["hour", "weekday", "month"])
    assert loaded.features[2:] == [
        *("hour sine", "hour cosine", "weekday sine", "weekday cosine"),
        *("month sine", "month cosine"),
    ]
    friday = 2 * np.pi * 4 / 7  # the first is a Monday in January
    expected = [
        [1, 0, 0, 1, 0, 1],
        [-1, 0, np.sin(friday), np.cos(friday), -1, 0],  # 9 of 12 months
    ]
    np.testing.assert_allclose(np.array(steps(loaded))[0, :, 2:], expected, atol=1e-6)
    with pytest.raises(UserError, match="`generate.calendar` must be null where times"):
        load(file("a,1,1,5,0\na,2,2,6,1\n"), calendar=["hour"])


MISSING = "a,1,1,,0\na,2,1,4,1\na,3,1,,0\na,4,1,,1\nb,1,1,8,0\nb,2,1,,0\n"


def test_the_calendar_is_that_of_the_zone(file):
    times = ["2024-07-01T22:30", "2024-07-01T23:30"]  # in Berlin two hours later
    rows = "".join(f"a,{time},1,2,{k}\n" for k, time in enumerate(times))
    time = {"columns": "time", "zone": "Europe/Berlin"}
    loaded = load(file(rows), columns={"time": time}, calendar=["hour"])
    angle = 2 * np.pi * np.array([22.5, 23.5]) / 24
    np.testing.assert_allclose(
        loaded.sequences.values[:, 2:],
        np.stack([np.sin(angle), np.cos(angle)], axis=1),
        atol=1e-6,
    )


def test_the_steps_of_wide_files_are_named_in_predictions(tmp_path):
    file = tmp_path / "wide.csv"
    file.write_text("id,V1,V2,V3\nb,1,2,4\na,3,5,\n")
    columns = {"sequence": "id", "time": None, "target": None}
    changes = {"format": {"layout": "wide"}, "horizon": 1}
    trained = load(file, columns=columns, **changes)
    new = predicted(file, trained, columns=columns, format={"layout": "wide"})
    assert new.keys.to_pydict() == {"sequence": [*"bbbaa"], "step": [0, 1, 2, 0, 1]}
    assert new.sequences.values.ravel().tolist() == [1, 2, 4, 3, 5]


def test_masks_say_what_is_missing_and_since_when(file):
    loaded = load(file(MISSING), missing="mask")
    assert loaded.features == ["wind", "x", "x missing", "x steps since"]
    assert steps(loaded) == [
        [[1, 6, 1, 1], [1, 4, 0, 0], [1, 4, 1, 1], [1, 4, 1, 2]],  # 6 is the mean
        [[1, 8, 0, 0], [1, 8, 1, 1]],
    ]


def test_masks_of_prediction_are_those_of_training(file):
    trained = load(file(MISSING), missing="mask")
    new = predicted(file("c,1,3,,\nc,2,3,2,\n", "new.csv"), trained, missing="mask")
    assert new.sequences.values.tolist() == [[3, 6, 1, 1], [3, 2, 0, 0]]
    with pytest.raises(UserError, match="row 2, column `wind`: must have a value"):
        predicted(file("c,1,,5,\n", "new.csv"), trained, missing="mask")


def test_masks_count_on_over_blocks_of_rows(file, monkeypatch):
    whole = load(file(MISSING), missing="mask")
    for at_once in (1, 2, 3):
        monkeypatch.setattr("statelab.data.panels.ROWS", at_once)
        assert steps(load(file(MISSING), missing="mask")) == steps(whole)


def test_rows_without_a_value_are_left_out_of_predictions(file):
    trained = load(file(WINDY), **ONE_HOT)
    new = predicted(
        file(",,,,\nb,2,W,8,\n,,,,\nb,1,N,9,\n", "new.csv"), trained, **ONE_HOT
    )
    assert new.keys.to_pydict() == {"id": ["b", "b"], "time": ["1", "2"]}
    assert new.sequences.values[:, -1].tolist() == [9, 8]
