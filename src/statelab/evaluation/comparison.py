"""What is compared: the variants of both modes, on the steps that all answer."""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from statelab.data.sequences import SPLITS, Sequences, head_of, present, targets_at
from statelab.errors import UserError
from statelab.evaluation.ceilings import find_ceiling
from statelab.io.predictions import Predictions
from statelab.networks import scores
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    rewindow,
    sample_lengths,
    sequences_in_split,
    with_targets,
)

PARTS = 100  # of test, at most
FEW = 10  # sequences; of fewer, parts are stretches of time
STRETCHES = 20


class Candidate(NamedTuple):
    """One variant, and how well it does."""

    mode: str
    variant: str
    timesteps: int  # of a sample, at most
    gradient_window: int  # steps
    validation: np.ndarray | None  # [seeds]; None where there is no such split
    test: np.ndarray  # [seeds]
    parts: np.ndarray  # [parts]; of test, in each the mean over seeds
    ceiling: float | None  # of `test`, where it is known


class Comparison(NamedTuple):
    """All of them, and what they are scored by."""

    score: str  # accuracy, or the error rmse
    entrants: list[Candidate]
    baseline: float  # of one answer for all; what has learned is better
    baseline_parts: np.ndarray  # [parts]; in each part of test
    steps: int  # of test, which all answer
    gap: int  # steps from a target of train back to the one before it, at most
    longest: int  # steps of a sequence


def compare(
    sequences: Sequences,
    windows: Windows,
    predictions: Mapping[str, Iterable[Predictions]],
) -> Comparison:
    """Score every variant on the steps with a target that all of them answer.

    Args:
        sequences: the steps and their targets.
        windows: as they are in use.
        predictions: of every variant, by mode; gone through twice.

    Raises:
        UserError: there is no step of test that all answer.
    """
    cuts, variants = {}, []
    for each in chain.from_iterable(predictions.values()):
        variants.append(each.variant)
        cuts[_key(each)] = rewindow(windows, **each.layout)
        del each  # of long data there is no room for another one
    asked = {
        name: {key: _asked(sequences, cut, code) for key, cut in cuts.items()}
        for name, code in SPLITS.items()
        if name != "train"
    }
    common = {
        name: functools.reduce(np.intersect1d, [each.step for each in of.values()])
        for name, of in asked.items()
    }
    if not len(common["test"]):
        raise UserError(
            "`train_stateless.lookbacks` must leave a step of test that every variant "
            f"answers. Received: {variants}"
        )
    rules = scores.SCORES[head_of(sequences.targets)[0]]
    score = rules.functions[rules.main]
    targets = {name: _targets(sequences, step) for name, step in common.items()}
    parts = in_parts(sequences, common["test"])

    def entrant(mode: str, each: Predictions) -> Candidate:
        cut = cuts[_key(each)]
        at = {}
        for name, wanted in common.items():
            answer, step = asked[name][_key(each)]
            at[name] = answer[np.searchsorted(step, wanted)]

        def scored(name: str, part: np.ndarray | slice = slice(None)) -> np.ndarray:
            return score(each.answers[:, at[name][part]], targets[name][part])

        ceiling = None
        if rules.main == "accuracy":
            ceiling = find_ceiling(
                sequences, cut, each.visible_from, at["test"], targets["test"]
            )
        return Candidate(
            mode=mode,
            variant=each.variant,
            timesteps=sample_lengths(cut)[1],
            gradient_window=each.gradient_window,
            validation=scored("validation") if len(at["validation"]) else None,
            test=scored("test"),
            parts=np.array([scored("test", part).mean() for part in parts]),
            ceiling=ceiling,
        )

    entrants = []
    for mode, found in predictions.items():
        for each in found:
            entrants.append(entrant(mode, each))
            del each
    if not len(common["validation"]) and len(cuts) > 1:
        raise UserError(
            "`window.validation_size` must leave a step that every variant answers. "
            f"Received: {variants}"
        )
    used = windows.stop - windows.first
    baseline = _baseline(sequences, windows, targets["test"], rules.main)
    return Comparison(
        rules.main,
        entrants,
        baseline(np.arange(len(common["test"]))),
        np.array([baseline(part) for part in parts]),
        len(common["test"]),
        _gap(sequences, windows),
        int(used[np.diff(windows.samples) > 0].max()),
    )


def table(contest: Comparison) -> pd.DataFrame:
    """Return the scores of every network of every variant, a line for each.

    Returns:
        `mode`, `variant`, `pair` (networks of one number are compared), `validation`
        (NaN without such a split) and `test`.
    """
    parts = [
        pd.DataFrame(
            {
                "mode": each.mode,
                "variant": each.variant,
                "pair": np.arange(len(each.test)),
                "validation": np.nan if each.validation is None else each.validation,
                "test": each.test,
            }
        )
        for each in contest.entrants
    ]
    return pd.concat(parts, ignore_index=True)


def _key(predicted: Predictions) -> str:
    return json.dumps(predicted.layout)


class _Asked(NamedTuple):
    """The answers of a split that have a target."""

    answer: np.ndarray  # int64 [answers]; their numbers
    step: np.ndarray  # int64 [answers]; flat steps, in order


def _asked(sequences: Sequences, cut: Windows, code: int) -> _Asked:
    answers = predictions_of(cut, sequences_in_split(cut, code))
    known, _ = with_targets(sequences, cut, answers)
    return _Asked(known, locate_predictions(cut, known).step)


def _targets(sequences: Sequences, step: np.ndarray) -> np.ndarray:
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    return targets_at(sequences, sequence, step)


def in_parts(sequences: Sequences, step: np.ndarray) -> list[np.ndarray]:
    """Return which of some steps are in each part of them, numbered from 0.

    Sequences stay whole where there are enough of them; else parts follow in time.
    """
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    distinct, number = np.unique(sequence, return_inverse=True)
    if len(distinct) >= FEW:
        count = min(len(distinct), PARTS)
        number = number * count // len(distinct)
    else:
        count = min(len(step), STRETCHES)
        number = np.arange(len(step)) * count // len(step)
    return np.split(np.arange(len(step)), np.searchsorted(number, range(1, count)))


def _baseline(
    sequences: Sequences, windows: Windows, target: np.ndarray, score: str
) -> Callable[[np.ndarray], float]:
    """Return what scores one answer for all on some of the steps compared."""
    if score == "accuracy":
        most_frequent = np.bincount(target).argmax()
        return lambda part: float((target[part] == most_frequent).mean())
    train = _targets(sequences, _asked(sequences, windows, SPLITS["train"]).step)
    mean = np.array([[train.mean()]])
    return lambda part: float(scores.rmse(mean, target[part])[0])


def _gap(sequences: Sequences, windows: Windows) -> int:
    """Return the most steps from a target of train back to the one before it.

    A gradient that reaches back less far never comes to some of the steps.
    """
    longest = 1
    for each in sequences_in_split(windows, SPLITS["train"]).tolist():
        begin, end = int(windows.first[each]), int(windows.stop[each])
        known = np.flatnonzero(present(_targets(sequences, np.arange(begin, end))))
        longest = max(longest, int(np.diff(known, prepend=-1).max(initial=1)))
    return longest
