import keras
import numpy as np
import planted_pairs
import pytest
from keras import layers
from planted import pairs_by_users

from statelab.diagnosis.findings import QUESTIONS
from statelab.diagnosis.model import findings
from statelab.errors import UserError


def diagnose(folder, model, arrays):
    model.save(folder / "model.keras")
    np.savez(folder / "data.npz", **arrays)
    return list(findings(folder / "model.keras", folder / "data.npz"))


@pytest.mark.parametrize(
    "planted, faults",
    [*planted_pairs.BROKEN.items(), *((pair, set()) for pair in planted_pairs.SOUND)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_fault_is_named_and_no_other(planted, faults, tmp_path):
    result = diagnose(tmp_path, *planted())
    assert [finding.name for finding in result] == list(QUESTIONS)
    failed = {finding.name: finding for finding in result if finding.passed is False}
    assert set(failed) == faults, failed
    assert all(bool(finding.repair) == (finding.name in faults) for finding in result)


# by somebody who has not read the probes
BY_USERS = [
    *((name, *pair) for name, pair in pairs_by_users.BROKEN.items()),
    *((name, pair, set()) for name, pair in pairs_by_users.SOUND.items()),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pair, faults",
    [(pair, faults) for _, pair, faults in BY_USERS],
    ids=[name for name, _, _ in BY_USERS],
)
def test_what_users_bring_is_judged_as_they_say(pair, faults, tmp_path):
    result = diagnose(tmp_path, *pair())
    assert {finding.name for finding in result if finding.passed is False} == faults


def test_steps_are_whole_numbers(tmp_path):
    pair = planted_pairs.pieces_of_each_sequence_one_after_another_in_batches_of_two()
    contiguity = diagnose(tmp_path, *pair)[1]
    assert contiguity.where.startswith(
        "batch 0, lane 1: reads sequence 0 from step 3, after nothing of it; 6 of 8 "
    )


def _small():
    return keras.Sequential([keras.Input((3, 2)), layers.LSTM(2)])


X = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
Y = np.float32([0, 1, 1, 0])
BAD = {
    "holds no x": ({"X": X, "y": Y}, "must hold `x` [n, timesteps, features] and `y`"),
    "rank": ({"x": X[..., 0], "y": Y}, "`x` must be [n, timesteps, features] as the "),
    "features": ({"x": X[..., :1].repeat(3, 2), "y": Y}, "[n, 3, 2]. Received: shape"),
    "y is short": ({"x": X, "y": Y[:3]}, "`y` must have one entry for each of the 4"),
    "no number": (
        {"x": np.where(X == 7, np.nan, X), "y": Y},
        "`x` must be finite. Received: nan at [1, 0, 1]",
    ),
    "text": ({"x": X.astype(str), "y": Y}, "`x` must be numbers. Received: dtype <U"),
    "objects": ({"x": X.astype(object), "y": Y}, "Received: an object array"),
    "ids": (
        {"x": X, "y": Y, "sequence_id": np.arange(5)},
        "`sequence_id` must have one entry for each of the 4 rows",
    ),
    "x_val": ({"x": X, "y": Y, "x_val": X[0]}, "`x_val` must be [n, timesteps, feat"),
    "y_val": (
        {"x": X, "y": Y, "x_val": X[:2], "y_val": Y},
        "`y_val` must have one entry for each of the 2 rows of `x_val`",
    ),
}


@pytest.mark.parametrize("arrays, message", BAD.values(), ids=BAD)
def test_data_that_cannot_be_used_is_refused_in_one_line(arrays, message, tmp_path):
    with pytest.raises(UserError) as error:
        diagnose(tmp_path, _small(), arrays)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'data.npz'}: ")


def test_a_model_that_is_handed_its_state_is_refused_in_one_line(tmp_path):
    x, state = keras.Input((3, 2)), keras.Input((4,))
    model = keras.Model([x, state], layers.GRU(4)(x, initial_state=state))
    with pytest.raises(UserError, match="must take one input, `x`.*Received: 2 inputs"):
        diagnose(tmp_path, model, {"x": X, "y": Y})


def test_symbols_beyond_a_vocabulary_are_refused_in_one_line(tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.Embedding(4, 2), layers.GRU(3)])
    symbols = np.array([[0, 1, 2], [3, 2, 9]])
    with pytest.raises(
        UserError, match="`x` must be what the model can predict"
    ) as got:
        diagnose(tmp_path, model, {"x": symbols, "y": np.array([0, 1])})
    assert "\n" not in str(got.value)


def test_one_array_is_no_archive(tmp_path):
    model, data = tmp_path / "model.keras", tmp_path / "data.npz"
    _small().save(model)
    with data.open("wb") as stream:
        np.save(stream, X)
    with pytest.raises(UserError, match="must be an .npz of arrays of numbers"):
        list(findings(model, data))


@pytest.mark.parametrize("what", [None, b"no model", b""])
def test_a_file_that_is_no_model_or_no_archive_is_refused_in_one_line(what, tmp_path):
    model, data = tmp_path / "model.keras", tmp_path / "data.npz"
    for file in (model, data):
        if what is not None:
            file.write_bytes(what)
        with pytest.raises(UserError) as error:
            list(findings(model, data))
        assert str(error.value).startswith(f"{file}: ")
        assert "\n" not in str(error.value)
        _small().save(model)
