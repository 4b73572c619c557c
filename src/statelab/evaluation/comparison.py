"""What is compared: the variants of both modes, on the time steps that all predict."""

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
from statelab.data.sequences import SPLITS, Sequences, head_of, present
from statelab.errors import UserError
from statelab.evaluation import common_steps
from statelab.evaluation.ceilings import find_ceiling
from statelab.evaluation.scoring import with_target
from statelab.io.predictions import Predictions
from statelab.networks import scores
from statelab.networks.scores import Score
from statelab.samples.windows import (
    Windows,
    rewindow,
    sample_lengths,
    sequences_in_split,
)

HELD_OUT = ("validation", "test")


class Candidate(NamedTuple):
    """One variant, and how well it does."""

    mode: str
    variant: str
    timesteps: int  # of a sample, at most
    gradient_window: int  # time steps
    chosen: bool  # as the best of its mode
    learning_rate: float
    updates: int  # of each network, unless it stopped early
    labelled_steps: int  # that count in its loss, in all epochs
    late_gain: float  # of the score, at least, in the last third of the training
    validation: np.ndarray | None  # [seeds]; None where there is no such split
    test: np.ndarray  # [seeds]
    errors: np.ndarray  # [steps]; at each of test, as `scores.step_errors` has them
    ceiling: float | None  # of `test`, where it is known


class BaselineScore(NamedTuple):
    """A simple method, and how well it does on the steps of the candidates."""

    name: str  # of `naive.NAMES`
    detail: str  # what was chosen for it, in words
    validation: float | None  # None where there is no such split
    test: float
    errors: np.ndarray  # [steps]


class Comparison(NamedTuple):
    """All candidates, and what they are scored by."""

    score: Score
    candidates: list[Candidate]
    simple: list[BaselineScore]  # besides the constant prediction below
    baseline: float  # of one prediction for all; what has learned is better
    baseline_errors: np.ndarray  # [steps]
    step: np.ndarray  # int64 [steps]; of test, which all predict; flat, in order
    sequence: np.ndarray  # int64 [steps]; that of each
    horizon: int  # time steps ahead that are forecast; 1 where nothing is
    target_gap: int  # time steps from a target of train to the one before it, at most
    longest_sequence: int  # time steps
    # [splits]; by what stateful is better than stateless in each; one where one is
    by_split: np.ndarray
    test_share: float  # steps of test by those of train, the mean over splits

    @property
    def steps(self) -> int:
        """The time steps that candidates are compared on."""
        return len(self.sequence)


def compare(
    sequences: Sequences,
    windows: Windows,
    predictions: Mapping[str, Iterable[Predictions]],
    baselines: Iterable[Baseline] = (),
    horizon: int = 1,
) -> Comparison:
    """Score every variant on the time steps with a target that all of them predict.

    Args:
        sequences: the time steps and their targets.
        windows: as they are in use.
        predictions: of every variant, by mode; gone through twice.
        baselines: simple methods, which are scored on the same steps.
        horizon: time steps ahead that are forecast; 1 where nothing is.

    Raises:
        UserError: there is no time step of the test split that all predict.
    """
    tables, variants = _window_tables(windows, predictions)
    steps, numbers = {}, {}
    for split in HELD_OUT:
        steps[split], numbers[split] = common_steps.of(sequences, tables, split)
    if not len(steps["test"]):
        raise UserError(
            "`train_stateless.lookbacks` must leave a step of test that every variant "
            f"predicts. Received: {variants}"
        )
    scored = _Scored(
        scores.OF_HEAD[head_of(sequences.targets)[0]].main,
        {split: common_steps.targets(sequences, s) for split, s in steps.items()},
    )
    candidates = []
    for mode, of_mode in predictions.items():
        for predicted in of_mode:
            layout = common_steps.layout_of(predicted)
            own = {split: by_layout[layout] for split, by_layout in numbers.items()}
            candidates.append(
                _candidate(mode, predicted, sequences, tables[layout], own, scored)
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
        baseline_errors=_point_errors(np.full(len(target), constant), target),
        step=steps["test"],
        sequence=np.searchsorted(sequences.offsets, steps["test"], side="right") - 1,
        horizon=max(horizon, 1),
        target_gap=_target_gap(sequences, windows),
        longest_sequence=int(lengths[np.diff(windows.samples) > 0].max()),
        by_split=_better_by(candidates, scored.score),
        test_share=_test_share(windows),
    )


def _better_by(candidates: list[Candidate], score: Score) -> np.ndarray:
    """Return by what the chosen stateful variant is better, [1]; [0] of one mode."""
    means = {c.mode: score.sign * float(c.test.mean()) for c in candidates if c.chosen}
    if len(means) < 2:
        return np.empty(0)
    return np.array([means["stateful"] - means["stateless"]])


