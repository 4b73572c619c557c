"""The slow twin of `compiled`: stock Keras, as the post trains it.

`fit` with a callback that resets state, or a loop over `train_on_batch`. It takes the
same plans and gives the same numbers, at the speed that people know.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from statelab import callbacks
from statelab.config.networks import HEADS, OPTIMIZERS, SCHEDULES
from statelab.errors import UserError
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture, Weights, seeds_of
from statelab.networks.optimizers import Optimizer
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import Plan
from statelab.training.options import TrainOptions

QUIET: Any = 0  # a string, says Keras's annotation


class ResetByPlan(keras.callbacks.Callback):
    """Reset the state before the batches that a plan says, in whatever Keras runs.

    Args:
        plan: what is run; its lanes are reset all together or not at all, padding
            apart.
        after_batch: is called after each batch, with how many are done.
    """

    def __init__(self, plan: Plan, after_batch: Callable[[int], None] = lambda _: None):
        super().__init__()
        sample, reset, _ = plans.expand(plan, 0, plan.batches)
        padding = sample < 0
        every_lane = np.all(reset | padding, axis=1)
        if (every_lane != np.any(reset & ~padding, axis=1)).any():
            raise UserError(
                "`engine` must be `compiled` where a lane begins a sequence while its "
                "neighbours go on: stock Keras resets all lanes of a batch together"
            )
        self._reset = every_lane
        self._after_batch = after_batch

    def on_train_batch_begin(self, batch, logs=None):
        if self._reset[batch]:
            callbacks.reset_states(self.model)  # pyright: ignore[reportArgumentType]

    on_test_batch_begin = on_predict_batch_begin = on_train_batch_begin

    def on_train_batch_end(self, batch, logs=None):
        self._after_batch(batch + 1)


class TrainState(NamedTuple):
    """Where a training stands: a Keras model for each seed, none before it begins."""

    weights: Weights
    models: tuple[keras.Model, ...]
    batch: int  # batches done of this pass, those of each seed counted
    batches: int  # of this pass, likewise
    loss: np.ndarray  # float64 [seeds]; the mean over this pass, as weights moved
    score: np.ndarray  # float64 [seeds]; accuracy, or mean absolute error


def start(weights: Weights, options: TrainOptions) -> TrainState:
    """Return a training that has not begun, as `compiled.start` does."""
    seeds = seeds_of(weights)
    unknown = np.full(seeds, np.nan)
    return TrainState(weights, (), 0, 0, unknown, unknown)


def train(
    state: TrainState,
    reader: ChunkReader,
    options: TrainOptions,
    *,
    active: np.ndarray | None = None,
    after_chunk: Callable[[TrainState], None] = lambda _: None,
    by_loop: bool = False,
) -> TrainState:
    """Train every network of a population, one after another, with stock Keras.

    Args:
        state, reader, active: as in `compiled.train`.
        options: likewise; a gradient window is None, or a whole sample.
        after_chunk: is called after each batch, those of each seed counted.
        by_loop: call `train_on_batch` for every batch in place of `fit`.

    Returns:
        Where the training stands after the pass.

    Raises:
        UserError: the plan resets some lanes of a batch and not others, samples differ
            in length, or the gradient window is shorter than they are.
    """
    if options.gradient_window not in (None, reader.sample_lengths[1]):
        raise UserError(
            "`gradient_window` must be a whole sample: Keras cuts the gradient at its "
            f"end alone. Received: gradient_window={options.gradient_window}"
        )
    seeds, batches = len(state.loss), reader.plans[0].batches
    population = state.models or tuple(
        _compiled_model(_one(state.weights, k), reader, options) for k in range(seeds)
    )
    state = state._replace(
        models=population,
        batches=seeds * batches,
        loss=state.loss.copy(),
        score=state.score.copy(),
    )
    one_pass = _pass_by_loop if by_loop else _pass_by_fit
    for k, model in enumerate(population):
        if active is not None and not active[k]:
            continue
        callbacks.reset_states(model)
        state.loss[k], state.score[k] = one_pass(
            model,
            reader.of_network(k),
            options.architecture.head,
            lambda done, k=k: after_chunk(state._replace(batch=k * batches + done)),
        )
    trained = zip(*(model.get_weights() for model in population), strict=True)
    weights = dict(zip(state.weights, map(np.stack, trained), strict=True))
    return state._replace(weights=weights, batch=seeds * batches)


def weights_of(state: TrainState, architecture: Architecture) -> Weights:
    """Return the weights by Keras's names, in Keras's order and shapes."""
    return state.weights


def state_of(state: TrainState) -> list[np.ndarray]:
    """Return the state after the last batch, h and c of each layer in turn.

    Each is [seeds, lanes, units]; nothing where the models are stateless.
    """
    states = (
        [part.numpy() for part in callbacks.states(model)] for model in state.models
    )
    return [np.stack(part) for part in zip(*states, strict=True)]


def predict(
    weights: Weights, reader: ChunkReader, architecture: Architecture
) -> np.ndarray:
    """Return each network's predictions as `compiled.predict` does, by stock Keras."""
    (plan,) = reader.plans
    x, _, _ = arrays_of(reader)
    seeds = seeds_of(weights)
    outputs = []
    for k in range(seeds):
        model = _model(_one(weights, k), reader, architecture)
        resets = [ResetByPlan(plan)]
        outputs.append(
            model.predict(x, batch_size=plan.lanes, verbose=QUIET, callbacks=resets)
        )
    shape = (seeds, plan.batches, plan.lanes, reader.predicted_steps)
    classes = () if architecture.outputs == 1 else (architecture.outputs,)
    by_batch = np.stack(outputs).reshape(*shape, *classes).swapaxes(0, 1)
    predictions = reader.no_predictions(seeds, architecture.outputs)
    reader.scatter(by_batch, 0, predictions)
    return predictions


