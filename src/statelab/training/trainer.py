"""Trains one mode, stateless or stateful: a population of networks, epoch by epoch."""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from statelab.config.settings import Training
from statelab.config.values import count
from statelab.data.sequences import Sequences, head_of
from statelab.errors import UserError
from statelab.networks import keras_models, scores
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.optimizers import Optimizer
from statelab.samples import class_weights, plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, has_a_target, sample_lengths
from statelab.training import compiled, early_stopping, held_out, keras_fit
from statelab.training.early_stopping import Stopping
from statelab.training.held_out import HeldOut, Predictor
from statelab.training.options import TrainOptions, architecture_for


class Engine(NamedTuple):
    """What trains: functions of the same arguments and meaning."""

    start: Callable[..., Any]
    train: Callable[..., Any]
    weights_of: Callable[..., Weights]
    predict: Callable[[Weights, ChunkReader, Architecture], np.ndarray]


_KERAS = Engine(
    keras_fit.start, keras_fit.train, keras_fit.weights_of, keras_fit.predict
)
ENGINES = {
    "compiled": Engine(
        compiled.start, compiled.train, compiled.weights_of, compiled.predict
    ),
    "reference": _KERAS,
    "reference_loop": _KERAS._replace(
        train=functools.partial(keras_fit.train, by_loop=True)
    ),
}


class Trained(NamedTuple):
    """What training one mode leaves behind."""

    architecture: Architecture
    weights: Weights
    predictions: np.ndarray  # float32 [seeds, predictions, …], by the last weights
    visible_from: np.ndarray  # int64 [predictions]; the first step each may depend on
    history: pd.DataFrame  # one line for each seed and epoch
    updates: int  # of each seed
    seconds: list[float]  # of each epoch's training; the first one compiles


class TrainingProgress(NamedTuple):
    """How far training has come: all that the rest of it depends on."""

    epoch: int  # epochs done
    state: Any  # of the engine; its pass is over, or under way, or has not begun
    best: Stopping
    history: list[pd.DataFrame]  # lines of the epochs done
    seconds: list[float]  # of each epoch's training, and so far of one under way


class ProgressCallback(Protocol):
    """Is called as training goes on, to show how far it is."""

    def resumed(self, epoch: int, batch: int, done: int) -> None: ...

    def batches(self, done: int, total: int) -> None: ...

    def epoch(self, epoch: int, lines: pd.DataFrame) -> None: ...

    def done(self) -> None: ...


class _Setup(NamedTuple):
    """What stays the same from the first epoch to the last."""

    training: Training
    engine: Engine
    options: TrainOptions
    predictor: Predictor
    class_weight: np.ndarray | None  # [classes]
    held_out: list[HeldOut]
    progress: ProgressCallback
    on_checkpoint: Callable[[TrainingProgress], None]


def train(
    sequences: Sequences,
    windows: Windows,
    training: Training,
    *,
    progress: ProgressCallback,
    scaling: Scaling | None = None,
    units: UserUnits | None = None,
    resume: TrainingProgress | None = None,
    on_checkpoint: Callable[[TrainingProgress], None] = lambda _: None,
) -> Trained:
    """Train a population on the train split, and predict every split with it.

    Args:
        sequences: the steps and their targets.
        windows: the samples of each split.
        training: the network, how it is trained, and the first seed.
        progress: is called as batches and epochs end.
        scaling: of features and values to predict. Predictions, losses and scores are
            in the units of the sequences all the same.
        units: what puts predictions back, where the sequences hold changes; None where
            they hold levels. Predictions and held-out scores are in the user's units
            then, and what training counts is of changes.
        resume: where training of the same settings and data stood, to go on from there;
            None to begin.
        on_checkpoint: is called after each chunk and each epoch, with where training
            stands.

    Returns:
        Weights, predictions and history, the same to the byte however often training
        was resumed.

    Raises:
        UserError: nothing in train has a target, nothing is there to validate on, or a
            network diverged.
    """
    settings, engine = training.settings, ENGINES[training.settings.engine]
    _require_a_target(sequences, windows, settings.burn_in)
    _require_validation(windows, training)
    plan = plans.training_plan(windows, settings)
    architecture = architecture_for(sequences, training.model)
    predictor = Predictor(
        sequences, windows, scaling, training, architecture, engine.predict, units
    )
    setup = _Setup(
        training,
        engine,
        TrainOptions(
            architecture,
            _optimizer(training, plan.batches * settings.epochs),
            settings.gradient_window,
        ),
        predictor,
        _class_weight(sequences, windows, training),
        held_out.held_out_splits(predictor),
        progress,
        on_checkpoint,
    )
    current = resume or _begin(setup)
    if resume is not None:
        batch = resume.state.batch
        done = resume.epoch * plan.batches + batch
        progress.resumed(resume.epoch + 1, batch, done)
    while current.epoch < settings.epochs:
        active = early_stopping.active(current.best, _patience(training))
        if not active.any():
            break
        current = _train_pass(setup, plan, current, active)
        current = _end_epoch(setup, current, active)
        on_checkpoint(current)
    progress.done()
    weights = current.best.weights
    if settings.patience is None:
        weights = engine.weights_of(current.state, architecture)
    predictions, visible_from = held_out.predict_all(predictor, weights)
    return Trained(
        architecture=architecture,
        weights=weights,
        predictions=predictions,
        visible_from=visible_from,
        history=pd.concat(current.history, ignore_index=True),
        updates=plan.batches * current.epoch,
        seconds=current.seconds,
    )


