import pandas as pd

from statelab.evaluation import scores_text, scoring
from statelab.evaluation.bounds import Bounds
from statelab.evaluation.evaluation import ModeScores


def test_in_words_warns_of_a_score_above_its_ceiling():
    table = pd.DataFrame({"seed": [0], "accuracy": [0.9], "final_accuracy": [0.5]})
    limits = Bounds(
        {"accuracy": 0.5, "final_accuracy": None},
        {"constant": {"accuracy": 0.4, "final_accuracy": 0.25}},
    )
    scored = ModeScores(scoring.intervals(table), *limits)
    lines = scores_text.in_words("stateless", table, scored).splitlines()
    assert lines == [
        "stateless: accuracy 0.9000, ceiling 0.5000; "
        "final_accuracy 0.5000, constant prediction 0.2500; n = 1",
        "stateless: accuracy is ABOVE its ceiling for some seed: something leaks",
    ]