def arrays_of(reader: ChunkReader) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Copy a plan out as the arrays that Keras wants: x, y and sample weights.

    Args:
        reader: of the batches of one plan.

    Returns:
        [batches * lanes, timesteps, features]; [batches * lanes, timesteps, 1] and
        [batches * lanes, timesteps], or [batches * lanes, 1] and [batches * lanes]
        where a sample has one prediction.
    """
    if reader.ragged:
        shortest, longest = reader.sample_lengths
        raise UserError(
            "`engine` must be `compiled` where samples differ in length. Received: "
            f"{shortest} to {longest} steps"
        )
    chunk = reader.read(0, reader.batches)
    x, y, weight = (
        field.reshape(-1, *field.shape[3:])
        for field in (chunk.x, chunk.target, chunk.weight)
    )
    if y.shape[1] == 1:
        return x, y, weight[:, 0]
    return x, y[..., None], weight


def _pass_by_fit(
    model: keras.Model,
    reader: ChunkReader,
    head: str,
    after_batch: Callable[[int], None],
) -> tuple[float, float]:
    """Train for one pass, and return its mean loss and score."""
    (plan,) = reader.plans
    x, y, weight = _labelled(reader)
    history = model.fit(
        x,
        y,
        sample_weight=weight,
        batch_size=plan.lanes,
        shuffle=False,
        verbose=QUIET,
        callbacks=[ResetByPlan(plan, after_batch)],
    ).history
    return history[HEADS[head].loss][0], history[HEADS[head].score][0]


def _pass_by_loop(
    model: keras.Model,
    reader: ChunkReader,
    head: str,
    after_batch: Callable[[int], None],
) -> tuple[float, float]:
    """Train for one pass, and return its mean loss and score."""
    (plan,) = reader.plans
    x, y, weight = _labelled(reader)
    resets = ResetByPlan(plan)
    resets.set_model(model)
    logs = []  # of each batch: `train_on_batch` begins its metrics anew
    for batch in range(plan.batches):
        resets.on_train_batch_begin(batch)
        rows = slice(batch * plan.lanes, (batch + 1) * plan.lanes)
        logs.append(
            model.train_on_batch(
                x[rows], y[rows], sample_weight=weight[rows], return_dict=True
            )
        )
        after_batch(batch + 1)
    weights = weight.reshape(plan.batches, -1).sum(axis=1)
    loss, score = (
        np.average([log[name] for log in logs], weights=weights)
        for name in (HEADS[head].loss, HEADS[head].score)
    )
    return float(loss), float(score)


def _labelled(reader: ChunkReader) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, weight = arrays_of(reader)
    if (weight.reshape(reader.batches, -1).sum(axis=1) == 0).any():
        raise UserError(
            "`engine` must be `compiled` where a batch may have no target: Keras makes "
            "an update of it all the same"
        )
    return x, y, weight


def _compiled_model(
    weights: list[np.ndarray], reader: ChunkReader, options: TrainOptions
) -> keras.Model:
    model = _model(weights, reader, options.architecture)
    head = HEADS[options.architecture.head]
    loss = getattr(keras.losses, head.loss.title().replace("_", ""))  # its class
    model.compile(
        optimizer=keras_optimizer(options.optimizer),
        loss=loss(reduction="mean_with_sample_weight"),
        # Keras's own mean of the loss counts padding lanes; that of a metric does not.
        weighted_metrics=[head.loss, head.score],
    )
    return model


def keras_optimizer(optimizer: Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer of Keras that a training's stands for."""
    rate, schedule = optimizer.learning_rate, SCHEDULES[optimizer.schedule]
    if schedule is not None:
        decay = getattr(keras.optimizers.schedules, schedule)
        rate = decay(rate, optimizer.updates)
    rule = getattr(keras.optimizers, OPTIMIZERS[optimizer.name].keras)
    return rule(rate, clipnorm=optimizer.clipnorm)


def _model(
    weights: list[np.ndarray], reader: ChunkReader, architecture: Architecture
) -> keras.Model:
    model = keras_models.build(
        architecture,
        timesteps=reader.timesteps,
        batch_size=reader.lanes,
        stateful=not plans.stateless(reader.plans[0]),
        return_sequences=reader.predicted_steps > 1,
    )
    model.set_weights(weights)
    return model


def _one(weights: Weights, k: int) -> list[np.ndarray]:
    return [array[k] for array in weights.values()]
