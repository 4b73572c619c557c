"""What is compared: the variants of both modes, on the time steps that all predict."""

import functools
import json
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd

from statelab.baselines.naive import (
    constant_prediction,
    constant_score,
    point_score,
)
from statelab.baselines.stored import Baseline
from statelab.data.sequences import SPLITS, Sequences, head_of, present, targets_at
from statelab.errors import UserError
from statelab.evaluation.ceilings import find_ceiling
from statelab.evaluation.scoring import with_target
from statelab.io.predictions import Predictions
from statelab.networks import scores
from statelab.networks.scores import Score
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    rewindow,
    sample_lengths,
    sequences_in_split,
)

HELD_OUT = ("validation", "test")
PARTS = 100  # of the test split, at most
FEW_SEQUENCES = 10  # of fewer, parts are stretches of time
STRETCHES = 20  # of time


class Candidate(NamedTuple):
    """One variant, and how well it does."""

    mode: str
    variant: str
    timesteps: int  # of a sample, at most
    gradient_window: int  # time steps
    updates: int | None  # of each network; None where validation ended its training
    validation: np.ndarray | None  # [seeds]; None where there is no such split
    test: np.ndarray  # [seeds]
    parts: np.ndarray  # [parts]; of the test split, in each the mean over seeds
    ceiling: float | None  # of `test`, where it is known


class BaselineScore(NamedTuple):
    """A simple method, and how well it does on the steps of the candidates."""

    name: str  # of `naive.NAMES`
    detail: str  # what was chosen for it, in words
    validation: float | None  # None where there is no such split
    test: float
    parts: np.ndarray  # [parts]; of the test split


class Comparison(NamedTuple):
    """All candidates, and what they are scored by."""

    score: Score
    candidates: list[Candidate]
    simple: list[BaselineScore]  # besides the constant prediction below
    baseline: float  # of one prediction for all; what has learned is better
    baseline_parts: np.ndarray  # [parts]; in each part of the test split
    steps: int  # time steps of the test split, which all predict
    target_gap: int  # time steps from a target of train to the one before it, at most
    longest_sequence: int  # time steps


def compare(
    sequences: Sequences,
    windows: Windows,
    predictions: Mapping[str, Iterable[Predictions]],
    baselines: Iterable[Baseline] = (),
) -> Comparison:
    """Score every variant on the time steps with a target that all of them predict.

    Args:
        sequences: the time steps and their targets.
        windows: as they are in use.
        predictions: of every variant, by mode; gone through twice.
        baselines: simple methods, which are scored on the same steps.

    Raises:
        UserError: there is no time step of the test split that all predict.
    """
    tables, variants = _window_tables(windows, predictions)
    steps, numbers = _common_steps(sequences, tables)
    if not len(steps["test"]):
        raise UserError(
            "`train_stateless.lookbacks` must leave a step of test that every variant "
            f"predicts. Received: {variants}"
        )
    if not len(steps["validation"]) and len(tables) > 1:
        raise UserError(
            "`window.validation_size` must leave a step that every variant predicts. "
            f"Received: {variants}"
        )
    scored = _Scored(
        scores.OF_HEAD[head_of(sequences.targets)[0]].main,
        {name: _targets(sequences, step) for name, step in steps.items()},
        in_parts(sequences, steps["test"]),
    )
    candidates = []
    for mode, of_mode in predictions.items():
        for predicted in of_mode:
            layout = _layout(predicted)
            candidates.append(
                _candidate(
                    mode, predicted, sequences, tables[layout], numbers[layout], scored
                )
            )
            del predicted  # of long data there is no room for another one
    target = scored.targets["test"]
    _, train_target = with_target(sequences, windows, "train")
    constant = constant_prediction(target, train_target)
    lengths = windows.stop - windows.first
    return Comparison(
        score=scored.score,
        candidates=candidates,
        simple=[_baseline(each, steps, scored) for each in baselines],
        baseline=constant_score(constant, target),
        baseline_parts=np.array(
            [constant_score(constant, target[part]) for part in scored.parts]
        ),
        steps=len(target),
        target_gap=_target_gap(sequences, windows),
        longest_sequence=int(lengths[np.diff(windows.samples) > 0].max()),
    )


def _baseline(
    baseline: Baseline, steps: dict[str, np.ndarray], scored: "_Scored"
) -> BaselineScore:
    """Score a simple method on the common time steps."""
    values = {name: baseline.predictions[step] for name, step in steps.items()}

    def score(split: str, part: np.ndarray | slice = slice(None)) -> float:
        return point_score(values[split][part], scored.targets[split][part])

    return BaselineScore(
        name=baseline.name,
        detail=baseline.detail,
        validation=score("validation") if len(steps["validation"]) else None,
        test=score("test"),
        parts=np.array([score("test", part) for part in scored.parts]),
    )


class _Scored(NamedTuple):
    """What every candidate is scored on."""

    score: Score
    targets: dict[str, np.ndarray]  # by split, [steps that all predict]
    parts: list[np.ndarray]  # of the test split


