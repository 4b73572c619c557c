"""Carries groups of trials out, and keeps account of them."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import numpy as np

from statelab import ledger, trials
from statelab.lookback import COMPLETE, PRUNED, Outcome
from statelab.trials import Standing, Trial
from statelab.workers import Submit


def carry(
    submit: Submit,
    folder: Path,
    tell: Callable[[Outcome], None],
    asked: list[Trial],
    phase: str,
    group: int,
    hopeless: Callable[[int, np.ndarray], bool],
) -> list[Outcome]:
    """Carry a group of trials out, the longest first.

    Args:
        submit: hands a part of a trial to a worker.
        folder: of the ledger, where trials are looked up and noted.
        tell: is told of each trial that ends.
        asked, phase, group, hopeless: as in `search.Carry`.

    Returns:
        The outcomes, in the order of `asked`.
    """
    found = {n: ledger.look_up(folder, phase, each) for n, each in enumerate(asked)}
    ended = {n: each for n, each in found.items() if each is not None}
    for each in ended.values():
        tell(each)
    missing = sorted(
        found.keys() - ended.keys(), key=lambda n: (-asked[n].window_length, n)
    )
    under_way: dict[Future[tuple[Standing, str]], tuple[int, Standing | None]] = {
        submit(trials.begin, asked[n]): (n, None) for n in missing
    }
    while under_way:
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            n, before = under_way.pop(future)
            standing, worker = future.result()
            finite = bool(np.isfinite(standing.scores).all())  # or it diverged
            if before is None and finite and not hopeless(n, standing.scores):
                later = submit(trials.finish, asked[n], standing)
                under_way[later] = (n, standing)
                continue
            state = PRUNED if before is None or not finite else COMPLETE
            outcome = _outcome(phase, group, asked[n], state, before, standing, worker)
            ledger.note(folder, outcome)
            tell(outcome)
            ended[n] = outcome
    return [ended[n] for n in sorted(ended)]


def _outcome(
    phase: str,
    group: int,
    trial: Trial,
    state: str,
    before: Standing | None,
    standing: Standing,
    worker: str,
) -> Outcome:
    spent = [standing.seconds] if before is None else [before.seconds, standing.seconds]
    return Outcome(
        phase,
        group,
        *trial,
        state,
        standing.updates,
        standing.scores.tolist(),
        standing.parts.tolist(),
        {kind: sum(each[kind] for each in spent) for kind in standing.seconds},
        worker,
    )