def _test_share(windows: Windows) -> float:
    steps = windows.stop - windows.first
    test, train = (
        int(steps[windows.split == SPLITS[name]].sum()) for name in ("test", "train")
    )
    return test / max(train, 1)


def pooled(splits: list[Comparison]) -> Comparison:
    """Return what several splits say together.

    Args:
        splits: the comparison on each; on those after the first of the chosen variants
            alone.

    Returns:
        The first, in which scores of chosen variants and of baselines are means over
        the splits, and their errors those at the test steps of all of them, in order.
    """
    first = splits[0]
    if len(splits) == 1:
        return first
    order = np.argsort(np.concatenate([one.step for one in splits]), kind="stable")

    def in_order(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts)[order]

    def merged(candidate: Candidate) -> Candidate:
        if not candidate.chosen:
            return candidate
        own = [
            next(c for c in one.candidates if c.chosen and c.mode == candidate.mode)
            for one in splits
        ]
        return candidate._replace(
            test=np.mean([c.test for c in own], axis=0),
            errors=in_order([c.errors for c in own]),
            late_gain=max(c.late_gain for c in own),
        )

    def merged_baseline(number: int) -> BaselineScore:
        own = [one.simple[number] for one in splits]
        known = [b.validation for b in own if b.validation is not None]
        return own[0]._replace(
            validation=float(np.mean(known)) if len(known) == len(own) else None,
            test=float(np.mean([b.test for b in own])),
            errors=in_order([b.errors for b in own]),
        )

    names = set.intersection(*({b.name for b in one.simple} for one in splits))
    splits = [
        one._replace(simple=[b for b in one.simple if b.name in names])
        for one in splits
    ]
    return first._replace(
        candidates=[merged(candidate) for candidate in first.candidates],
        simple=[merged_baseline(number) for number in range(len(names))],
        baseline=float(np.mean([one.baseline for one in splits])),
        baseline_errors=in_order([one.baseline_errors for one in splits]),
        step=in_order([one.step for one in splits]),
        sequence=in_order([one.sequence for one in splits]),
        by_split=np.concatenate([one.by_split for one in splits]),
        test_share=float(np.mean([one.test_share for one in splits])),
    )


def _baseline(
    baseline: Baseline, steps: dict[str, np.ndarray], scored: "_Scored"
) -> BaselineScore:
    """Score a simple method on the common time steps."""
    values = {name: baseline.predictions[step] for name, step in steps.items()}
    known, target = scored.targets["validation"], scored.targets["test"]
    return BaselineScore(
        name=baseline.name,
        detail=baseline.detail,
        validation=point_score(values["validation"], known) if len(known) else None,
        test=point_score(values["test"], target),
        errors=_point_errors(values["test"], target),
    )


def _point_errors(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the error at each time step of classes, or values, that are predicted."""
    if target.dtype.kind != "f":
        return (predicted != target).astype(float)
    return scores.step_errors(predicted[None], target)


class _Scored(NamedTuple):
    """What every candidate is scored on."""

    score: Score
    targets: dict[str, np.ndarray]  # by split, [steps that all predict]


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

    values = {name: predicted.predictions[:, own] for name, own in numbers.items()}
    known, target = scored.targets["validation"], scored.targets["test"]
    score = scored.score.function
    ceiling = None
    if scored.score is scores.ACCURACY:
        ceiling = find_ceiling(
            sequences,
            table,
            predicted.visible_from,
            numbers["test"],
            target,
        )
    return Candidate(
        mode=mode,
        variant=predicted.variant,
        timesteps=sample_lengths(table)[1],
        gradient_window=predicted.gradient_window,
        chosen=predicted.chosen,
        learning_rate=predicted.learning_rate,
        updates=predicted.updates,
        labelled_steps=predicted.labelled_steps,
        late_gain=predicted.late_gain,
        validation=score(values["validation"], known) if len(known) else None,
        test=score(values["test"], target),
        errors=scores.step_errors(values["test"], target),
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
        tables[common_steps.layout_of(predicted)] = rewindow(
            windows, **predicted.layout
        )
        del predicted  # of long data there is no room for another one
    return tables, variants


def _target_gap(sequences: Sequences, windows: Windows) -> int:
    """Return the most time steps from a target of train back to the one before it.

    A gradient window that is shorter never comes to some of the time steps.
    """
    longest = 1
    for sequence in sequences_in_split(windows, SPLITS["train"]).tolist():
        first, stop = int(windows.first[sequence]), int(windows.stop[sequence])
        known = np.flatnonzero(
            present(common_steps.targets(sequences, np.arange(first, stop)))
        )
        longest = max(longest, int(np.diff(known, prepend=-1).max(initial=1)))
    return longest
