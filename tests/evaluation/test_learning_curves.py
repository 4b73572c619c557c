import numpy as np
import pandas as pd
from evaluations import mode_scores

from statelab.evaluation import learning_curves


def test_learning_curves_are_the_mean_and_the_range_of_the_seeds_still_training():
    history = pd.DataFrame(
        {
            "seed": [0, 1, 2, 0, 2],  # seed 1 has stopped after one epoch
            "epoch": [1, 1, 1, 2, 2],
            "accuracy": [0.1, 0.1, 0.1, 0.1, 0.1],
            "test_accuracy": [0.25, 0.5, 0.75, 0.5, 0.75],
        }
    )
    scored = {
        mode: mode_scores(ceiling={"accuracy": best}, constant={"accuracy": 0.25})
        for mode, best in (("stateless", None), ("stateful", 0.875))
    }
    table = learning_curves.table(dict.fromkeys(scored, history), scored)
    expected = pd.DataFrame(
        {
            "mode": ["stateless", "stateless", "stateful", "stateful"],
            "score": "accuracy",
            "epoch": [1, 2, 1, 2],
            "mean": [0.5, 0.625, 0.5, 0.625],
            "lowest": [0.25, 0.5, 0.25, 0.5],
            "highest": 0.75,
            "ceiling": [np.nan, np.nan, 0.875, 0.875],
            "baseline": 0.25,
        }
    )
    pd.testing.assert_frame_equal(table, expected)


def test_learning_curves_of_values_are_of_mae_which_has_no_ceiling_and_no_baseline():
    history = pd.DataFrame(
        {"seed": [0, 1], "epoch": 1, "mae": 9.0, "test_mae": [1.0, 4.0]}
    )
    scored = {"stateful": mode_scores(ceiling={"rmse": None}, constant={"rmse": 2.0})}
    (row,) = learning_curves.table({"stateful": history}, scored).to_dict("records")
    assert (row["score"], row["mean"], row["lowest"], row["highest"]) == (
        *("mae", 2.5, 1.0, 4.0),
    )
    assert np.isnan(row["ceiling"]) and np.isnan(row["baseline"])
