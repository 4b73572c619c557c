"""Evaluations made by hand, of which a test names what it looks at."""

import dataclasses
import json
from collections.abc import Mapping

from statelab.evaluation.evaluation import Evaluation, ModeScores, VerdictSummary
from statelab.evaluation.statistics import Difference, Interval


def over_seeds(mean, low=None, high=None, n=1) -> Interval:
    return Interval(mean=mean, std=None, low=low, high=high, n=n)


def mode_scores(
    scores: Mapping[str, Interval] | None = None,
    ceiling: Mapping[str, float | None] | None = None,
    **baselines: Mapping[str, float],
) -> ModeScores:
    named = {name: dict(by_score) for name, by_score in baselines.items()}
    return ModeScores(dict(scores or {}), dict(ceiling or {}), named)


def evaluation(
    stateless: ModeScores,
    stateful: ModeScores,
    score: str = "accuracy",
    layout: str = "per_timestep",
) -> Evaluation:
    verdict = VerdictSummary(
        kind=None,
        cause=None,
        text="No verdict.",
        facts={},
        steps=1,
        baseline=0.5,
        margin=0.01,
        chosen={"stateless": "in use", "stateful": "in use"},
        difference=None,
        over_test=Difference(0.0, 0.0, 0.0, 0.0, 1.0, 2, 0.0),
        over_splits=None,
        noise={},
        variants={},
        simple={},
    )
    return Evaluation(
        layout, score, {"stateless": stateless, "stateful": stateful}, verdict, {}
    )


def as_json(evaluated: Evaluation) -> str:
    return json.dumps(dataclasses.asdict(evaluated))