def _candidate(
    mode: str,
    predicted: Predictions,
    sequences: Sequences,
    table: Windows,
    numbers: dict[str, np.ndarray],
    scored: _Scored,
) -> Candidate:
    """Score one variant.

    Args:
        mode: whose it is.
        predicted: its predictions.
        sequences: the time steps.
        table: its windows.
        numbers: by split, those of its predictions that are of the common time steps.
        scored: the common time steps.
    """

    def score(split: str, part: np.ndarray | slice = slice(None)) -> np.ndarray:
        return scored.score.function(
            predicted.predictions[:, numbers[split][part]], scored.targets[split][part]
        )

    ceiling = None
    if scored.score is scores.ACCURACY:
        ceiling = find_ceiling(
            sequences,
            table,
            predicted.visible_from,
            numbers["test"],
            scored.targets["test"],
        )
    return Candidate(
        mode=mode,
        variant=predicted.variant,
        timesteps=sample_lengths(table)[1],
        gradient_window=predicted.gradient_window,
        updates=predicted.updates,
        validation=score("validation") if len(numbers["validation"]) else None,
        test=score("test"),
        parts=np.array([score("test", part).mean() for part in scored.parts]),
        ceiling=ceiling,
    )


def table(comparison: Comparison) -> pd.DataFrame:
    """Return the scores of every network of every variant, a line for each.

    Returns:
        `mode`, `variant`, `pair` (networks of one number are compared), `validation`
        (NaN without such a split) and `test`.
    """
    parts = [
        pd.DataFrame(
            {
                "mode": candidate.mode,
                "variant": candidate.variant,
                "pair": np.arange(len(candidate.test)),
                "validation": np.nan
                if candidate.validation is None
                else candidate.validation,
                "test": candidate.test,
            }
        )
        for candidate in comparison.candidates
    ]
    return pd.concat(parts, ignore_index=True)


def _window_tables(
    windows: Windows, predictions: Mapping[str, Iterable[Predictions]]
) -> tuple[dict[str, Windows], list[str]]:
    """Return the windows of each layout, and the names of the variants."""
    tables, variants = {}, []
    for predicted in chain.from_iterable(predictions.values()):
        variants.append(predicted.variant)
        tables[_layout(predicted)] = rewindow(windows, **predicted.layout)
        del predicted  # of long data there is no room for another one
    return tables, variants


def _layout(predicted: Predictions) -> str:
    return json.dumps(predicted.layout)


def _common_steps(
    sequences: Sequences, tables: Mapping[str, Windows]
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """Return the time steps with a target that all layouts predict.

    Returns:
        By split, flat time steps, [steps]; and by layout and split the number of the
        prediction of each.
    """
    steps = {}
    numbers: dict[str, dict[str, np.ndarray]] = {layout: {} for layout in tables}
    for split in HELD_OUT:
        own_steps = {}
        for layout, table in tables.items():
            number, _ = with_target(sequences, table, split)
            numbers[layout][split] = number
            own_steps[layout] = locate_predictions(table, number).step  # in order
        steps[split] = functools.reduce(np.intersect1d, own_steps.values())
        for layout, own in own_steps.items():
            common = np.searchsorted(own, steps[split])
            numbers[layout][split] = numbers[layout][split][common]
    return steps, numbers


def _targets(sequences: Sequences, step: np.ndarray) -> np.ndarray:
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    return targets_at(sequences, sequence, step)


def in_parts(sequences: Sequences, step: np.ndarray) -> list[np.ndarray]:
    """Cut time steps into parts, over which scores can be compared.

    With at least `FEW_SEQUENCES`, a part is some sequences; with fewer, a stretch of
    time.

    Args:
        sequences: where they begin.
        step: flat time steps, in order, [steps].

    Returns:
        For each part, which of `step` it holds, counted from 0.
    """
    sequence = np.searchsorted(sequences.offsets, step, side="right") - 1
    distinct, part = np.unique(sequence, return_inverse=True)
    if len(distinct) >= FEW_SEQUENCES:
        count = min(len(distinct), PARTS)
        part = part * count // len(distinct)
    else:
        count = min(len(step), STRETCHES)
        part = np.arange(len(step)) * count // len(step)
    return np.split(np.arange(len(step)), np.searchsorted(part, range(1, count)))


def _target_gap(sequences: Sequences, windows: Windows) -> int:
    """Return the most time steps from a target of train back to the one before it.

    A gradient window that is shorter never comes to some of the time steps.
    """
    longest = 1
    for sequence in sequences_in_split(windows, SPLITS["train"]).tolist():
        first, stop = int(windows.first[sequence]), int(windows.stop[sequence])
        known = np.flatnonzero(present(_targets(sequences, np.arange(first, stop))))
        longest = max(longest, int(np.diff(known, prepend=-1).max(initial=1)))
    return longest