def _patience(training: Training) -> int | None:
    """Return the epochs that a network may go on without a lower loss; None for all."""
    settings = training.settings
    if settings.patience is None:
        return None
    return count(settings.patience, settings.epochs)


def _require_a_target(sequences: Sequences, windows: Windows, burn_in: int) -> None:
    train = held_out.used_splits(windows)["train"]
    if any(has_a_target(sequences, windows, one, burn_in) for one in train):
        return
    if burn_in:
        raise UserError(
            "`train_stateful.burn_in` must leave a target in train. "
            f"Received: {burn_in}"
        )
    raise UserError(
        "`window.stride` must lead to a step of train with a target, with windows of "
        f"{sample_lengths(windows)[1]} steps as well. Received: {windows.stride[0]}"
    )


def _require_validation(windows: Windows, training: Training) -> None:
    patience = training.settings.patience
    if patience is None or "validation" in held_out.used_splits(windows):
        return
    mode = "stateful" if training.settings.stateful else "stateless"
    raise UserError(
        f"`train_{mode}.patience` must be null where no sequence is to validate on. "
        f"Received: {patience}"
    )


def _class_weight(
    sequences: Sequences, windows: Windows, training: Training
) -> np.ndarray | None:
    """Return how much each class counts in the loss; None where all count alike."""
    if training.model.class_weight is None:
        return None
    if head_of(sequences.targets)[0] == "regression":
        raise UserError(
            "`model.class_weight` must be null for values, which are no classes. "
            f"Received: {training.model.class_weight}"
        )
    return class_weights.balanced(sequences, windows)


def _optimizer(training: Training, updates: int) -> Optimizer:
    settings = training.settings
    return Optimizer(
        settings.optimizer,
        settings.learning_rate,
        settings.schedule,
        settings.clipnorm,
        updates,
    )


def _begin(setup: _Setup) -> TrainingProgress:
    weights = keras_models.initial_weights(
        setup.training.seeds,
        setup.options.architecture,
        forget_bias=setup.training.model.forget_bias,
        longest=int(np.diff(setup.predictor.sequences.offsets).max()),
    )
    return TrainingProgress(
        epoch=0,
        state=setup.engine.start(weights, setup.options),
        best=early_stopping.begin(weights),
        history=[],
        seconds=[],
    )


def _train_pass(
    setup: _Setup, plan: Plan, current: TrainingProgress, active: np.ndarray
) -> TrainingProgress:
    """Train for one pass, or for the rest of one that was cut short.

    Args:
        setup: of the training.
        plan: of a pass that is not shuffled.
        current: where training stands.
        active: which networks learn, [seeds].
    """
    if current.state.batch >= current.state.batches > 0:
        return current  # it was cut short between the pass and its scores
    started = time.perf_counter() - sum(current.seconds[current.epoch :])

    def progress_at(state: Any) -> TrainingProgress:
        spent = time.perf_counter() - started
        seconds = [*current.seconds[: current.epoch], spent]
        return current._replace(state=state, seconds=seconds)

    def after_chunk(state: Any) -> None:
        done = current.epoch * state.batches + state.batch
        total = setup.training.settings.epochs * state.batches
        setup.progress.batches(done, total)
        setup.on_checkpoint(progress_at(state))

    sequences, windows, scaling, training, *_ = setup.predictor
    followed = [plan]
    if training.settings.shuffle:  # in a new order for each epoch and seed
        followed = [
            plans.training_plan(
                windows, training.settings, np.random.default_rng((seed, current.epoch))
            )
            for seed in training.seeds
        ]
    burn_in = training.settings.burn_in
    state = setup.engine.train(
        current.state,
        ChunkReader(
            sequences,
            windows,
            followed,
            scaling,
            burn_in,
            class_weight=setup.class_weight,
        ),
        setup.options,
        active=active,
        after_chunk=after_chunk,
    )
    return progress_at(state)


def _end_epoch(
    setup: _Setup, current: TrainingProgress, active: np.ndarray
) -> TrainingProgress:
    """Score an epoch, take note of the best weights, and let the next one begin.

    Raises:
        UserError: a network diverged.
    """
    settings, epoch = setup.training.settings, current.epoch + 1
    state, architecture = current.state, setup.options.architecture
    if diverged := np.count_nonzero(active & ~np.isfinite(state.loss)):
        raise UserError(
            f"{diverged} of {settings.seeds} networks diverged in epoch {epoch}: their "
            "loss is not finite. Lower `learning_rate`, or set `clipnorm`. Received: "
            f"learning_rate={settings.learning_rate}, clipnorm={settings.clipnorm}"
        )
    weights = setup.engine.weights_of(state, architecture)
    unit = 1.0  # of values to predict, in which training counts its errors
    if setup.predictor.scaling is not None and architecture.head == "regression":
        unit = setup.predictor.scaling.target_scale.item()
    scored = {
        "loss": state.loss * unit**2,
        scores.OF_HEAD[architecture.head].running.name: state.score * unit,
        **held_out.score_splits(setup.predictor, setup.held_out, weights),
    }
    lines = pd.DataFrame({"seed": setup.training.seeds, "epoch": epoch, **scored})
    lines = lines.loc[active]
    setup.progress.epoch(epoch, lines)
    best = current.best
    if settings.patience is not None:
        best = early_stopping.observe(best, scored["validation_loss"], weights)
    return TrainingProgress(
        epoch=epoch,
        state=state._replace(batch=0, batches=0),  # the next pass has not begun
        best=best,
        history=[*current.history, lines],
        seconds=current.seconds,
    )
