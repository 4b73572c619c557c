"""The slow twin of `training`: stock Keras, as the post trains it.

`fit` with a callback that resets state, or a loop over `train_on_batch`. It takes the
same plans and gives the same numbers, at the speed that people know.
"""

# pyright: reportArgumentType=false
# (Keras and TensorFlow annotate less than they take)

from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np

from statelab import layouts, models
from statelab.errors import UserError
from statelab.layouts import Plan, Windows
from statelab.models import Weights
from statelab.training import Epoch, Optimizer, Samples

OPTIMIZERS = {"adam": keras.optimizers.Adam}
SCHEDULES = {
    "constant": lambda rate, updates: rate,
    "cosine": keras.optimizers.schedules.CosineDecay,
}


class ResetStates(keras.callbacks.Callback):
    """Reset the state before the batches that a plan says, in whatever Keras runs.

    Args:
        plan: what is run; its lanes are reset all together or not at all.
        report: called with every batch that is done.
    """

    def __init__(self, plan: Plan, report: Callable[[int], None] = lambda _: None):
        super().__init__()
        if (plan.reset != plan.reset[:, :1]).any():
            raise UserError(
                "`engine` must be `compiled` where a lane begins a sequence while its "
                "neighbours go on: stock Keras resets all lanes of a batch together"
            )
        self._reset = plan.reset[:, 0]
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


def fit(
    weights: Weights,
    samples: Samples,
    plans: Callable[[int], Sequence[Plan]],
    *,
    cell: str,
    layers: int,
    epochs: int,
    optimizer: Optimizer,
    gradient_window: int | None,
    report: Callable[[int, int], None],
    by_loop: bool = False,
) -> Iterator[Epoch]:
    """Train every network of a population, one after another, with stock Keras.

    Args:
        weights, samples, plans, cell, layers, epochs, optimizer, report: as in
            `training.fit`.
        gradient_window: None or the whole sample: Keras has no other.
        by_loop: call `train_on_batch` for every batch in place of `fit`.

    Yields:
        After each epoch, the weights and the running loss and accuracy.

    Raises:
        UserError: the plan resets some lanes of a batch and not others, samples differ
            in length, or the gradient window is shorter than they are.
    """
    if gradient_window not in (None, samples.length.max()):
        raise UserError(
            "`gradient_window` must be a whole sample: Keras cuts the gradient at its "
            f"end alone. Received: gradient_window={gradient_window}"
        )
    first = plans(0)[0]
    seeds = len(next(iter(weights.values())))
    population = [
        _compiled_model(_one(weights, k), samples, first, cell, layers, optimizer)
        for k in range(seeds)
    ]
    run = _epoch_by_loop if by_loop else _epoch_by_fit
    batches = len(first.sample)
    for epoch in range(epochs):
        each = plans(epoch)
        results = []
        for k, model in enumerate(population):
            before = (epoch * seeds + k) * batches
            results.append(
                run(
                    model,
                    samples,
                    each[k % len(each)],
                    lambda done, before=before: report(
                        before + done, epochs * seeds * batches
                    ),
                )
            )
        loss, accuracy = np.array(results).T
        trained = zip(*(model.get_weights() for model in population), strict=True)
        states = zip(*map(_states, population), strict=True)
        yield Epoch(
            weights=dict(zip(weights, map(np.stack, trained), strict=True)),
            loss=loss,
            accuracy=accuracy,
            state=[np.stack(part) for part in states],
        )


def predict(
    weights: Weights, samples: Samples, plan: Plan, *, cell: str, layers: int
) -> np.ndarray:
    """Return each network's answers as `training.predict` does, with stock Keras."""
    answers = np.full(
        (len(next(iter(weights.values()))), len(samples.first)), np.nan, np.float32
    )
    x, _, _ = _batches(samples, plan)
    used = plan.weight > 0
    for k in range(len(answers)):
        model = _model(_one(weights, k), samples, plan, cell, layers)
        outputs = model.predict(
            x,
            batch_size=plan.sample.shape[1],
            verbose=0,
            callbacks=[ResetStates(plan)],
        )
        answers[k, plan.sample[used]] = outputs.reshape(plan.sample.shape)[used]
    return answers


def _epoch_by_fit(model, samples, plan, report) -> tuple[float, float]:
    x, y, weight = _batches(samples, plan)
    history = model.fit(
        x,
        y,
        sample_weight=weight,
        batch_size=plan.sample.shape[1],
        shuffle=False,
        verbose=0,
        callbacks=[ResetStates(plan, report)],
    ).history
    return history["binary_crossentropy"][0], history["accuracy"][0]


def _epoch_by_loop(model, samples, plan, report) -> tuple[float, float]:
    x, y, weight = _batches(samples, plan)
    lanes = plan.sample.shape[1]
    ResetStates(plan)  # refuses what Keras cannot do
    logs = []  # of each batch: `train_on_batch` begins its metrics anew
    for batch, reset in enumerate(plan.reset[:, 0]):
        if reset:
            reset_states(model)
        rows = slice(batch * lanes, (batch + 1) * lanes)
        logs.append(
            model.train_on_batch(
                x[rows], y[rows], sample_weight=weight[rows], return_dict=True
            )
        )
        report(batch + 1)
    weights = plan.weight.sum(axis=1)
    loss, accuracy = (
        np.average([log[name] for log in logs], weights=weights)
        for name in ("binary_crossentropy", "accuracy")
    )
    return float(loss), float(accuracy)


def _batches(samples: Samples, plan: Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Copy a plan out as the arrays that Keras wants: x, y and sample weights."""
    if samples.length.min() < samples.length.max():
        raise UserError(
            "`engine` must be `compiled` where samples differ in length. Received: "
            f"{samples.length.min()} to {samples.length.max()} steps"
        )
    order = plan.sample.ravel()
    table = Windows(
        sequence=np.zeros_like(samples.first),
        first=samples.first,
        length=samples.length,
        split=np.zeros(1, np.int8),
    )
    x = layouts.gather(samples.values, table, order)
    return x, samples.target[order][:, None], plan.weight.ravel()


def _compiled_model(
    weights: list[np.ndarray],
    samples: Samples,
    plan: Plan,
    cell: str,
    layers: int,
    optimizer: Optimizer,
) -> keras.Model:
    model = _model(weights, samples, plan, cell, layers)
    rate = SCHEDULES[optimizer.schedule](optimizer.learning_rate, optimizer.updates)
    model.compile(
        optimizer=OPTIMIZERS[optimizer.name](rate, clipnorm=optimizer.clipnorm),
        loss=keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight"),
        # Keras's own mean of the loss counts padding lanes; that of a metric does not.
        weighted_metrics=["accuracy", "binary_crossentropy"],
    )
    return model


def _model(
    weights: list[np.ndarray], samples: Samples, plan: Plan, cell: str, layers: int
) -> keras.Model:
    model = models.build(
        cell=cell,
        units=len(weights[-2]),  # the output layer's kernel is [units, 1]
        layers=layers,
        features=samples.values.shape[1],
        timesteps=int(samples.length.max()),
        batch_size=plan.sample.shape[1],
        stateful=not plan.reset.all(),
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
