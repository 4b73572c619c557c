import numpy as np
import pandas as pd
import pytest

from statelab.errors import UserError
from statelab.io import csv_files, files
from statelab.io.predictions import (
    Predictions,
    predictions_chosen,
    predictions_in_use,
    read_predictions,
    write_predictions,
)


def test_predictions_come_back_and_have_the_same_bytes_each_time(tmp_path):
    one = np.float32([[0.25, 0.5]]), np.array([3, -1])
    other = np.float32([[0.1, 0.2, 0.3]]), np.array([0, 1, 2])  # it has other samples
    third = np.float32([[0.4, 0.5, 0.6]]), np.array([0, 1, 2])  # on another split
    layout = {"layout": "subsampled", "window_length": 2, "stride": 1}
    predictions = [
        Predictions("in use", 0, {}, 1, False, 8, 5, 0.01, 60, 480, -0.5, *one),
        Predictions("lookback 2", 0, layout, 2, True, 4, 6, 0.02, 61, 244, 0.1, *other),
        Predictions("lookback 2", 1, layout, 2, True, 4, 7, 0.02, 63, 252, 0.2, *third),
    ]
    for name in ("one.npz", "two.npz"):
        write_predictions(tmp_path / "new" / name, predictions)
    one, two = (tmp_path / "new" / name for name in ("one.npz", "two.npz"))
    assert one.read_bytes() == two.read_bytes()
    every = list(read_predictions(one))
    for read in (predictions_in_use(one), every[0]):
        assert read[:11] == ("in use", 0, {}, 1, False, 8, 5, 0.01, 60, 480, -0.5)
        assert read.predictions.tolist() == [[0.25, 0.5]]
        assert read.visible_from.tolist() == [3, -1]
    for read in (predictions_chosen(one), every[1]):
        assert read[:5] == ("lookback 2", 0, layout, 2, True)
        assert read.predictions.tolist() == np.float32([[0.1, 0.2, 0.3]]).tolist()

    (later,) = read_predictions(two, split=1)
    assert (later.split, later.epochs) == (1, 7)
    assert later.predictions.tolist() == third[0].tolist()


def test_tables_keep_every_digit_of_a_float32(tmp_path):
    third = np.float32(1) / np.float32(3)
    csv_files.write(tmp_path / "t.csv", pd.DataFrame({"x": [third]}))
    assert np.float32(csv_files.read(tmp_path / "t.csv")["x"][0]) == third


@pytest.mark.parametrize(
    "read",
    [read_predictions, csv_files.read, files.read_json],
)
def test_reading_names_the_file_that_is_missing(tmp_path, read):
    with pytest.raises(UserError, match=r"gone: no such file"):
        read(tmp_path / "gone")
