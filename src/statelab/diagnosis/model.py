"""What a Keras model and the data that it is fed show of a stateful set-up.

Rows are fed as Keras's `predict` feeds them: in their order, as many at once as a
stateful model is built for, from a state of zeros, and never reset in between.
"""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np

from statelab import callbacks
from statelab.diagnosis import array_probes, model_data, split_probes
from statelab.diagnosis.findings import QUESTIONS, Finding, cannot_tell, fails, sound
from statelab.diagnosis.model_data import BATCH, Pair
from statelab.evaluation.ceilings import (
    MAX_SYMBOLS,
    MAX_VISIBLE,
    majority_vote,
    visible_classes,
)

MAX_BATCHES = 200  # that are predicted anew for each altered input
MAX_STATELESS_BATCHES = 16  # likewise, where no state is carried from one to another
# Probes that a model without state can fail as well
STATELESS = {"boundary", "overlap", "scaling", "order", "batch_size", "ceiling"}


def findings(model: Path, data: Path) -> Iterator[Finding]:
    """Yield what each probe finds, in the order of `QUESTIONS`.

    Args:
        model: a .keras file.
        data: an .npz with `x` [n, timesteps, features], `y`, and optionally
            `sequence_id` [n], `x_val` and `y_val`.

    Raises:
        UserError: one of them cannot be used.
    """
    pair = model_data.read(model, data)
    for name in QUESTIONS:
        if not pair.stateful and name not in STATELESS:
            yield sound(name, "no layer of the model carries state")
        elif name in PROBES:
            yield PROBES[name](pair)
        else:
            yield cannot_tell(name, "how the model was trained is not in such files")


def _contiguity(pair: Pair) -> Finding:
    if pair.batches == 1:
        return sound("contiguity", "there is one batch: no lane goes on")
    lanes = model_data.lanes(pair)
    by_id = None if lanes is None else array_probes.contiguity(lanes)
    if by_id is not None and not by_id.passed:
        return by_id
    values = pair.x if pair.x.ndim == 3 else pair.x[..., None]
    same = np.ones(len(pair.x) - pair.lanes, bool)  # sequence as the row before
    if pair.sequence_id is not None:
        number, _ = model_data.number_sequences(pair.sequence_id)
        same = number[pair.lanes :] == number[: -pair.lanes]
    overlapping = array_probes.overlapping_windows(values, pair.lanes, same)
    if overlapping is not None:
        return overlapping
    backwards = [layer for layer in pair.stateful if layer.go_backwards]
    if backwards and same.any():
        row = int(same.argmax()) + pair.lanes
        return fails(
            "contiguity",
            f"batch {row // pair.lanes}, lane {row % pair.lanes}: "
            f"{backwards[0].name} reads backwards, and begins at the end of a row with "
            "the state that it had at the beginning of the one before",
            "carry no state in a layer that reads backwards: give it whole sequences",
        )
    by_values = array_probes.jumps(values, pair.lanes, None if by_id is None else same)
    if by_values is not None and not by_values.passed:
        return by_values
    if by_id is not None:
        return by_id
    if by_values is not None:
        return by_values
    return cannot_tell(
        "contiguity",
        "`sequence_id` is not given, and values do not show which row follows which",
    )


def _place(pair: Pair, row: int) -> str:
    if not pair.stateful:
        return f"row {row}"
    return f"batch {row // pair.lanes}, lane {row % pair.lanes} (row {row})"


def _max_rows(pair: Pair) -> int:
    """Return how many rows are predicted anew, at most."""
    return (MAX_BATCHES if pair.stateful else MAX_STATELESS_BATCHES) * pair.lanes


