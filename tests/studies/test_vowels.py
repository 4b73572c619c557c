import numpy as np
import pandas as pd
import pytest

from statelab.config import schema
from statelab.data.sequences import SPLITS
from statelab.networks.scores import accuracy
from statelab.studies import vowels


@pytest.fixture
def table(tmp_path):
    """Utterances of two and three steps, of three speakers; four train, three test."""
    rows = [
        (f"u{number}", step, speaker, 10.0 * speaker + step, -speaker, split)
        for number, (speaker, split) in enumerate(
            [(1, "test"), (1, "train"), (2, "train"), (3, "train"), (3, "train")]
            + [(2, "test"), (3, "test")]
        )
        for step in range(2 + number % 2)
    ]
    file = tmp_path / "vowels.csv"
    columns = ["id", "time", "target", "c1", "c2", "split"]
    pd.DataFrame(rows, columns=columns).to_csv(file, index=False)
    return file


def test_ensembles_predict_the_mean_of_their_members():
    probability = np.array(
        [  # two samples of three classes, by four networks
            [[0.6, 0.4, 0.0], [0.2, 0.8, 0.0]],
            [[0.1, 0.2, 0.7], [0.3, 0.5, 0.2]],
            [[0.0, 1.0, 0.0], [0.9, 0.0, 0.1]],
            [[0.8, 0.1, 0.1], [0.0, 0.6, 0.4]],
        ]
    )
    mean = vowels.ensembles(probability, 2)
    np.testing.assert_allclose(mean[0], [[0.35, 0.3, 0.35], [0.25, 0.65, 0.1]])
    np.testing.assert_allclose(mean[1], [[0.4, 0.55, 0.05], [0.45, 0.3, 0.25]])
    # the second ensemble is right of the first sample alone
    assert accuracy(mean[1:], np.array([1, 1])).tolist() == [0.5]


def test_settings_are_those_of_the_example_with_the_split_of_the_file(table):
    made = vowels.sections(table)
    assert made["window"]["split"] == "given"
    schema.check({"seed": 0, **made})


def test_networks_train_on_what_the_file_says_and_are_scored_on_its_test(
    table, monkeypatch
):
    seen = []
    train = vowels.trainer.train

    def spy(sequences, windows, *others, **options):
        seen.append(windows.split.tolist())
        return train(sequences, windows, *others, **options)

    monkeypatch.setattr(vowels.trainer, "train", spy)
    single = vowels.scores(table, runs=4, epochs=1)
    in_pairs = vowels.scores(table, members=2, runs=2, epochs=1)
    train_code, test_code = SPLITS["train"], SPLITS["test"]
    assert seen[0] == [test_code, *[train_code] * 4, test_code, test_code]
    assert single.shape == (4,) and in_pairs.shape == (2,)
    assert set(np.append(single, in_pairs) * 3) <= {0, 1, 2, 3}  # of three utterances
