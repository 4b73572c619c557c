"""The decision of a search, out of the scores of a few trials."""

import json

import numpy as np
import project_params
import pytest
from small_trials import trial

from statelab.errors import UserError
from statelab.lookback import decision, search_result
from statelab.lookback.decision import Rule
from statelab.lookback.outcomes import PRUNED
from statelab.lookback.search_result import Searched

RULE = Rule("accuracy", 0.01)


def test_not_worse_is_shown_by_seeds_and_by_parts():
    best = trial(9, 0.9)
    assert decision.not_worse(best, best, RULE)
    assert decision.not_worse(trial(5, 0.895), best, RULE)
    assert not decision.not_worse(trial(5, 0.88), best, RULE)
    # the mean differs by 0.005, but its interval over six seeds reaches far beyond 0.01
    wide = [0.85, 0.95, 0.83, 0.96, 0.87, 0.91]
    assert not decision.not_worse(trial(5, wide, best.parts), best, RULE)
    assert not decision.not_worse(trial(5, best.scores, wide), best, RULE)


def test_worse_is_shown_and_matters():
    best = trial(9, 0.9)
    assert decision.worse(trial(5, 0.88), best, RULE)  # p is 1/32, of either
    assert not decision.worse(trial(5, 0.895), best, RULE)  # less than the margin
    # of four parts that all differ, signs at random are as far off one time in eight
    few = trial(5, 0.88, [0.88] * 4), best._replace(parts=[0.9] * 4)
    assert not decision.worse(*few, RULE)


def test_one_seed_is_judged_by_its_mean():
    best = trial(9, [0.9], [0.9])
    assert decision.not_worse(trial(5, [0.895], [0.895]), best, RULE)
    assert not decision.not_worse(trial(5, [0.88], [0.88]), best, RULE)
    assert not decision.worse(trial(5, [0.1], [0.1]), best, RULE)  # it cannot be shown


def test_pruned_trials_and_those_with_carried_state_are_no_windows():
    outcomes = [
        trial(4, 0.5),
        trial(5, 0.95, state=PRUNED),
        trial(6, 0.99, reset="sequence"),
        trial(7, 0.9),
    ]
    judged = decision.judge(outcomes, RULE, low=1)
    assert judged.best.window_length == judged.smallest.window_length == 7


def test_the_longest_worse_window_is_of_the_same_settings():
    others, best = trial(5, 0.5), trial(7, 0.9)
    assert decision.judge([others, best], RULE, low=2).worse_below == 5
    assert (
        decision.judge([others._replace(units=3), best], RULE, low=2).worse_below == 1
    )


SEARCHED = Searched(
    low=1,
    high=9,
    grid_size=9,
    scored_steps=40,
    longest_sequence=12,
    baselines={"constant": 0.5},
)


def result_of(outcomes, searched=SEARCHED):
    result = search_result.summary(outcomes, RULE, searched)
    return {**result, "text": search_result.in_words(result)}


PARTS = [[0.5, 0.4, 0.5, 0.6, 0.5, 0.5], [0.9, 0.8, 0.9, 0.9, 0.95, 0.9]]
TRIALS = [
    trial(9, 0.7, PARTS[0], reset="sequence", phase="stateful"),
    trial(3, 0.5, PARTS[0]),
    trial(9, 0.9, PARTS[1]),
    trial(6, 0.8997, PARTS[1]),
    trial(5, [0.85, 0.95, 0.83, 0.96, 0.87, 0.91], PARTS[1]),
    trial(2, 0.4, PARTS[0], state=PRUNED),
]


def test_the_summary_holds_the_contract():
    result = result_of(TRIALS)
    expected = {
        "smallest": 6,
        "best": 9,
        "low": 1,
        "high": 9,
        "smallest_that_may_do": 5,  # its interval is too wide to tell
        "stateful_score": pytest.approx(0.70025),  # 0.7 and 0 to 5 ten-thousandths
        "trials": 6,
        "pruned": 1,
        "grid_size": 9,
    }
    assert {name: result[name] for name in expected} == expected
    # the error of the best is sqrt(3.5e-8 / 6) = 7.6e-5, and 6 is 3e-4 below it
    assert result["one_standard_error"] == 9
    assert result["settings"]["window_length"] == 6
    assert result["best_is_better_by"]["over_seeds"]["mean"] == pytest.approx(0.0003)


def test_the_words_say_what_is_uncertain():
    text = result_of(TRIALS)["text"]
    assert text.startswith(
        "A window of 6 steps is enough: it is not worse than the best"
    )
    assert "One of 5 steps may do as well: these seeds cannot tell." in text
    assert "With carried state: 0.700" in text
    assert "Without a network: 0.5000 constant prediction." in text
    assert "6 trials in place of 9" in text
    longest = result_of(TRIALS[:3])["text"]
    assert "It is the longest searched: a longer one may do better." in longest
    whole = result_of(TRIALS[:3], SEARCHED._replace(longest_sequence=9))["text"]
    assert "a longer one" not in whole


def test_the_curve_has_the_best_of_each_window():
    curve = search_result.curve(
        [*TRIALS, trial(3, 0.6)], RULE, {3: 0.6, 5: None, 6: 1, 9: 1}
    )
    assert curve["window_length"].tolist() == [3, 5, 6, 9]
    assert curve["mean"].tolist()[0] == pytest.approx(0.60025)
    assert curve["against_best"].tolist() == [
        "worse",
        "cannot tell",
        "not worse",
        "best",
    ]
    assert np.isnan(curve["ceiling"][1]) and curve["ceiling"][0] == 0.6


def test_the_trials_are_the_same_as_json():
    trials = search_result.records([*TRIALS, trial(4, 0.5, gradient_window=2)])
    windows = [record["gradient_window"] for record in trials]
    assert windows == [None] * 6 + [2]
    assert [record["seconds_train"] for record in trials] == [2.0] * 7
    assert json.loads(json.dumps(trials)) == trials
    assert trials[1]["scores"] == TRIALS[1].scores


def test_adopting_the_window_makes_as_many_updates():
    search_params = project_params.search_params({"clipnorm": None, "updates": 1500})
    settings = result_of(TRIALS)["settings"]
    keys = search_result.adopt(settings, search_params, samples=6400)
    assert keys["train_stateless.epochs"] == 8  # of 200 batches
    assert keys["window.layout"] == "subsampled" and keys["window.window_length"] == 6
    assert keys["model.forget_bias"] == "chrono_6"
    assert keys["train_stateless.clipnorm"] is None


def test_where_every_trial_is_pruned_the_learning_rate_is_named():
    with pytest.raises(UserError, match=r"`search.learning_rate` .*: \[0.02\]"):
        decision.judge([trial(3, 0.5, state=PRUNED)], RULE, low=1)
