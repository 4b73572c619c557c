"""The lookback search: Bayesian optimisation, and then bisection.

Optimisation finds a window that is not worse than the best. Bisection between it and
the longest window known to be worse finds the smallest. Trials are begun in groups,
whatever the number of workers, and Optuna gets their outcomes in order, when a whole
group has ended: so the same seed gives the same trials.
"""

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import WilcoxonPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from statelab.config.settings import SearchSettings
from statelab.lookback import decision
from statelab.lookback.decision import Decision, Rule, ShouldPrune
from statelab.lookback.outcomes import COMPLETE, PRUNED, Outcome, Trial

PRUNING_P = 0.05  # of a Wilcoxon test, seed by seed, against the best trial so far
FEWEST, MOST = 8, 16  # trials of the optimisation, where `search.trials` is null

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Space(NamedTuple):
    """What is searched: all its combinations are the grid."""

    low: int  # window lengths, from
    high: int  # to
    stride: list[int]
    gradient_window: list[int | None]
    reset: list[str]
    units: list[int]
    learning_rate: list[float]

    @property
    def grid_size(self) -> int:
        """How many trials it takes to try everything."""
        return (self.high - self.low + 1) * math.prod(map(len, self[2:]))


def space(search: SearchSettings, longest_window: int, units: int) -> Space:
    """Return the space that search/params.yaml describes.

    Args:
        search: section `search`.
        longest_window: time steps.
        units: where `search.units` is null.
    """
    return Space(
        low=search.low,
        high=longest_window,
        stride=search.stride,
        gradient_window=search.gradient_window,
        reset=[str(reset) for reset in search.reset],
        units=search.units or [units],
        learning_rate=search.learning_rate,
    )


