"""What a comparison of both modes gave, as a typed value and as JSON.

`metrics/evaluate.json` holds its headline, which DVC and MLflow list as metrics;
`metrics/evaluate/evaluation.json` holds all of it.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from statelab.config.modes import MODES
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
        baselines: by name of `naive.NAMES`, the same scores.
    """

    scores: dict[str, Interval]
    ceiling: dict[str, float | None]
    baselines: dict[str, dict[str, float]]


@dataclass(frozen=True)
class VariantScores:
    """How well one variant of a training does, on the steps that all predict."""

    timesteps: int  # of a sample, at most
    gradient_window: int  # steps
    learning_rate: float
    updates: int  # of each network, unless it stopped early
    labelled_steps: int
    late_gain: float  # of the score, at least, in the last third of the training
    validation: float | None
    test: Interval
    ceiling: float | None


@dataclass(frozen=True)
class SimpleScore:
    """How well a simple method does, on the steps that all variants predict."""

    detail: str  # what was chosen for it, in words
    validation: float | None
    test: float


@dataclass(frozen=True)
class VerdictSummary:
    """Whether state has to be carried, and what that rests on."""

    kind: str | None  # as of `verdict.Verdict`
    cause: str | None
    text: str  # one sentence or two, 40 words at most
    facts: dict[str, str]  # what it rests on, by name, a line each
    steps: int  # of test, that every variant predicts
    baseline: float  # of a constant prediction
    margin: float  # in units of the score
    chosen: dict[str, str]  # by mode, the name of a variant
    difference: Difference | None  # over pairs of seeds
    over_test: Difference  # over the time, or the sequences, of the test split
    over_splits: Difference | None  # with the correction for overlapping train sets
    noise: dict[str, Difference]  # by mode
    variants: dict[str, dict[str, VariantScores]]  # by mode and name
    simple: dict[str, SimpleScore]  # by name of `naive.NAMES`; of tasks none

    def in_full(self) -> str:
        """Return the sentence and below it a line for each fact."""
        lines = [f"{name}: {fact}" for name, fact in self.facts.items()]
        return "\n".join([self.text, *lines])


@dataclass(frozen=True)
class IntervalCoverage:
    """What the prediction intervals of a mode hold, over its networks."""

    wanted: float  # share of the targets
    held: float  # share of those of test, the mean over networks and splits
    radius: float  # the mean, in the units of the target
    of_logarithms: bool  # whether it is one of these
    errors: int  # on validation, that the first radius is of


@dataclass(frozen=True)
class Evaluation:
    """What stage `evaluate` leaves behind."""

    layout: str
    score: str  # the main one: accuracy, or of values the error rmse
    modes: dict[str, ModeScores]  # stateless, stateful
    verdict: VerdictSummary
    # by mode; of classes, and of an earlier version, none
    intervals: dict[str, IntervalCoverage] = field(default_factory=dict)


_JSON = TypeAdapter(Evaluation)


def headline(evaluation: Evaluation) -> dict[str, Any]:
    """Return the few figures that experiments are compared by, 12 at most.

    DVC lists numbers and words as metrics, and passes over lists: so a table of
    experiments has room for parameters as well.

    Returns:
        The kind of the `verdict`; the mean of the main score by mode, `gain`, what
        stateful is better by, and the name of that `score`; and in lists, stateless
        first, `intervals` and `ceilings`, or where one is not known the best
        `baselines`.
    """
    score, verdict = evaluation.score, evaluation.verdict
    scored = [evaluation.modes[mode] for mode in MODES]
    over_seeds = [mode.scores[score] for mode in scored]
    ceilings = [mode.ceiling[score] for mode in scored]
    if None not in ceilings:
        bounds = {"ceilings": ceilings}
    else:
        sign = scores.of_columns([score]).main.sign
        simple = [one.test for one in verdict.simple.values()]
        best = [best_baseline(mode, score) for mode in scored]
        bounds = {
            "baselines": [max([one, *simple], key=lambda v: sign * v) for one in best]
        }
    gain = {"gain": verdict.difference.mean} if verdict.difference else {}
    return {
        "verdict": verdict.kind or "too few seeds",
        **{mode: one.mean for mode, one in zip(MODES, over_seeds, strict=True)},
        **gain,
        "score": score,
        "intervals": [[one.low, one.high] for one in over_seeds],
        **bounds,
    }


def best_baseline(scored: ModeScores, score: str) -> float:
    """Return the best that needs no model.

    Example:
        >>> baselines = {"constant": {"rmse": 2.0}, "persistence": {"rmse": 1.0}}
        >>> best_baseline(ModeScores({}, {"rmse": None}, baselines), "rmse")
        1.0
    """
    sign = scores.of_columns([score]).main.sign
    values = [by_score[score] for by_score in scored.baselines.values()]
    return max(values, key=lambda value: sign * value)


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
