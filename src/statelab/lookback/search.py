"""The lookback search: Bayesian optimisation, and then bisection.

Optimisation finds a window that is not worse than the best; bisection between it and
the longest window known to be worse pins the smallest. Trials are asked for in groups,
whatever the number of workers, and a group is told in order, when all of it has ended:
so the same seed gives the same trials.
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

from statelab.lookback import decision
from statelab.lookback.decision import (
    COMPLETE,
    PRUNED,
    Decision,
    Outcome,
    Rule,
    ShouldPrune,
)
from statelab.lookback.trials import Trial

HOPELESS = 0.05  # p of a Wilcoxon test, seed by seed, against the best trial so far

FEWEST, MOST = 8, 16  # trials of the optimisation, unless it is told

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Space(NamedTuple):
    """What is searched: every combination of it is the grid."""

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


def space(
    *,
    low: int,
    high: int,
    stride: list[int],
    gradient_window: list[int | None],
    reset: list[str],
    units: list[int] | None,
    learning_rate: list[float],
    default_units: int,
    **_: object,
) -> Space:
    """Return the space that search/params.yaml asks for.

    Args:
        low, high, stride, gradient_window, reset, units, learning_rate: as there.
        default_units: where `units` is None.
    """
    units = units or [default_units]
    return Space(low, high, stride, gradient_window, reset, units, learning_rate)


def enough(space: Space, group: int) -> int:
    """Return how many trials the optimisation asks for, unless it is told.

    Args:
        space: what is searched.
        group: trials that are asked for together; the last group is whole as well, as
            a worker without a trial has to wait for the others.

    Example:
        >>> enough(Space(1, 80, [1], [None], ["sample"], [10], [0.01]), group=4)
        12
    """
    windows = space.high - space.low + 1
    trials = min(max(windows // 8, FEWEST), MOST)
    return min(-(-trials // group) * group, -(-windows // 2))


Stretch = tuple[int, int]  # the windows between two


class Carry(Protocol):
    """Begins some trials; what it returns waits for their outcomes, in that order."""

    def __call__(
        self,
        trials: list[Trial],
        phase: str,
        group: int,
        hopeless: ShouldPrune | None,
        /,
    ) -> Callable[[], list[Outcome]]: ...


def search(
    space: Space,
    carry: Carry,
    *,
    trials: int | None,
    group: int,
    seed: int,
    rule: Rule,
) -> list[Outcome]:
    """Search for the smallest window that is not worse than the best.

    Args:
        space: what is searched.
        carry: carries trials out; none is given up where `hopeless` is None.
        trials: that the optimisation asks for; it may ask for one twice, which is
            carried out once. None for as many as are `enough`.
        group: trials that are asked for together.
        seed: of the sampler.
        rule: what is better.

    Returns:
        Every trial, in the order asked for. One of carried state, beside which windows
        are seen, comes first where `space` has none.
    """
    trials = trials or enough(space, group)
    of_windows = partial(
        _search, space, carry, trials=trials, group=group, seed=seed, rule=rule
    )
    if any(reset != "sample" for reset in space.reset):
        return of_windows()
    beside = carry([_with_state(space)], "stateful", 0, None)  # no window waits for it
    found = of_windows()
    return beside() + found


def _search(
    space: Space, carry: Carry, *, trials: int, group: int, seed: int, rule: Rule
) -> list[Outcome]:
    found = _optimise(space, carry, trials=trials, group=group, seed=seed, rule=rule)
    number = -(-trials // group)
    looked_at: list[Stretch] = []
    judged = decision.judge(found, rule, space.low)
    while (stretch := _to_look_at(judged, looked_at)) is not None:
        looked_at.append(stretch)
        smallest = judged.smallest
        own = (
            each
            for each in found
            if each.family == smallest.family
            and (each.counts or each.phase == "bisect")
        )
        tried = {each.window_length for each in own}
        asked = [
            Trial(window, *smallest.family)
            for window in _between(*stretch, tried=tried, count=group)
        ]
        if asked:
            found += carry(asked, "bisect", number, None)()
            number += 1
            judged = decision.judge(found, rule, space.low)
    return found


def _to_look_at(judged: Decision, looked_at: list[Stretch]) -> Stretch | None:
    """Return between which two windows the smallest may be; None where it is pinned.

    Networks may have failed, at a window that is behind, to learn what is to be seen
    there: where it is better than shorter ones, these are looked at once.
    """
    stretch = judged.below, judged.smallest.window_length
    if stretch not in looked_at:
        return stretch
    if judged.floor is None or judged.below in [above for _, above in looked_at]:
        return None
    return judged.floor, judged.below


def _optimise(
    space: Space, carry: Carry, *, trials: int, group: int, seed: int, rule: Rule
) -> list[Outcome]:
    with warnings.catch_warnings():  # the lock keeps the pruner as it is
        warnings.simplefilter("ignore", ExperimentalWarning)
        pruner = WilcoxonPruner(p_threshold=HOPELESS)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for window in _spread(space.low, space.high, min(group, trials)):
        study.enqueue_trial({"window_length": window, "reset": "sample"})
    found: dict[Trial, Outcome] = {}
    for number in range(-(-trials // group)):
        study.sampler = TPESampler(
            n_startup_trials=group,
            multivariate=True,
            seed=int(np.random.SeedSequence((seed, number)).generate_state(1)[0]),
        )
        count = min(group, trials - number * group)
        asked = [study.ask(_distributions(space)) for _ in range(count)]
        tries = [Trial(**each.params) for each in asked]
        new = [each for each in dict.fromkeys(tries) if each not in found]

        ended = [each for each in found.values() if each.state == COMPLETE]
        best = max(ended, key=lambda each: rule.sign * each.mean, default=None)

        def hopeless(
            nth: int, scores: np.ndarray, new=new, tries=tries, asked=asked, best=best
        ) -> bool:
            trial = asked[tries.index(new[nth])]
            _report(trial, rule.sign * scores)
            if best and best.reset != "sample" == new[nth].reset:
                return False  # of windows the best is asked for, whatever state does
            return trial.should_prune()

        outcomes = carry(new, "optimise", number, hopeless if best else None)()
        found |= zip(new, outcomes, strict=True)
        for trial, settings in zip(asked, tries, strict=True):
            outcome = found[settings]
            _report(trial, rule.sign * np.array(outcome.early))
            if outcome.state == PRUNED:
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, rule.sign * outcome.mean)
    return list(found.values())


def _report(trial: optuna.Trial, scores: np.ndarray) -> None:
    """Report the score of each seed after a first part, unless that has been done."""
    reported = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    for seed, score in enumerate(scores.tolist()):
        if seed not in reported and math.isfinite(score):
            trial.report(score, seed)


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    listed = space._asdict()
    windows = IntDistribution(listed.pop("low"), listed.pop("high"))
    choices = {name: CategoricalDistribution(each) for name, each in listed.items()}
    return {"window_length": windows, **choices}


def _spread(low: int, high: int, count: int) -> list[int]:
    """Return windows to begin with, each so many times as long as the one before.

    Example:
        >>> _spread(1, 80, 4)
        [3, 9, 27, 80]
    """
    return np.unique(
        np.geomspace(low, high, count + 1)[1:].round().astype(int)
    ).tolist()


def _between(below: int, above: int, *, tried: set[int], count: int) -> list[int]:
    """Return windows that cut in equal parts what is left to try between two.

    Example:
        >>> _between(0, 10, tried=set(), count=4), _between(6, 9, tried={7}, count=4)
        ([2, 4, 6, 8], [8])
    """
    left = [each for each in range(below + 1, above) if each not in tried]
    if len(left) <= count:
        return left
    places = np.linspace(-1, len(left), count + 2)[1:-1].round().astype(int)
    return [left[place] for place in places]


def _with_state(space: Space) -> Trial:
    """Return a trial of carried state, its gradient as long as the longest window."""
    return Trial(
        window_length=space.high,
        stride=space.high,
        gradient_window=None,
        reset="sequence",
        units=space.units[0],
        learning_rate=space.learning_rate[0],
    )
