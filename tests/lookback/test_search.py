"""The logic of a search, on scores that are known; trials are trained elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from statelab.lookback import decision, search
from statelab.lookback.decision import COMPLETE, PRUNED, Outcome, Rule
from statelab.lookback.search import Space
from statelab.lookback.trials import Trial

RULE = Rule("accuracy", 0.01)
SEEDS, PARTS = 6, 20
WINDOWS = Space(1, 80, [1], [None], ["sample"], [10], [0.02])


class Known:
    """Carries trials out by a function of their settings, and remembers them."""

    def __init__(self, score, early=None):
        self.score, self.early = score, early
        self.asked = []

    def __call__(self, trials, phase, group, hopeless):
        outcomes = []
        for nth, trial in enumerate(trials):
            self.asked.append((phase, group, trial))
            scores, state = np.asarray(self.score(trial)), COMPLETE
            first = np.asarray((self.early or self.score)(trial))
            if self.early and hopeless is not None and hopeless(nth, first):
                scores, state = first, PRUNED
            parts = np.linspace(-0.001, 0.001, PARTS) + scores.mean()
            outcomes.append(
                Outcome(
                    *(phase, group, *trial, state, 100),
                    *(first.tolist(), scores.tolist(), parts.tolist(), {}, "here"),
                )
            )
        return lambda: outcomes


def spread(score):
    return score + np.arange(SEEDS) / 1e4


def peak(boundary):
    """Below it half is right; from it on, the less the longer."""

    def score(trial):
        beyond = trial.window_length - boundary
        if trial.reset != "sample" or beyond < 0:
            return spread(0.5)
        return spread(0.5 + 0.5 * np.exp(-beyond / 4) + 0.1 * np.exp(-beyond / 40))

    return score


def run(space, carry, trials=10, seed=0, group=4):
    return search.search(space, carry, trials=trials, group=group, seed=seed, rule=RULE)


def smallest(outcomes, low=1):
    return decision.judge(outcomes, RULE, low).smallest.window_length


@given(boundary=st.integers(2, 80), seed=st.integers(0, 99))
@hypothesis_settings(max_examples=30)
def test_a_step_is_found_wherever_it_is(boundary, seed):
    """From the boundary on all is right: no window below it will do."""
    carry = Known(
        lambda t: (
            spread(0.5 if t.window_length < boundary else 0.9)
            if t.reset == "sample"
            else spread(0.7)
        )
    )
    outcomes = run(WINDOWS, carry, seed=seed)
    assert smallest(outcomes) == boundary
    assert len(outcomes) <= WINDOWS.grid_size / 3


@pytest.mark.parametrize("boundary", [3, 11, 24, 41, 65, 79])
def test_a_peak_is_found_with_a_third_of_the_grid(boundary):
    outcomes = run(WINDOWS, Known(peak(boundary)), seed=boundary)
    assert smallest(outcomes) == boundary
    assert len(outcomes) <= WINDOWS.grid_size / 3


def test_a_window_at_which_networks_failed_is_looked_below():
    """9 of 20 were not learned, though from 7 on there is all to see."""

    def score(trial):
        window = trial.window_length
        return spread(0.5 if window < 7 else 0.8 if window == 9 else 1.0)

    space = WINDOWS._replace(high=20)
    outcomes = run(space, Known(score), trials=4, group=2)
    assert 9 in [each.window_length for each in outcomes]
    assert smallest(outcomes) == 7


def test_the_same_seed_gives_the_same_trials_in_whatever_order_they_end():
    class Backwards(Known):
        def __call__(self, trials, phase, group, hopeless):
            order = list(range(len(trials)))[::-1]
            found = super().__call__(
                [trials[n] for n in order],
                phase,
                group,
                hopeless and (lambda nth, scores: hopeless(order[nth], scores)),
            )()[::-1]
            return lambda: found

    early = peak(30)
    one, two = (
        run(WINDOWS, kind(peak(30), early), trials=16, seed=5)
        for kind in (Known, Backwards)
    )
    assert one == two
    assert any(each.state == PRUNED for each in one)
    assert run(WINDOWS, Known(peak(30), early), trials=16, seed=6) != one


@given(st.integers(1, 20))
@hypothesis_settings(max_examples=10)
def test_trials_that_are_looked_up_are_judged_by_as_if_carried_out(count):
    """Whether they are hopeless nobody asks, but others are compared to them."""
    carry = Known(peak(30), peak(30))
    whole = run(WINDOWS, carry, trials=16, seed=5)
    known = {(each.phase, Trial(*each[2:8])): each for each in whole}
    kept = [known[phase, trial] for phase, _, trial in carry.asked][:count]

    class GoesOn(Known):
        def __call__(self, trials, phase, group, hopeless):
            told = {each: known.get((phase, each)) for each in trials}
            left = [each for each in trials if told[each] not in kept]
            judge = hopeless and (lambda n, s: hopeless(trials.index(left[n]), s))
            new = super().__call__(left, phase, group, judge)()
            outcomes = list((told | dict(zip(left, new, strict=True))).values())
            return lambda: outcomes

    assert run(WINDOWS, GoesOn(peak(30), peak(30)), trials=16, seed=5) == whole


def test_trials_are_asked_in_groups_and_once():
    carry = Known(peak(2))
    outcomes = run(WINDOWS._replace(high=6), carry, trials=8, group=3)
    groups = [group for phase, group, _ in carry.asked if phase == "optimise"]
    assert max(groups) == 2 and max(np.bincount(groups)) <= 3
    trials = [trial for _, _, trial in carry.asked]
    assert len(set(trials)) == len(trials) == len(outcomes)


def test_carried_state_is_set_beside_windows_unless_it_is_searched():
    first, *others = run(WINDOWS, Known(peak(9)))
    assert (first.phase, first.reset, first.window_length) == (
        "stateful",
        "sequence",
        80,
    )
    assert all(each.reset == "sample" for each in others)
    space = WINDOWS._replace(reset=["sample", "every_40"])
    searched = run(space, Known(peak(9)))
    assert {each.reset for each in searched} == {"sample", "every_40"}
    assert all(each.phase != "stateful" for each in searched)
    assert smallest(searched) == 9


def test_windows_are_not_given_up_for_what_carried_state_does():
    space = WINDOWS._replace(high=40, reset=["sample", "every_20"])

    def score(trial):
        return spread(0.99 if trial.reset != "sample" else 0.5)

    outcomes = run(space, Known(score, score), trials=16)
    assert any(each.reset == "every_20" for each in outcomes)
    assert all(each.state == COMPLETE for each in outcomes)


def test_every_combination_counts_for_the_grid_and_bisection_keeps_to_one():
    space = Space(3, 12, [1, 2], [None, 4], ["sample"], [5, 7], [0.1])
    assert space.grid_size == 10 * 2 * 2 * 2
    outcomes = run(space, Known(lambda t: spread(min(t.window_length, 7) / 10)))
    bisected = [each for each in outcomes if each.phase == "bisect"]
    assert len({each.family for each in bisected}) == 1
    assert smallest(outcomes, low=3) == 7


def test_errors_are_better_the_smaller_they_are():
    rule = Rule("rmse", 0.1)
    carry = Known(lambda t: spread(9.0 - 4 * (t.window_length >= 30)))
    outcomes = search.search(WINDOWS, carry, trials=8, group=4, seed=1, rule=rule)
    assert decision.judge(outcomes, rule, 1).smallest.window_length == 30
