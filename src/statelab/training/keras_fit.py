"""The slow twin of `training`: stock Keras, as the post trains it.

`fit` with a callback that resets state, or a loop over `train_on_batch`. It takes the
same plans and gives the same numbers, at the speed that people know.
"""

# pyright: reportArgumentType=false
# (Keras and TensorFlow annotate less than they take)

from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np

from statelab.data.sequences import Sequences
from statelab.errors import UserError
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture, Weights
from statelab.networks.optimizers import Optimizer
from statelab.samples import chunks, plans
from statelab.samples.plans import Plan
from statelab.samples.scaling import Scaling
from statelab.samples.windows import (
    Windows,
    first_predictions,
    predicted_steps,
    sample_lengths,
)

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
# Of each head, its loss, and the metrics that are the loss and the score.
LOSSES = {
    "binary": (keras.losses.BinaryCrossentropy, ["binary_crossentropy", "accuracy"]),
    "multiclass": (
        keras.losses.SparseCategoricalCrossentropy,
        ["sparse_categorical_crossentropy", "accuracy"],
    ),
    "regression": (
        keras.losses.MeanSquaredError,
        ["mean_squared_error", "mean_absolute_error"],
    ),
}
SCHEDULES = {
    "constant": lambda rate, updates: rate,
    "cosine": keras.optimizers.schedules.CosineDecay,
}


class ResetStates(keras.callbacks.Callback):
    """Reset the state before the batches that a plan says, in whatever Keras runs.

    Args:
        plan: what is run; its lanes are reset all together or not at all, padding
            apart.
        report: called with every batch that is done.
    """

    def __init__(self, plan: Plan, report: Callable[[int], None] = lambda _: None):
        super().__init__()
        sample, reset = plans.expand(plan, 0, plan.batches)
        padding = sample < 0
        every_lane = np.all(reset | padding, axis=1)
        if (every_lane != np.any(reset & ~padding, axis=1)).any():
            raise UserError(
                "`engine` must be `compiled` where a lane begins a sequence while its "
                "neighbours go on: stock Keras resets all lanes of a batch together"
            )
        self._reset = every_lane
        self._report = report

    def on_train_batch_begin(self, batch, logs=None):
        self._before(batch)

    def on_test_batch_begin(self, batch, logs=None):
        self._before(batch)

    def on_predict_batch_begin(self, batch, logs=None):
        self._before(batch)

    def on_train_batch_end(self, batch, logs=None):
        self._report(batch + 1)

    def _before(self, batch: int) -> None:
        if self._reset[batch]:
            reset_states(self.model)


def reset_states(model: keras.Model) -> None:
    """Set the state of every recurrent layer to zero."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            layer.reset_state()


class Run(NamedTuple):
    """Where a run stands: a Keras model for each seed, none before the first pass."""

    weights: Weights
    models: tuple[keras.Model, ...]
    batch: int  # batches done of this pass, those of each seed counted
    batches: int  # of this pass, likewise
    loss: np.ndarray  # float64 [seeds]; the mean over this pass, as weights moved
    score: np.ndarray  # float64 [seeds]; accuracy, or mean absolute error


def start(weights: Weights, network: Architecture, optimizer: Optimizer) -> Run:
    """Return a run that has not begun, as `compiled.start` does."""
    seeds = len(next(iter(weights.values())))
    return Run(weights, (), 0, 0, np.full(seeds, np.nan), np.full(seeds, np.nan))


def train(
    run: Run,
    sequences: Sequences,
    windows: Windows,
    followed: Sequence[Plan],
    *,
    network: Architecture,
    optimizer: Optimizer,
    gradient_window: int | None = None,
    burn_in: int = 0,
    scaling: Scaling | None = None,
    active: np.ndarray | None = None,
    after_chunk: Callable[[Run], None] = lambda _: None,
    by_loop: bool = False,
) -> Run:
    """Train every network of a population, one after another, with stock Keras.

    Args:
        run, sequences, windows, followed, network, optimizer, burn_in, scaling, active:
            as in `compiled.train`.
        gradient_window: None or the whole sample: Keras has no other.
        after_chunk: is told of each batch, those of each seed counted.
        by_loop: call `train_on_batch` for every batch in place of `fit`.

    Returns:
        Where the run stands after the pass.

    Raises:
        UserError: the plan resets some lanes of a batch and not others, samples differ
            in length, or the gradient window is shorter than they are.
    """
    if gradient_window not in (None, sample_lengths(windows)[1]):
        raise UserError(
            "`gradient_window` must be a whole sample: Keras cuts the gradient at its "
            f"end alone. Received: gradient_window={gradient_window}"
        )
    seeds, batches = len(run.loss), followed[0].batches
    population = run.models or tuple(
        _compiled_model(_one(run.weights, k), windows, followed[0], network, optimizer)
        for k in range(seeds)
    )
    run = run._replace(
        models=population,
        batches=seeds * batches,
        loss=run.loss.copy(),
        score=run.score.copy(),
    )
    one_pass = _pass_by_loop if by_loop else _pass_by_fit
    for k, model in enumerate(population):
        if active is not None and not active[k]:
            continue
        reset_states(model)
        run.loss[k], run.score[k] = one_pass(
            model,
            sequences,
            windows,
            followed[k % len(followed)],
            network,
            burn_in,
            scaling,
            lambda done, k=k: after_chunk(run._replace(batch=k * batches + done)),
        )
    trained = zip(*(model.get_weights() for model in population), strict=True)
    weights = dict(zip(run.weights, map(np.stack, trained), strict=True))
    return run._replace(weights=weights, batch=seeds * batches)


def weights_of(run: Run, network: Architecture) -> Weights:
    """Return the weights of a run by Keras's names, in Keras's order and shapes."""
    return run.weights


def state_of(run: Run) -> list[np.ndarray]:
    """Return the state after the last batch, h and c of each layer in turn.

    Each is [seeds, lanes, units]; nothing where the models are stateless.
    """
    return [np.stack(part) for part in zip(*map(_states, run.models), strict=True)]


def predict(
    weights: Weights,
    sequences: Sequences,
    windows: Windows,
    plan: Plan,
    network: Architecture,
    scaling: Scaling | None = None,
) -> np.ndarray:
    """Return each network's answers as `compiled.predict` does, with stock Keras."""
    x, _, _ = _batches(sequences, windows, plan, scaling=scaling)
    sample = plans.expand(plan, 0, plan.batches).sample
    used = sample >= 0
    answers = []
    for k in range(len(next(iter(weights.values())))):
        model = _model(_one(weights, k), windows, plan, network)
        outputs = model.predict(
            x,
            batch_size=plan.lanes,
            verbose=0,
            callbacks=[ResetStates(plan)],
        )
        outputs = outputs.reshape(*sample.shape, -1, network.outputs)
        number = first_predictions(windows, sample[used])[:, None]
        answer = np.full((windows.answers[-1], network.outputs), np.nan, np.float32)
        answer[number + np.arange(outputs.shape[2])] = outputs[used]
        answers.append(answer if network.outputs > 1 else answer[:, 0])
    return np.stack(answers)


