import numpy as np
import pandas as pd
from small_windows import three_sequences

from statelab.data.sequences import Sequences
from statelab.evaluation import scoring
from statelab.samples.windows import make_windows


def test_last_steps_have_a_score_of_their_own_from_thirty_sequences_on():
    for sequences, expected in ((29, {"", "train_"}), (30, {"", "final_", "train_"})):
        offsets = np.arange(sequences + 2)
        data = Sequences(np.zeros((sequences + 1, 1), np.float32), offsets, offsets[1:])
        split = np.int8([0] + [2] * sequences)
        table = make_windows(offsets, split, layout="full")
        assert scoring.scored_groups(data, table).keys() == expected


def test_seed_scores_tell_final_train_and_running_accuracy_apart(monkeypatch):
    monkeypatch.setattr(scoring, "FINAL", 2)
    # two seeds; train is answered 0 0 and 1 0, for 0; test 0 1 0 0 and 1 0 1 1,
    # for 1 1 0 0
    task, table = three_sequences()
    probability = np.float32(
        [[0.1, 0.2, 0.3, 0.9, 0.2, 0.1], [0.8, 0.2, 0.7, 0.4, 0.6, 0.9]]
    )
    history = pd.DataFrame(
        {"seed": [4, 5, 4, 5], "epoch": [1, 1, 2, 2], "accuracy": [0, 0, 0.6, 0.7]}
    )
    scored = scoring.seed_scores(probability, task, table, history)
    assert scored["seed"].tolist() == [4, 5]
    assert scored["accuracy"].tolist() == [0.75, 0.25]
    assert scored["final_accuracy"].tolist() == [1.0, 0.0]
    assert scored["train_accuracy"].tolist() == [1.0, 0.5]
    assert scored["running_accuracy"].tolist() == [0.6, 0.7]
