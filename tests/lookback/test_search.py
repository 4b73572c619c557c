"""The logic of a search, on scores that are given: no trial is trained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from statelab.lookback import decision, search
from statelab.lookback.decision import Rule
from statelab.lookback.outcomes import COMPLETE, PRUNED, Outcome
from statelab.lookback.search import Space

RULE = Rule("accuracy", 0.01)
SEEDS, PARTS = 6, 20
WINDOWS = Space(1, 80, [1], [None], ["sample"], [10], [0.02])


class Scored:
    """Scores trials by a function of their settings, and remembers them."""

    def __init__(self, score, early=None):
        self.score, self.early = score, early
        self.submitted = []

    def __call__(self, trials, phase, group, should_prune):
        outcomes = []
        for nth, trial in enumerate(trials):
            self.submitted.append((phase, group, trial))
            scores, state = np.asarray(self.score(trial)), COMPLETE
            first = np.asarray((self.early or self.score)(trial))
            if self.early and should_prune is not None and should_prune(nth, first):
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


def run(space, submit, trials=10, seed=0, group=4):
    return search.search(
        space, submit, trials=trials, group=group, seed=seed, rule=RULE
    )


def smallest(outcomes, low=1):
    return decision.judge(outcomes, RULE, low).smallest.window_length


@given(boundary=st.integers(2, 80), seed=st.integers(0, 99))
@hypothesis_settings(max_examples=30)
def test_a_step_is_found_wherever_it_is(boundary, seed):
    """From the boundary on all is right: no window below it will do."""
    submit = Scored(
        lambda t: (
            spread(0.5 if t.window_length < boundary else 0.9)
            if t.reset == "sample"
            else spread(0.7)
        )
    )
    outcomes = run(WINDOWS, submit, seed=seed)
    assert smallest(outcomes) == boundary
    assert len(outcomes) <= WINDOWS.grid_size / 3


@pytest.mark.parametrize("boundary", [3, 11, 24, 41, 65, 79])
def test_a_peak_is_found_with_a_third_of_the_grid(boundary):
    outcomes = run(WINDOWS, Scored(peak(boundary)), seed=boundary)
    assert smallest(outcomes) == boundary
    assert len(outcomes) <= WINDOWS.grid_size / 3


def test_a_window_at_which_networks_failed_is_looked_below():
    """9 of 20 were not learned, though from 7 on there is all to see."""

    def score(trial):
        window = trial.window_length
        return spread(0.5 if window < 7 else 0.8 if window == 9 else 1.0)

    space = WINDOWS._replace(high=20)
    outcomes = run(space, Scored(score), trials=4, group=2)
    assert 9 in [outcome.window_length for outcome in outcomes]
    assert smallest(outcomes) == 7


def test_the_same_seed_gives_the_same_trials_in_whatever_order_they_end():
    class Backwards(Scored):
        def __call__(self, trials, phase, group, should_prune):
            order = list(range(len(trials)))[::-1]
            outcomes = super().__call__(
                [trials[n] for n in order],
                phase,
                group,
                should_prune and (lambda nth, scores: should_prune(order[nth], scores)),
            )()[::-1]
            return lambda: outcomes

    early = peak(30)
    one, two = (
        run(WINDOWS, kind(peak(30), early), trials=16, seed=5)
        for kind in (Scored, Backwards)
    )
    assert one == two
    assert any(outcome.state == PRUNED for outcome in one)
    assert run(WINDOWS, Scored(peak(30), early), trials=16, seed=6) != one


@given(st.integers(1, 20))
@hypothesis_settings(max_examples=10)
def test_stored_trials_are_compared_to_as_if_trained(count):
    """They are not pruned again, but others are compared to them."""
    submit = Scored(peak(30), peak(30))
    everything = run(WINDOWS, submit, trials=16, seed=5)
    known = {(outcome.phase, outcome.trial): outcome for outcome in everything}
    stored = [known[phase, trial] for phase, _, trial in submit.submitted][:count]

    class Resumed(Scored):
        def __call__(self, trials, phase, group, should_prune):
            earlier = {trial: known.get((phase, trial)) for trial in trials}
            left = [trial for trial in trials if earlier[trial] not in stored]
            prune = should_prune and (
                lambda n, scores: should_prune(trials.index(left[n]), scores)
            )
            new = super().__call__(left, phase, group, prune)()
            outcomes = list((earlier | dict(zip(left, new, strict=True))).values())
            return lambda: outcomes

    assert run(WINDOWS, Resumed(peak(30), peak(30)), trials=16, seed=5) == everything


def test_trials_are_begun_in_groups_and_once():
    submit = Scored(peak(2))
    outcomes = run(WINDOWS._replace(high=6), submit, trials=8, group=3)
    groups = [group for phase, group, _ in submit.submitted if phase == "optimise"]
    assert max(groups) == 2 and max(np.bincount(groups)) <= 3
    trials = [trial for _, _, trial in submit.submitted]
    assert len(set(trials)) == len(trials) == len(outcomes)


def test_carried_state_is_set_beside_windows_unless_it_is_searched():
    first, *others = run(WINDOWS, Scored(peak(9)))
    assert (first.phase, first.reset, first.window_length) == (
        "stateful",
        "sequence",
        80,
    )
    assert all(outcome.reset == "sample" for outcome in others)
    space = WINDOWS._replace(reset=["sample", "every_40"])
    searched = run(space, Scored(peak(9)))
    assert {outcome.reset for outcome in searched} == {"sample", "every_40"}
    assert all(outcome.phase != "stateful" for outcome in searched)
    assert smallest(searched) == 9


def test_windows_are_not_pruned_for_what_carried_state_does():
    space = WINDOWS._replace(high=40, reset=["sample", "every_20"])

    def score(trial):
        return spread(0.99 if trial.reset != "sample" else 0.5)

    outcomes = run(space, Scored(score, score), trials=16)
    assert any(outcome.reset == "every_20" for outcome in outcomes)
    assert all(outcome.state == COMPLETE for outcome in outcomes)


def test_every_combination_counts_for_the_grid_and_bisection_keeps_to_one():
    space = Space(3, 12, [1, 2], [None, 4], ["sample"], [5, 7], [0.1])
    assert space.grid_size == 10 * 2 * 2 * 2
    outcomes = run(space, Scored(lambda t: spread(min(t.window_length, 7) / 10)))
    bisected = [outcome for outcome in outcomes if outcome.phase == "bisect"]
    assert len({outcome.family for outcome in bisected}) == 1
    assert smallest(outcomes, low=3) == 7


def test_errors_are_better_the_smaller_they_are():
    rule = Rule("rmse", 0.1)
    submit = Scored(lambda t: spread(9.0 - 4 * (t.window_length >= 30)))
    outcomes = search.search(WINDOWS, submit, trials=8, group=4, seed=1, rule=rule)
    assert decision.judge(outcomes, rule, 1).smallest.window_length == 30
