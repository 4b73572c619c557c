"""Trains the variants of a mode, chooses the best, and trains it on other splits.

How variants are trained is left to the caller: `evaluation` knows of no trainer.
"""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import pandas as pd

from statelab.baselines.naive import Forecast
from statelab.config.settings import AnyTrainSettings, Training
from statelab.data.sequences import Sequences
from statelab.evaluation import choice, convergence, variants
from statelab.evaluation.variants import Variant
from statelab.io.predictions import Predictions
from statelab.networks import scores
from statelab.samples.windows import Windows


class Trained(Protocol):
    """What a training leaves behind, as `trainer.Trained`."""

    @property
    def history(self) -> pd.DataFrame: ...

    @property
    def predictions(self) -> np.ndarray: ...

    @property
    def visible_from(self) -> np.ndarray: ...


_Trained = TypeVar("_Trained", bound=Trained)
# trains each variant on the split of a number; none of them needs another one
_TrainAll = Callable[[list[tuple[Variant, int]]], list[_Trained]]


class Selected(NamedTuple, Generic[_Trained]):
    """What the variants of a mode came to."""

    # of every variant on the first split, what is in use first, and then of the chosen
    # one on each other split
    predictions: list[Predictions]
    in_use: _Trained
    variant: Variant  # that was chosen
    chosen: _Trained


def select(
    sequences: Sequences,
    splits: Sequence[Windows],
    training: Training,
    stateful: AnyTrainSettings,
    forecast: Forecast | None,
    train_all: _TrainAll[_Trained],
) -> Selected[_Trained]:
    """Train what is in use at each rate, then other variants, then the best elsewhere.

    A variant of fewer networks than are in use is compared with as many of these. If it
    is the best, as many as are in use are trained of it, and compared once more.

    Args:
        sequences: the time steps and their targets.
        splits: the windows of each split.
        training, stateful, forecast: as in `variants.of`.
        train_all: trains variants, each on the split of a number, in any order.
    """
    first = splits[0]
    in_use, *others = variants.of(sequences, first, training, stateful, forecast)
    used, used_trained = _at_the_best_rate(in_use, train_all)
    rate = used.training.settings.learning_rate
    tried = [used, *(variants.with_rate(other, rate) for other in others)]
    trained = [used_trained, *train_all([(other, 0) for other in tried[1:]])]
    predictions = [
        _recorded(variant, each) for variant, each in zip(tried, trained, strict=True)
    ]
    best = choice.choose(sequences, first, _of_equal_counts(predictions))
    seeds = used.training.settings.seeds
    if tried[best].training.settings.seeds < seeds:
        tried[best] = variants.with_networks(tried[best], seeds)
        (trained[best],) = train_all([(tried[best], 0)])
        predictions[best] = _recorded(tried[best], trained[best])
        if choice.choose(sequences, first, [predictions[0], predictions[best]]) == 0:
            best = 0
    predictions[best] = predictions[best]._replace(chosen=True)
    elsewhere = [
        (variants.with_budget(sequences, windows, tried[best], tried[best].budget), nth)
        for nth, windows in enumerate(splits[1:], 1)
    ]
    for (own, nth), each in zip(elsewhere, train_all(elsewhere), strict=True):
        predictions.append(_recorded(own, each)._replace(split=nth, chosen=True))
    return Selected(predictions, used_trained, tried[best], trained[best])


def _of_equal_counts(predictions: list[Predictions]) -> list[Predictions]:
    """Return as many networks of each variant as there are of the one with fewest."""
    count = min(len(each.predictions) for each in predictions)
    return [each._replace(predictions=each.predictions[:count]) for each in predictions]


def _at_the_best_rate(
    in_use: Variant, train_all: _TrainAll[_Trained]
) -> tuple[Variant, _Trained]:
    """Train what is in use at each learning rate, and keep the best on validation."""
    others = (variants.with_rate(in_use, rate) for rate in variants.other_rates(in_use))
    tried = [in_use, *others]
    trained = train_all([(each, 0) for each in tried])
    # of those that are equal the first
    return max(zip(tried, trained, strict=True), key=lambda pair: _score(*pair))


def _score(variant: Variant, trained: Trained) -> float:
    """Return what a training came to; higher is better."""
    settings, history = variant.training.settings, trained.history
    best = settings.patience is not None
    reached = convergence.reached(history, settings.epochs, best=best)
    return scores.of_columns(history.columns).main.sign * float(reached.mean())


def _recorded(variant: Variant, trained: Trained) -> Predictions:
    """Return what a variant predicts on the first split, and how it was trained."""
    settings = variant.training.settings
    return Predictions(
        variant=variant.name,
        split=0,
        layout=variant.layout,
        gradient_window=variant.gradient_window,
        chosen=False,
        batch_size=settings.lanes,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        updates=variant.budget.updates,
        labelled_steps=variant.budget.labelled_steps,
        late_gain=convergence.late_gain(
            trained.history, settings.epochs, best=settings.patience is not None
        ),
        predictions=trained.predictions,
        visible_from=trained.visible_from,
    )
