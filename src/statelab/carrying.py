"""Carries groups of trials out, and keeps account of them."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

import numpy as np

from statelab import ledger, trials
from statelab.lookback import COMPLETE, PRUNED, Hopeless, Outcome
from statelab.trials import Standing, Trial
from statelab.workers import Submit


def carry(
    submit: Submit,
    folder: Path,
    tell: Callable[[Outcome], None],
    asked: list[Trial],
    phase: str,
    group: int,
    hopeless: Hopeless | None,
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
    under_way: dict[Future[tuple[Standing, str]], tuple[int, Hopeless | None]] = {}
    for n in missing:
        in_parts = hopeless is not None or asked[n].carries_state
        part = submit(trials.go_on if in_parts else trials.whole, asked[n])
        under_way[part] = n, hopeless
    while under_way:
        done, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            n, judge = under_way.pop(future)
            at, worker = future.result()
            given_up = not np.isfinite(at.scores).all()  # it diverged
            if not given_up and not at.ended:
                given_up = judge is not None and judge(n, at.scores)
                if not given_up:
                    under_way[submit(trials.go_on, asked[n], at)] = n, None
                    continue
            outcome = Outcome(
                phase,
                group,
                *asked[n],
                PRUNED if given_up else COMPLETE,
                at.updates,
                at.early.tolist(),
                at.scores.tolist(),
                at.parts.tolist(),
                at.seconds,
                worker,
            )
            ledger.note(folder, outcome)
            tell(outcome)
            ended[n] = outcome
    return [ended[n] for n in sorted(ended)]
