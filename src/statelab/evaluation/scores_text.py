"""The scores of one mode in words."""

import pandas as pd

from statelab import formatting
from statelab.baselines import naive
from statelab.evaluation import bounds
from statelab.evaluation.evaluation import ModeScores
from statelab.formatting import number
from statelab.networks import scores

NAMES = {"ceiling": "ceiling", **naive.NAMES}  # of what a score is seen beside


def in_words(mode: str, table: pd.DataFrame, scored: ModeScores) -> str:
    """Say how the networks of one mode score, beside the ceiling or the baselines.

    Args:
        mode: stateless or stateful.
        table: as `scoring.seed_scores` returns it.
        scored: its intervals and its bounds.

    Returns:
        A line; and another for each score that some network has above its ceiling.
    """
    main = scores.of_columns(scored.scores).main.name
    parts = []
    for name in (main, f"final_{main}"):
        if name not in scored.scores:  # of few sequences
            continue
        score = scored.scores[name]
        interval = formatting.interval(score.low, score.high)
        mean = f"{number(score.mean)} {interval}".rstrip()
        parts.append(f"{name} {mean}, {beside(scored, name)}")
    lines = [f"{mode}: {'; '.join(parts)}; n = {len(table)}"]
    lines += [
        f"{mode}: {name} is ABOVE its ceiling for some seed: something leaks"
        for name in bounds.above_ceiling(table, scored.ceiling)
    ]
    return "\n".join(lines)


def beside(scored: ModeScores, score: str) -> str:
    """Say what a score is seen beside.

    Example:
        >>> baseline = {"constant": {"rmse": 63.354}}
        >>> beside(ModeScores({}, {"rmse": None}, baseline), "rmse")
        'constant prediction 63.35'
    """
    return ", ".join(
        f"{NAMES[name]} {number(value)}"
        for name, value in bounds.of_score(scored, score).items()
    )
