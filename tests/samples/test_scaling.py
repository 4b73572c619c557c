import numpy as np
import pytest

from statelab.data.sequences import SPLITS, Sequences
from statelab.samples import scaling
from statelab.samples.windows import Windows, make_windows

TRAIN, VALIDATION, TEST = SPLITS.values()


def table(sequences: Sequences, *split: int) -> Windows:
    sizes = {"window_length": 1, "stride": 1, "segment_length": 1}
    codes = np.int8(split)
    return make_windows(sequences.offsets, codes, layout="per_timestep", **sizes)


@pytest.mark.parametrize("at_once", [2, 3, 100])
def test_fit_sees_the_steps_of_the_train_split_alone(monkeypatch, at_once):
    monkeypatch.setattr(scaling, "STEPS_AT_ONCE", at_once)
    values = np.float32([[1, 5], [99, 9], [98, 8], [3, 5], [8, 5], [-70, 6]])
    targets = np.float32([2, 50, 60, np.nan, 6, 70])
    sequences = Sequences(values, np.array([0, 1, 3, 5, 6]), targets)
    fitted = scaling.fit(sequences, table(sequences, TRAIN, TEST, TRAIN, VALIDATION))
    # 1, 3 and 8: mean 4, variance (9 + 1 + 16) / 3; of targets 2 and 6
    np.testing.assert_allclose(fitted.mean, [4, 5])
    np.testing.assert_allclose(fitted.scale, [np.sqrt(26 / 3), 1], rtol=1e-6)
    assert (fitted.target_mean.tolist(), fitted.target_scale.tolist()) == ([4], [2])


def test_fit_weighs_a_target_of_a_sequence_by_its_steps():
    sequences = Sequences(
        np.zeros((4, 1), np.float32), np.array([0, 3, 4]), np.float32([1, 9])
    )
    fitted = scaling.fit(sequences, table(sequences, TRAIN, TRAIN))
    assert fitted.target_mean.tolist() == [3]


def test_fit_leaves_classes_as_they_are(ragged):
    fitted = scaling.fit(ragged, table(ragged, TRAIN, TRAIN, TEST))
    assert (fitted.target_mean.tolist(), fitted.target_scale.tolist()) == ([0], [1])
    np.testing.assert_allclose(fitted.mean, ragged.values[:8].mean(axis=0), rtol=1e-5)


def test_there_is_no_scaling_where_none_was_written(tmp_path):
    assert scaling.read(tmp_path / "scaling") is None
