import json
import shutil

import numpy as np
import pytest

from statelab.errors import UserError
from statelab.networks import keras_models, saving
from statelab.networks.architecture import Architecture
from statelab.samples import prediction_intervals
from statelab.training import predict

SMALL = Architecture("lstm", "binary", layers=1, units=3, features=2, outputs=1)
READ = {
    "columns": {"sequence": "who", "time": "t", "target": "y", "features": None},
    "calendar": None,
    "duplicates": "error",
    "encoding": {"columns": ["u", "v"], "words": {}, "masked": {}},
    "format": {},
    "label": "each_step",
    "max_gap": None,
    "missing": "error",
}
WHO, T = ["b", "a", "b", "b", "a"], [7, 2, 5, 9, 1]  # b is 5 7 9, a is 1 2
X = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)


@pytest.fixture
def model(tmp_path):
    """Return a function that writes a model which has learnt from something."""

    def write(
        layout=None,
        classes=("no", "yes"),
        reset="sequence",
        variant="in use",
        forecast=None,
        **shape,
    ):
        architecture = SMALL._replace(**shape)
        weights = keras_models.initial_weights(range(4, 6), architecture)
        saving.write(tmp_path / "model", weights, architecture)
        known = {
            "variant": variant,
            "layout": layout or {"layout": "per_timestep", "segment_length": 2},
            "reset": reset,
            "features": ["u", "v"],
            "classes": classes and list(classes),
            "forecast": forecast,
            "read": READ,
        }
        (tmp_path / "model" / "data.json").write_text(json.dumps(known))
        keras_model = keras_models.load(tmp_path / "model", network=1)

        def answer(*rows):
            return keras_model(X[None, list(rows)]).numpy()[0]

        return tmp_path / "model", answer

    return write


@pytest.fixture
def panel(tmp_path):
    # features stand in another order, and there is no target
    rows = [f"{w},{t},{v},{u}" for w, t, (u, v) in zip(WHO, T, X.tolist(), strict=True)]
    file = tmp_path / "new.csv"
    file.write_text("\n".join(["who,t,v,u", *rows]) + "\n")
    return file


def test_predict_with_state_answers_each_step_of_a_sequence_from_its_first(
    model, panel
):
    folder, answer = model()
    for batch_size in (1, 3):
        table, notes = predict.predict(
            folder, panel, stateful=True, network=1, batch_size=batch_size
        )
        assert table["who"].tolist() == ["b", "b", "b", "a", "a"]
        assert table["t"].tolist() == ["5", "7", "9", "1", "2"]
        paths = [(2,), (2, 0), (2, 0, 3), (4,), (4, 1)]
        p = [answer(*rows).item() for rows in paths]
        np.testing.assert_allclose(table["probability_yes"], p, atol=1e-6)
        np.testing.assert_allclose(table["probability_no"], 1 - np.array(p), atol=1e-6)
        said = ["yes" if each > 0.5 else "no" for each in p]
        assert table["prediction"].tolist() == said and len(set(said)) == 2
        assert notes == [
            "rows that were not in order of time within their sequence, and have been "
            "sorted: 4"
        ]


def test_predict_answers_a_sequence_shorter_than_a_segment(model, panel):
    folder, answer = model({"layout": "per_timestep", "segment_length": 7})
    for stateful in (True, False):
        table, _ = predict.predict(folder, panel, stateful=stateful, network=1)
        p = [answer(*rows).item() for rows in [(2,), (2, 0), (2, 0, 3), (4,), (4, 1)]]
        np.testing.assert_allclose(table["probability_yes"], p, atol=1e-6)


def test_predict_without_state_begins_anew_with_each_segment(model, panel):
    folder, answer = model()
    table, _ = predict.predict(folder, panel, stateful=False, network=1)
    p = [answer(*rows).item() for rows in [(2,), (2, 0), (3,), (4,), (4, 1)]]
    np.testing.assert_allclose(table["probability_yes"], p, atol=1e-6)


def test_predict_resets_state_as_often_as_training_did(model, panel):
    folder, answer = model(reset="every_2")
    table, _ = predict.predict(folder, panel, stateful=True, network=1)
    assert table["probability_yes"][2] == pytest.approx(answer(3).item(), abs=1e-6)
    folder, answer = model(reset="never")
    table, notes = predict.predict(folder, panel, stateful=True, network=1)
    assert notes[-1].startswith("state begins with zeros in each sequence, where")
    assert table["probability_yes"][4] == pytest.approx(answer(4, 1).item(), abs=1e-6)


def test_predict_of_windows_counts_sequences_that_are_too_short(model, panel):
    layout = {"layout": "subsampled", "window_length": 3, "stride": 1}
    folder, answer = model(layout, classes=None, head="regression")
    table, notes = predict.predict(folder, panel, stateful=False, network=1)
    assert table["who"].tolist() == ["b"] and table["t"].tolist() == ["9"]
    assert table["prediction"][0] == pytest.approx(answer(2, 0, 3).item(), abs=1e-6)
    assert notes[-1] == (
        "sequences, or parts of them, that are shorter than a window of 3 steps, and "
        "have no sample: 1 of 2"
    )


