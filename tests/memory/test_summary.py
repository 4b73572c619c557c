import numpy as np
import pandas as pd
import pytest

from statelab.memory import summary, summary_text

MEASURED = pd.DataFrame(
    {
        "seed": [0, 0, 0, 1, 1, 1],
        "lag": [0, 1, 2, 0, 1, 2],
        "last": [0, 1, 4, 0, 1, 4],
        "predictions": [9, 8, 6, 9, 8, 6],
        "change": [0.5, 0.25, 0.0, 0.25, 0.75, 0.1],
        "slope": [3.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    }
)


def test_the_summary_is_of_the_mean_and_of_single_networks():
    of_mode = summary.of_mode(MEASURED)
    assert of_mode["predictions"] == 9
    assert of_mode["change"] == {
        "memory": 4,  # 0.05 is a tenth of 0.5
        "shortest": 1,
        "longest": 4,
        "peak": 1,
        "largest": 0.5,
    }
    assert of_mode["slope"]["memory"] == 0 and of_mode["slope"]["largest"] == 2.0


def test_what_changes_nothing_has_no_memory():
    still = MEASURED.assign(change=[0.0, 2e-3, 0, 0, 1e-3, 0])
    assert summary.of_mode(still)["change"]["memory"] == 1
    of_mode = summary.of_mode(still, spread=2.0)  # of values, 0.0015 of 2 is nothing
    assert of_mode["change"]["memory"] is None
    assert of_mode["change"]["peak"] is None


def test_by_lag_has_the_mean_and_the_range_of_networks():
    table = summary.by_lag({"stateful": MEASURED})
    line = table.query("measure == 'change' and lag == 2").iloc[0]
    assert line["mode"] == "stateful" and line["last"] == 4
    assert line[["mean", "lowest", "highest"]].tolist() == [0.05, 0.0, 0.1]


def warmed_up(**scores):
    return pd.DataFrame(
        [
            {"burn_in": burn_in, "seed": seed, "score": score}
            for burn_in, by_seed in zip([np.nan, 0, 1, 2], scores.values(), strict=True)
            for seed, score in enumerate(by_seed)
        ]
    )


@pytest.mark.parametrize(
    ("score", "carried", "one", "two", "enough"),
    [
        ("accuracy", 0.9, 0.885, 0.895, 2),
        ("accuracy", 0.9, 0.95, 0.5, 1),
        ("accuracy", 0.9, 0.8, 0.8, None),
        ("rmse", 50.0, 50.6, 50.4, 2),
        ("rmse", 0.0, 0.5, 0.0, 2),
    ],
)
def test_the_shortest_burn_in_that_is_as_good_as_carrying(
    score, carried, one, two, enough
):
    worst = 99.0 if score == "rmse" else 0.25
    table = warmed_up(
        carried=[carried, carried], zero=[worst, worst], one=[one, one], two=[two, two]
    )
    warm_up = summary.of_warm_up(table, score)
    assert warm_up["as_good_as_carrying"] == enough
    assert warm_up["zero_state"]["mean"] == worst
    assert warm_up["burn_in"]["2"] == {
        **{"mean": two, "std": 0.0, "low": two, "high": two, "n": 2}
    }


def test_sentences_say_how_far_back_and_what_a_burn_in_is_worth():
    summaries = {
        "stateless": summary.of_mode(MEASURED.assign(change=0.0)),
        "stateful": summary.of_mode(MEASURED),
        "warm_up": summary.of_warm_up(
            warmed_up(carried=[0.75], zero=[0.5], one=[0.75], two=[0.625]), "accuracy"
        ),
    }
    assert summary_text.in_words(summaries) == {
        "stateless": "stateless networks predict the same whatever they have read",
        "stateful": (
            "stateful networks look back 4 steps (single ones 1 to 4); they depend "
            "most on the input 1 step back: another value there changes their "
            "predictions by 0.5000 on average"
        ),
        "warm_up": (
            "stateful networks by what their state begins with, accuracy: a state of "
            "zeros 0.5000, a burn-in of 2 steps 0.6250, carried state 0.7500; a "
            "burn-in of 1 step is as good as carrying"
        ),
    }