def _boundary(pair: Pair) -> Finding:
    ids, start, crossing = pair.sequence_id, 0, None
    if ids is None:
        if pair.stateful and pair.batches > 1:
            return _unknown_sequences("boundary")
        ids = np.arange(len(pair.x))
    elif pair.stateful and (crossing := _first_crossing(pair)) is not None:
        start = max(crossing - MAX_BATCHES // 2, 0) * pair.lanes
    chosen = slice(start, start + _max_rows(pair))
    x, (number, _) = pair.x[chosen], model_data.number_sequences(ids)
    other = array_probes.altered(x)
    if other is None:
        return cannot_tell("boundary", "inputs are all alike")
    finding = array_probes.boundary(
        functools.partial(model_data.predict, pair),
        x,
        other,
        number[chosen],
        lambda row: _place(pair, start + row),
    )
    if finding.passed or crossing is None:
        return finding
    return finding._replace(repair=_how_to_reset(pair, crossing))


def _unknown_sequences(name: str) -> Finding:
    return cannot_tell(
        name, "`sequence_id` is not given: it is not known where sequences begin"
    )


def _first_crossing(pair: Pair) -> int | None:
    """Return the first batch at which a lane goes on to another sequence."""
    lanes = model_data.lanes(pair)
    if lanes is None:
        return None
    now, was = lanes.sequence[1:], lanes.sequence[:-1]
    crosses = ((now != was) & (now >= 0)).any(axis=1)
    return 1 + int(crosses.argmax()) if crosses.any() else None


def _how_to_reset(pair: Pair, batch: int) -> str:
    lanes = model_data.lanes(pair)
    assert lanes is not None
    now, was = lanes.sequence[1:], lanes.sequence[:-1]
    crosses = ((now != was) & (now >= 0)) | (now < 0)
    if np.all(crosses.all(axis=1) | ~crosses.any(axis=1)):
        return (
            f"reset state before batch {batch}, and wherever all lanes begin another "
            "sequence: within one call `predict` never does"
        )
    return (
        "Keras resets all lanes together: order sequences so that all lanes begin "
        "another one at the same batch, and reset there"
    )


def _order(pair: Pair) -> Finding:
    x = pair.x[: _max_rows(pair)]
    if pair.sequence_id is not None:
        number, nth = model_data.number_sequences(pair.sequence_id[: len(x)])
    elif pair.stateful and pair.batches > 1:
        return _unknown_sequences("order")
    else:
        number, nth = np.arange(len(x)), np.zeros(len(x), int)
    if number.max() == 0:
        return sound("order", "there is one sequence")
    rows = _swapped(number, nth)
    if rows is None and (pair.lanes == 1 or not pair.stateful):
        rows = np.argsort(-number, kind="stable")
    if rows is None:
        return cannot_tell(
            "order", "no two sequences are as long as each other, to be swapped"
        )
    return array_probes.order(
        model_data.predict(pair, x)[rows],
        model_data.predict(pair, x[rows]),
        functools.partial(_place, pair),
        "the last sequences first",
    )


def _swapped(number: np.ndarray, nth: np.ndarray) -> np.ndarray | None:
    """Return the order of rows, [n], in which sequences of as many rows change places.

    Args:
        number: the sequence of each row, [n].
        nth: how many rows of it went before, [n].

    Returns:
        None where no two sequences have as many rows.

    Example:
        >>> _swapped(np.array([0, 1, 0, 1, 2]), np.array([0, 0, 1, 1, 0])).tolist()
        [1, 0, 3, 2, 4]
    """
    count = np.bincount(number)
    other = np.arange(len(count))
    for rows in np.unique(count):
        same = np.flatnonzero(count == rows)
        other[same] = same[::-1]
    if np.all(other == np.arange(len(count))):
        return None
    row = np.zeros((len(count), count.max()), int)
    row[number, nth] = np.arange(len(number))
    return row[other[number], nth]


def _batch_size(pair: Pair) -> Finding:
    if not pair.stateful:
        x = pair.x[:64]
        predictions = {size: model_data.predict(pair, x, size) for size in (BATCH, 7)}
        return array_probes.batch_size(predictions, functools.partial(_place, pair))
    for name, rows in (("x", pair.x), ("x_val", pair.x_val)):
        if rows is not None and (rest := len(rows) % pair.lanes):
            return fails(
                "batch_size",
                f"batch {len(rows) // pair.lanes} of `{name}` has {rest} of "
                f"{pair.lanes} rows: {_on_partial_batch(pair, rows)}",
                f"feed full batches: pad the {len(rows)} rows to a multiple of "
                f"{pair.lanes}, and leave the padding out of what counts",
            )
    return sound(
        "batch_size",
        f"{len(pair.x)} rows are full batches of {pair.lanes}, as the model is built",
    )


def _on_partial_batch(pair: Pair, rows: np.ndarray) -> str:
    """Say what Keras does with a last batch that is not full."""
    rest = len(rows) % pair.lanes
    last = rows[-rest - (pair.lanes if len(rows) > pair.lanes else 0) :]
    callbacks.reset_states(pair.model)
    try:
        output = pair.model.predict(last, batch_size=pair.lanes, verbose=0)
    except Exception:  # TensorFlow and Keras raise one or the other
        return "Keras refuses it"
    count = len(rows) - len(last) + len(keras.tree.flatten(output)[0])
    return f"`predict` gives {count} predictions for {len(rows)} rows, and no error"


def _nested(pair: Pair) -> Finding:
    in_loop = {
        id(inner)
        for layer in pair.model.layers
        if hasattr(layer, "reset_state")
        for inner in layer._flatten_layers()
    }
    missed = [layer for layer in pair.stateful if id(layer) not in in_loop]
    if not missed:
        where = "a loop over `model.layers` reaches each layer that carries state"
        return sound("nested", where)
    return cannot_tell(
        "nested",
        f"{', '.join(str(layer.path) for layer in missed)}: a loop over "
        "`model.layers` that looks for `reset_state` does not reach it, if there is "
        "one",
    )


def _validation_state(pair: Pair) -> Finding:
    if pair.x_val is None:
        return cannot_tell("validation_state", "`x_val` is not given")
    rows = _max_rows(pair)
    x_val = pair.x_val[:rows]
    from_zeros = model_data.predict(pair, x_val)
    model_data.predict(pair, pair.x[-rows:])
    after_training = model_data.predict_on(pair, x_val)
    change = float(np.abs(after_training - from_zeros).max())
    return cannot_tell(
        "validation_state",
        f"predictions of `x_val` change by up to {change:.3g} when `x` is fed before "
        "it: whether state is reset in between is not in such files",
    )


def _saved_state(pair: Pair) -> Finding:
    return cannot_tell(
        "saved_state",
        "a .keras file holds no state: the model begins with zeros, whatever it had "
        "read before it was saved",
    )


def _overlap(pair: Pair) -> Finding:
    if pair.x_val is None:
        return cannot_tell("overlap", "`x_val` is not given")
    x, x_val = (
        rows if rows.ndim == 3 else rows[..., None] for rows in (pair.x, pair.x_val)
    )
    return split_probes.overlap(x, x_val)


def _scaling(pair: Pair) -> Finding:
    if pair.x_val is None:
        return cannot_tell("scaling", "`x_val` is not given")
    if pair.x.ndim == 2:
        return cannot_tell("scaling", "inputs are symbols")
    ids = np.arange(len(pair.x)) if pair.sequence_id is None else pair.sequence_id
    number, _ = model_data.number_sequences(ids)
    sequences = np.split(
        pair.x[np.argsort(number, kind="stable")], np.cumsum(np.bincount(number))[:-1]
    )
    steps = [rows.reshape(-1, pair.x.shape[2]) for rows in sequences]
    return split_probes.scaling(pair.x, pair.x_val, steps)


def _ceiling(pair: Pair) -> Finding:
    """Compare accuracy with a majority vote over equal inputs, and equal steps in them.

    Every step of a row counts as seen at each of its predictions, as a layer may read
    backwards; with carried state, what the sequence, or the lane, has read before too.
    """
    if len(np.unique(pair.x)) > MAX_SYMBOLS:
        return cannot_tell("ceiling", "no ceiling: inputs are continuous")
    x = pair.x[: _max_rows(pair)]
    classes = _classes(model_data.predict(pair, x), pair.y[: len(x)])
    if classes is None:
        return cannot_tell("ceiling", "no ceiling: `y` is not of classes")
    predicted, target = classes
    number, nth = np.arange(len(x)), np.zeros(len(x), int)
    if pair.stateful:
        if pair.sequence_id is not None:
            if not _contiguity(pair).passed:
                where = "no ceiling: lanes do not go on along sequences"
                return cannot_tell("ceiling", where)
            number, nth = model_data.number_sequences(pair.sequence_id[: len(x)])
        else:
            nth, number = np.divmod(np.arange(len(x)), pair.lanes)
    steps = x.shape[1]
    ordered = np.lexsort((nth, number))
    stop = (np.arange(len(x)) + 1) * steps
    start = stop - (nth[ordered] + 1) * steps
    if (stop - start).max() >= MAX_VISIBLE:
        where = "no ceiling: a prediction sees too many steps"
        return cannot_tell("ceiling", where)
    visible = np.empty(len(x), int)
    visible[ordered] = visible_classes(
        x[ordered].reshape(len(x) * steps, -1), start, stop
    )
    per_row = predicted.size // len(x)
    visible = (visible[:, None] * per_row + np.arange(per_row)).ravel()
    best = majority_vote(visible, target.ravel().astype(int))
    accuracy = float((predicted == target).mean())
    return array_probes.ceiling({"accuracy": (accuracy, best)})


def _classes(
    predictions: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the classes that are predicted and those that are right.

    Args:
        predictions: [n, classes] or [n, timesteps, classes]; one unit for two classes.
        y: numbers of classes or one-hot, likewise.

    Returns:
        Both [n] or [n, timesteps]; None where `y` is not of classes that the
        predictions have.
    """
    units = predictions.shape[-1]
    if units > 1 and y.shape == predictions.shape and np.all(y.sum(axis=-1) == 1):
        y = y.argmax(axis=-1)
    if y.ndim == predictions.ndim and y.shape[-1] == 1:
        y = y[..., 0]
    if y.shape != predictions.shape[:-1] or np.any(y % 1) or y.min() < 0:
        return None
    if y.max() >= max(units, 2):
        return None
    if units > 1:
        return predictions.argmax(axis=-1), y
    return predictions[..., 0] > (0.5 if predictions.min() >= 0 else 0), y


PROBES: dict[str, Callable[[Pair], Finding]] = {
    "contiguity": _contiguity,
    "boundary": _boundary,
    "nested": _nested,
    "validation_state": _validation_state,
    "overlap": _overlap,
    "scaling": _scaling,
    "order": _order,
    "batch_size": _batch_size,
    "saved_state": _saved_state,
    "ceiling": _ceiling,
}
