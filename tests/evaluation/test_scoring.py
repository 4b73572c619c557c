import numpy as np
import pandas as pd
from small_windows import three_sequences

from statelab.evaluation import scoring


def test_seed_scores_tell_final_train_and_running_accuracy_apart():
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
