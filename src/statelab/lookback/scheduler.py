"""The scheduler of a search: hands parts of trials to workers, and stores outcomes."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statelab.lookback import trial_store, trials
from statelab.lookback.decision import ShouldPrune
from statelab.lookback.outcomes import COMPLETE, PRUNED, Outcome, Trial
from statelab.lookback.trials import TrialState
from statelab.training.executors import Workers

LOOK = 5  # seconds after which workers that have joined are seen


class Part(NamedTuple):
    """The next part of a trial."""

    trial: Trial
    phase: str
    group: int
    nth: int  # in its group
    should_prune: ShouldPrune | None
    ended: dict[int, Outcome]  # of the trials of its group
    state: TrialState | None

    @property
    def rank(self) -> tuple[bool, int]:
        """The least goes first: no group waits for the trial of carried state."""
        return self.phase == "stateful", -self.trial.window_length


class TrialScheduler:
    """Hands parts of trials to workers, each as soon as a worker is free for it."""

    def __init__(
        self, workers: Workers, folder: Path, on_end: Callable[[Outcome], None]
    ) -> None:
        """Begin with nothing to do.

        Args:
            workers: they train the trials.
            folder: of the trial store, where outcomes are looked up and stored.
            on_end: called with each trial that ends.
        """
        self._workers, self._folder, self._on_end = workers, folder, on_end
        self._waiting: list[Part] = []
        self._running: dict[Future[tuple[TrialState, str]], Part] = {}

    def submit(
        self,
        group_of_trials: list[Trial],
        phase: str,
        group: int,
        should_prune: ShouldPrune | None,
    ) -> Callable[[], list[Outcome]]:
        """Begin a group of trials, as `search.Submit` describes it."""
        ended: dict[int, Outcome] = {}
        for nth, trial in enumerate(group_of_trials):
            stored = trial_store.look_up(self._folder, phase, trial)
            if stored is None:
                part = Part(trial, phase, group, nth, should_prune, ended, None)
                self._waiting.append(part)
            else:
                ended[nth] = stored
                self._on_end(stored)
        self._hand_out()

        def outcomes() -> list[Outcome]:
            while len(ended) < len(group_of_trials):
                self._wait()
            return [ended[nth] for nth in range(len(group_of_trials))]

        return outcomes

    def _hand_out(self) -> None:
        # without a worker one part waits for the first that comes
        free = max(max(self._workers.slots(), 1) - len(self._running), 0)
        ranked = sorted(self._waiting, key=lambda part: part.rank)
        for part in ranked[:free]:
            in_parts = part.should_prune is not None or part.trial.carries_state
            train = trials.train_next_part if in_parts else trials.train_to_end
            self._running[self._workers.submit(train, part.trial, part.state)] = part
        self._waiting = ranked[free:]

    def _wait(self) -> None:
        done, _ = wait(self._running, LOOK, FIRST_COMPLETED)
        for future in done:
            self._take(self._running.pop(future), *future.result())
        self._hand_out()

    def _take(self, part: Part, state: TrialState, worker: str) -> None:
        """Take what a worker has trained: train it further, or store how it ended."""
        pruned = not np.isfinite(state.scores).all()  # it diverged
        if part.state is None and not state.ended and part.should_prune is not None:
            pruned = pruned or part.should_prune(part.nth, state.scores)
        if not (pruned or state.ended):
            self._waiting.append(part._replace(state=state))
            return
        outcome = Outcome(
            part.phase,
            part.group,
            *part.trial,
            PRUNED if pruned else COMPLETE,
            state.updates,
            state.early.tolist(),
            state.scores.tolist(),
            state.parts.tolist(),
            state.seconds,
            worker,
        )
        trial_store.store(self._folder, outcome)
        self._on_end(outcome)
        part.ended[part.nth] = outcome
