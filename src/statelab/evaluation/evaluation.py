"""What a comparison of both modes gave, as a typed value and as JSON.

`metrics/evaluate.json` holds its headline, which DVC and MLflow list as metrics;
`metrics/evaluate/evaluation.json` holds all of it.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from statelab.evaluation.statistics import Difference, Interval
from statelab.io import files
from statelab.networks import scores
from statelab.pipeline import paths


@dataclass(frozen=True)
class ModeScores:
    """How well the networks of one mode do.

    Args:
        scores: by name, over seeds: `accuracy` or `rmse`, `loss`, `final_accuracy` …
        ceiling: by name of a score, the best that any model could reach; None where
            that is not known.
        baselines: by name of `baselines.NAMES`, the same scores.
    """

    scores: dict[str, Interval]
    ceiling: dict[str, float | None]
    baselines: dict[str, dict[str, float]]


@dataclass(frozen=True)
class VariantScores:
    """How well one variant of a training does, on the steps that all predict."""

    timesteps: int  # of a sample, at most
    gradient_window: int  # steps
    validation: float | None
    test: Interval
    ceiling: float | None


@dataclass(frozen=True)
class VerdictSummary:
    """Whether state has to be carried, and what that rests on."""

    kind: str | None  # as of `verdict.Verdict`
    cause: str | None
    text: str
    steps: int  # of test, that every variant predicts
    baseline: float  # of a constant prediction
    margin: float  # in units of the score
    chosen: dict[str, str]  # by mode, the name of a variant
    difference: Difference | None  # over pairs of seeds
    over_test: Difference | None  # over parts of the test split
    noise: dict[str, Difference]  # by mode
    variants: dict[str, dict[str, VariantScores]]  # by mode and name


@dataclass(frozen=True)
class Evaluation:
    """What stage `evaluate` leaves behind."""

    layout: str
    score: str  # the main one: accuracy, or of values the error rmse
    modes: dict[str, ModeScores]  # stateless, stateful
    verdict: VerdictSummary


_JSON = TypeAdapter(Evaluation)


def headline(evaluation: Evaluation) -> dict[str, Any]:
    """Return the few figures that experiments are compared by, 12 at most.

    Returns:
        The kind of the `verdict`, for each mode its `headline_of_mode`, and the mean
        `difference`, where there are pairs of seeds.
    """
    verdict = evaluation.verdict
    modes = {
        mode: headline_of_mode(scored, evaluation.score)
        for mode, scored in evaluation.modes.items()
    }
    figures = {"verdict": verdict.kind or "too few seeds", **modes}
    if verdict.difference is None:
        return figures
    return figures | {"difference": verdict.difference.mean}


def headline_of_mode(scored: ModeScores, score: str) -> dict[str, float]:
    """Return the mean of a score, its interval, and what it is seen beside.

    Returns:
        The score by its name, `low` and `high` where there are several seeds, and
        `ceiling`, or where none is known the best `baseline`.

    Example:
        >>> rmse = Interval(mean=0.5, std=None, low=None, high=None, n=1)
        >>> baselines = {"constant": {"rmse": 2.0}, "persistence": {"rmse": 1.0}}
        >>> scored = ModeScores({"rmse": rmse}, {"rmse": None}, baselines)
        >>> headline_of_mode(scored, "rmse")
        {'rmse': 0.5, 'baseline': 1.0}
    """
    over_seeds, ceiling = scored.scores[score], scored.ceiling[score]
    figures = {score: over_seeds.mean, "low": over_seeds.low, "high": over_seeds.high}
    if ceiling is not None:
        figures["ceiling"] = ceiling
    else:
        sign = scores.of_columns([score]).main.sign
        baselines = [by_score[score] for by_score in scored.baselines.values()]
        figures["baseline"] = max(baselines, key=lambda value: sign * value)
    return {name: value for name, value in figures.items() if value is not None}


def write(root: Path, evaluation: Evaluation) -> None:
    """Write an evaluation and its headline into a workspace."""
    files.write_json(root / paths.EVALUATION, dataclasses.asdict(evaluation))
    files.write_json(root / paths.EVALUATION_HEADLINE, headline(evaluation))


def read(root: Path = Path(".")) -> Evaluation:
    """Read the evaluation of a workspace.

    Raises:
        UserError: there is none.
    """
    file = root / paths.EVALUATION
    files.require(file)
    return parse(file.read_bytes())


def parse(text: str | bytes) -> Evaluation:
    """Return what the JSON of an evaluation says, wherever it was read."""
    return _JSON.validate_json(text)
