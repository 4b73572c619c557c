"""Carries trials out, part by part, and keeps account of them."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.lookback import trial_store, trials
from statelab.lookback.decision import COMPLETE, PRUNED, Outcome, ShouldPrune
from statelab.lookback.executors import Workers
from statelab.lookback.trials import Trial, TrialState

LOOK = 5  # seconds after which workers that have joined are seen


class Part(NamedTuple):
    """What comes next of a trial."""

    trial: Trial
    phase: str
    group: int
    nth: int  # of the trials that were asked for together
    hopeless: ShouldPrune | None
    ended: dict[int, Outcome]  # those of them that have come to their end
    at: TrialState | None

    @property
    def rank(self) -> tuple[bool, int]:
        """The least goes first: no group waits for what is set beside the windows."""
        return self.phase == "stateful", -self.trial.window_length


class TrialScheduler:
    """Hands parts of trials to workers, each as soon as a worker is free for it."""

    def __init__(
        self, workers: Workers, folder: Path, tell: Callable[[Outcome], None]
    ) -> None:
        """Begin with nothing to do.

        Args:
            workers: who carry trials out.
            folder: of the ledger, where trials are looked up and noted.
            tell: is told of each trial that ends.
        """
        self._workers, self._folder, self._tell = workers, folder, tell
        self._waiting: list[Part] = []
        self._under_way: dict[Future[tuple[TrialState, str]], Part] = {}

    def __call__(
        self, asked: list[Trial], phase: str, group: int, hopeless: ShouldPrune | None
    ) -> Callable[[], list[Outcome]]:
        """Ask for trials, as in `search.Carry`."""
        ended: dict[int, Outcome] = {}
        for nth, trial in enumerate(asked):
            known = trial_store.look_up(self._folder, phase, trial)
            if known is not None:
                ended[nth] = known
                self._tell(known)
                continue
            self._waiting.append(Part(trial, phase, group, nth, hopeless, ended, None))
        self._hand_out()

        def outcomes() -> list[Outcome]:
            while len(ended) < len(asked):
                self._wait()
            return [ended[nth] for nth in range(len(asked))]

        return outcomes

    def _hand_out(self) -> None:
        # without a worker one part waits for the first that comes
        free = max(max(self._workers.threads(), 1) - len(self._under_way), 0)
        ranked = sorted(self._waiting, key=lambda part: part.rank)
        for part in ranked[:free]:
            may_wait = part.hopeless is not None or part.trial.carries_state
            function = trials.train_next_part if may_wait else trials.train_to_end
            self._under_way[self._workers.submit(function, part.trial, part.at)] = part
        self._waiting = ranked[free:]

    def _wait(self) -> None:
        done, _ = wait(self._under_way, LOOK, FIRST_COMPLETED)
        for future in done:
            self._take(self._under_way.pop(future), *future.result())
        self._hand_out()

    def _take(self, part: Part, at: TrialState, worker: str) -> None:
        """Take what a worker has brought: go on with it, or write down how it ended."""
        given_up = not np.isfinite(at.scores).all()  # it diverged
        if part.at is None and not at.ended and part.hopeless is not None:
            given_up = given_up or part.hopeless(part.nth, at.scores)
        if not (given_up or at.ended):
            self._waiting.append(part._replace(at=at))
            return
        outcome = Outcome(
            part.phase,
            part.group,
            *part.trial,
            PRUNED if given_up else COMPLETE,
            at.updates,
            at.early.tolist(),
            at.scores.tolist(),
            at.parts.tolist(),
            at.seconds,
            worker,
        )
        trial_store.note(self._folder, outcome)
        self._tell(outcome)
        part.ended[part.nth] = outcome