def _pass_by_fit(
    model, sequences, windows, plan, network, burn_in, scaling, report
) -> tuple[float, float]:
    x, y, weight = _labelled(sequences, windows, plan, burn_in, scaling)
    history = model.fit(
        x,
        y,
        sample_weight=weight,
        batch_size=plan.lanes,
        shuffle=False,
        verbose=0,
        callbacks=[ResetStates(plan, report)],
    ).history
    loss, score = (history[name][0] for name in LOSSES[network.head][1])
    return loss, score


def _pass_by_loop(
    model, sequences, windows, plan, network, burn_in, scaling, report
) -> tuple[float, float]:
    x, y, weight = _labelled(sequences, windows, plan, burn_in, scaling)
    before = ResetStates(plan)
    before.set_model(model)
    logs = []  # of each batch: `train_on_batch` begins its metrics anew
    for batch in range(plan.batches):
        before.on_train_batch_begin(batch)
        rows = slice(batch * plan.lanes, (batch + 1) * plan.lanes)
        logs.append(
            model.train_on_batch(
                x[rows], y[rows], sample_weight=weight[rows], return_dict=True
            )
        )
        report(batch + 1)
    weights = weight.reshape(plan.batches, -1).sum(axis=1)
    loss, score = (
        np.average([log[name] for log in logs], weights=weights)
        for name in LOSSES[network.head][1]
    )
    return float(loss), float(score)


def _batches(
    sequences: Sequences,
    windows: Windows,
    plan: Plan,
    burn_in: int = 0,
    scaling: Scaling | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Copy a plan out as the arrays that Keras wants: x, y and sample weights."""
    shortest, longest = sample_lengths(windows)
    if shortest < longest:
        raise UserError(
            "`engine` must be `compiled` where samples differ in length. Received: "
            f"{shortest} to {longest} steps"
        )
    now = plans.expand(plan, 0, plan.batches)
    read = chunks.gather(sequences, windows, [now], longest, burn_in, scaling)
    x, y, weight = (
        field.reshape(-1, *field.shape[3:])
        for field in (read.x, read.target, read.weight)
    )
    if y.shape[1] == 1:
        return x, y, weight[:, 0]
    return x, y[..., None], weight


def _labelled(
    sequences: Sequences,
    windows: Windows,
    plan: Plan,
    burn_in: int,
    scaling: Scaling | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, y, weight = _batches(sequences, windows, plan, burn_in, scaling)
    if (weight.reshape(plan.batches, -1).sum(axis=1) == 0).any():
        raise UserError(
            "`engine` must be `compiled` where a batch may have no target: Keras makes "
            "an update of it all the same"
        )
    return x, y, weight


def _compiled_model(
    weights: list[np.ndarray],
    windows: Windows,
    plan: Plan,
    network: Architecture,
    optimizer: Optimizer,
) -> keras.Model:
    model = _model(weights, windows, plan, network)
    rate = SCHEDULES[optimizer.schedule](optimizer.learning_rate, optimizer.updates)
    loss, metrics = LOSSES[network.head]
    model.compile(
        optimizer=OPTIMIZERS[optimizer.name](rate, clipnorm=optimizer.clipnorm),
        loss=loss(reduction="mean_with_sample_weight"),
        # Keras's own mean of the loss counts padding lanes; that of a metric does not.
        weighted_metrics=metrics,
    )
    return model


def _model(
    weights: list[np.ndarray], windows: Windows, plan: Plan, network: Architecture
) -> keras.Model:
    timesteps = sample_lengths(windows)[1]
    model = keras_models.build(
        **network._asdict(),
        timesteps=timesteps,
        batch_size=plan.lanes,
        stateful=not plans.stateless(plan),
        return_sequences=predicted_steps(windows) > 1,
    )
    model.set_weights(weights)
    return model


def _states(model: keras.Model) -> list[np.ndarray]:
    """Return the state that a stateful model holds, h and c of each layer."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]
    return [
        part.numpy()
        for layer in layers
        if layer.stateful
        for part in layer.states or ()
    ]


def _one(weights: Weights, k: int) -> list[np.ndarray]:
    return [array[k] for array in weights.values()]