VALUES = {"classes": None, "head": "regression"}


def with_intervals(folder, errors):
    """Calibrate both networks of a model, the second on twice the errors."""
    predictions = np.array([errors, 2 * np.array(errors)])
    calibration = prediction_intervals.calibrate(predictions, np.zeros(len(errors)))
    prediction_intervals.write(folder, calibration)


def test_predict_adds_intervals_of_the_network(model, panel):
    folder, _ = model(**VALUES)
    with_intervals(folder, [0.25, 4.0, 1.0, 2.0])
    for network, radius in ((0, 2.0), (1, 4.0)):
        table, _ = predict.predict(
            folder, panel, stateful=True, network=network, coverage=0.6
        )
        assert table.columns.tolist() == ["who", "t", "prediction", "lower", "upper"]
        np.testing.assert_allclose(table["lower"], table["prediction"] - radius)
        np.testing.assert_allclose(table["upper"], table["prediction"] + radius)


def test_intervals_of_forecasts_follow_errors_within_the_file(model, panel):
    """Feature u is forecast by a step, and the errors known by then are in the file."""
    folder, _ = model(**VALUES, forecast={"feature": 0, "horizon": 1})
    with_intervals(folder, [0.001, 0.002, 0.003, 0.004])  # hardly any
    table, _ = predict.predict(folder, panel, stateful=True, coverage=0.6)
    radius = ((table["upper"] - table["lower"]) / 2).to_numpy()
    grown = 0.003 * np.exp(0.2 * 0.6 * np.array([0, 1, 2, 0, 1]))  # b is three steps
    np.testing.assert_allclose(radius, grown, rtol=1e-3)


def test_a_coverage_that_there_are_too_few_errors_for_is_one_line(model, panel):
    folder, _ = model(**VALUES)
    with_intervals(folder, [1, 2, 3, 4])
    with pytest.raises(UserError, match="must be at most 0.8, as 4 errors on valid"):
        predict.predict(folder, panel, stateful=True, coverage=0.9)
    folder, _ = model()
    shutil.rmtree(folder / prediction_intervals.FOLDER)
    with pytest.raises(UserError, match="must be none for classes.*Received: 0.9"):
        predict.predict(folder, panel, stateful=True, coverage=0.9)


def test_predict_says_whose_predictions_they_are(model, panel):
    layout = {"layout": "subsampled", "window_length": 2, "stride": 1}
    folder, _ = model(layout=layout, variant="lookback 2")
    _, notes = predict.predict(folder, panel, stateful=False, network=1)
    assert notes[-1] == (
        "predicted by the variant `lookback 2`, which was better on validation than "
        "what is in use"
    )


def test_predict_of_sequences_has_a_line_for_each(model, panel):
    folder, _ = model()
    each_step, _ = predict.predict(folder, panel, stateful=True)
    table, _ = predict.predict(folder, panel, stateful=True, row="sequence")
    assert table["t"].tolist() == ["9", "2"]
    assert (table.to_numpy() == each_step.to_numpy()[[2, 4]]).all()


def test_predict_of_arrays_numbers_sequences_and_steps(model, tmp_path):
    folder, answer = model(classes=("a", "b", "c"), head="multiclass", outputs=3)
    x = np.stack([X[[2, 0, 3]], X[[4, 1, 1]]])
    np.savez(tmp_path / "new.npz", x=x, lengths=[3, 2])
    table, _ = predict.predict(folder, tmp_path / "new.npz", stateful=True, network=1)
    assert table["sequence"].tolist() == [0, 0, 0, 1, 1]
    assert table["step"].tolist() == [0, 1, 2, 0, 1]
    names = [f"probability_{name}" for name in "abc"]
    np.testing.assert_allclose(table[names].iloc[4], answer(4, 1), atol=1e-6)
    assert table["prediction"][4] == "abc"[answer(4, 1).argmax()]


def test_predict_says_what_a_model_or_a_file_lacks(model, panel, tmp_path):
    with pytest.raises(UserError, match="holds no model. Run `dvc repro` to train it"):
        predict.predict(tmp_path, panel, stateful=True)
    folder, _ = model()
    with pytest.raises(UserError, match="new.doc: must end in one of .csv, .csv.gz, "):
        predict.predict(folder, tmp_path / "new.doc", stateful=True)
    with pytest.raises(UserError, match="old.csv: must be a file that is there"):
        predict.predict(folder, tmp_path / "old.csv", stateful=True)
    np.savez(tmp_path / "wide.npz", x=np.zeros((1, 4, 5)))
    with pytest.raises(UserError, match="takes sequences of 2 features. Received: 5"):
        predict.predict(folder, tmp_path / "wide.npz", stateful=True)
    known = json.loads((folder / "data.json").read_text())
    del known["read"]
    (folder / "data.json").write_text(json.dumps(known))
    with pytest.raises(UserError, match="has learnt from a generated task, which has"):
        predict.predict(folder, panel, stateful=True)