def default_trials(space: Space, group: int) -> int:
    """Return how many trials the optimisation has, where `search.trials` is null.

    Args:
        space: what is searched.
        group: trials that are begun together. The last group is full as well, as a
            worker without a trial has to wait for the others.

    Example:
        >>> one = Space(1, 80, [1], [None], ["sample"], [10], [0.01])
        >>> default_trials(one, group=4)
        12
    """
    windows = space.high - space.low + 1
    trials = min(max(windows // 8, FEWEST), MOST)
    return min(-(-trials // group) * group, -(-windows // 2))


Interval = tuple[int, int]  # the windows between two lengths


class Submit(Protocol):
    """Begins a group of trials, and returns a function that waits for their outcomes.

    The outcomes come in the order of the trials. None is pruned where `should_prune` is
    None.
    """

    def __call__(
        self,
        trials: list[Trial],
        phase: str,
        group: int,
        should_prune: ShouldPrune | None,
        /,
    ) -> Callable[[], list[Outcome]]: ...


def search(
    space: Space,
    submit: Submit,
    *,
    trials: int | None,
    group: int,
    seed: int,
    rule: Rule,
) -> list[Outcome]:
    """Search for the smallest window that is not worse than the best.

    Args:
        space: what is searched.
        submit: begins trials.
        trials: of the optimisation. Of the same trial twice one is trained. None for
            `default_trials`.
        group: trials that are begun together.
        seed: of the sampler.
        rule: what is better.

    Returns:
        The outcome of every trial, in the order in which they were begun. A trial of
        carried state, for comparison, comes first where `space` has none.
    """
    trials = trials or default_trials(space, group)
    search_space = partial(
        _search, space, submit, trials=trials, group=group, seed=seed, rule=rule
    )
    if any(reset != "sample" for reset in space.reset):
        return search_space()
    # no window waits for it
    stateful = submit([_stateful_trial(space)], "stateful", 0, None)
    outcomes = search_space()
    return stateful() + outcomes


def _search(
    space: Space, submit: Submit, *, trials: int, group: int, seed: int, rule: Rule
) -> list[Outcome]:
    outcomes = _optimise(
        space, submit, trials=trials, group=group, seed=seed, rule=rule
    )
    number = -(-trials // group)
    bisected: list[Interval] = []
    judged = decision.judge(outcomes, rule, space.low)
    while (interval := _next_interval(judged, bisected)) is not None:
        bisected.append(interval)
        family = judged.smallest.family
        tried = {
            outcome.window_length
            for outcome in outcomes
            if outcome.family == family
            and (outcome.is_window or outcome.phase == "bisect")
        }
        windows = _windows_between(*interval, tried=tried, count=group)
        if windows:
            new = [Trial(window, *family) for window in windows]
            outcomes += submit(new, "bisect", number, None)()
            number += 1
            judged = decision.judge(outcomes, rule, space.low)
    return outcomes


def _next_interval(judged: Decision, bisected: list[Interval]) -> Interval | None:
    """Return between which two windows the smallest may be; None where it is decided.

    Networks may have failed to learn at a window that scores worse. Where it is still
    better than shorter ones, the windows between are tried once.
    """
    interval = judged.worse_below, judged.smallest.window_length
    if interval not in bisected:
        return interval
    if judged.next_below is None:
        return None
    if judged.worse_below in [above for _, above in bisected]:
        return None
    return judged.next_below, judged.worse_below


def _optimise(
    space: Space, submit: Submit, *, trials: int, group: int, seed: int, rule: Rule
) -> list[Outcome]:
    with warnings.catch_warnings():  # the lock keeps the pruner as it is
        warnings.simplefilter("ignore", ExperimentalWarning)
        pruner = WilcoxonPruner(p_threshold=PRUNING_P)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for window in _first_windows(space.low, space.high, min(group, trials)):
        study.enqueue_trial({"window_length": window, "reset": "sample"})
    outcomes: dict[Trial, Outcome] = {}
    for number in range(-(-trials // group)):
        study.sampler = TPESampler(
            n_startup_trials=group,
            multivariate=True,
            seed=int(np.random.SeedSequence((seed, number)).generate_state(1)[0]),
        )
        count = min(group, trials - number * group)
        sampled = [study.ask(_distributions(space)) for _ in range(count)]
        settings = [Trial(**trial.params) for trial in sampled]
        new = [trial for trial in dict.fromkeys(settings) if trial not in outcomes]

        complete = [
            outcome for outcome in outcomes.values() if outcome.state == COMPLETE
        ]
        best = decision.best_of(complete, rule) if complete else None

        def should_prune(
            nth: int,
            scores: np.ndarray,
            new=new,
            settings=settings,
            sampled=sampled,
            best=best,
        ) -> bool:
            trial = sampled[settings.index(new[nth])]
            _report(trial, rule.sign * scores)
            if best and best.reset != "sample" == new[nth].reset:
                return False  # windows are compared to windows, not to carried state
            return trial.should_prune()

        ended = submit(new, "optimise", number, should_prune if best else None)()
        outcomes |= zip(new, ended, strict=True)
        for trial, chosen in zip(sampled, settings, strict=True):
            outcome = outcomes[chosen]
            _report(trial, rule.sign * np.array(outcome.early))
            if outcome.state == PRUNED:
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, rule.sign * outcome.mean)
    return list(outcomes.values())


def _report(trial: optuna.Trial, scores: np.ndarray) -> None:
    """Report the score of each seed after a first part, unless that has been done."""
    reported = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    for seed, score in enumerate(scores.tolist()):
        if seed not in reported and math.isfinite(score):
            trial.report(score, seed)


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    choices = space._asdict()
    windows = IntDistribution(choices.pop("low"), choices.pop("high"))
    listed = {name: CategoricalDistribution(of) for name, of in choices.items()}
    return {"window_length": windows, **listed}


def _first_windows(low: int, high: int, count: int) -> list[int]:
    """Return windows to begin with, each so many times as long as the one before.

    Example:
        >>> _first_windows(1, 80, 4)
        [3, 9, 27, 80]
    """
    return np.unique(
        np.geomspace(low, high, count + 1)[1:].round().astype(int)
    ).tolist()


def _windows_between(
    below: int, above: int, *, tried: set[int], count: int
) -> list[int]:
    """Return windows that cut what is left to try between two into equal parts.

    Example:
        >>> _windows_between(0, 10, tried=set(), count=4)
        [2, 4, 6, 8]
        >>> _windows_between(6, 9, tried={7}, count=4)
        [8]
    """
    left = [window for window in range(below + 1, above) if window not in tried]
    if len(left) <= count:
        return left
    places = np.linspace(-1, len(left), count + 2)[1:-1].round().astype(int)
    return [left[place] for place in places]


def _stateful_trial(space: Space) -> Trial:
    """Return a trial of carried state, its gradient as long as the longest window."""
    return Trial(
        window_length=space.high,
        stride=space.high,
        gradient_window=None,
        reset="sequence",
        units=space.units[0],
        learning_rate=space.learning_rate[0],
    )
