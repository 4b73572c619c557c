"""What a Keras model and the data that it is fed show of a stateful set-up.

Rows are fed as Keras's `predict` feeds them: in their order, as many at once as a
stateful model is built for, from a state of zeros, and never reset in between.
"""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# (Keras annotates less than it takes)

import functools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from statelab import callbacks
from statelab.diagnosis import array_probes, split_probes
from statelab.diagnosis.findings import QUESTIONS, Finding
from statelab.errors import UserError
from statelab.evaluation.ceilings import (
    MAX_SYMBOLS,
    MAX_VISIBLE,
    majority_vote,
    visible_classes,
)

BATCHES = 200  # at most, that are answered anew for each altered input
BATCHES_ALONE = 16  # likewise, where no state is carried from one to another
BATCH = 32  # rows at once where no state is carried; Keras's own
NO_STATE = "no layer of the model carries state"


class Pair(NamedTuple):
    """A model and the rows that it is fed."""

    model: keras.Model
    stateful: tuple[keras.layers.RNN, ...]  # the layers that carry state, nested ones
    lanes: int  # rows of a batch
    x: np.ndarray  # [n, timesteps, features], or [n, timesteps] for an embedding
    y: np.ndarray  # [n, …]
    sequence_id: np.ndarray | None  # [n]
    x_val: np.ndarray | None


def findings(model: Path, data: Path) -> Iterator[Finding]:
    """Yield what each probe finds, in the order of `QUESTIONS`.

    Args:
        model: a .keras file.
        data: an .npz with `x` [n, timesteps, features], `y`, and optionally
            `sequence_id` [n], `x_val` and `y_val`.

    Raises:
        UserError: one of them cannot be used.
    """
    pair = _read(model, data)
    for name in QUESTIONS:
        if name in PROBES:
            yield PROBES[name](pair)
        elif pair.stateful:
            where = "how the model was trained is not in such files"
            yield Finding(name, None, where, "")
        else:
            yield Finding(name, True, NO_STATE, "")


def _read(model_file: Path, data: Path) -> Pair:
    model = _model(model_file)
    stateful = tuple(callbacks.stateful_layers(model))
    if len(model.inputs) != 1:
        raise UserError(
            f"{model_file}: must take one input, `x`: one that takes more, or is "
            f"handed its state, cannot be judged. Received: {len(model.inputs)} inputs"
        )
    held = _arrays(data)
    for name in ("x", "y"):
        if name not in held:
            raise UserError(
                f"{data}: must hold `x` [n, timesteps, features] and `y`. Received: "
                f"{', '.join(held) or 'no array'}"
            )
    x = _rows(data, "x", held["x"], model)
    for name in ("y", "sequence_id"):
        if name in held and (held[name].ndim < 1 or len(held[name]) != len(x)):
            raise UserError(
                f"{data}: `{name}` must have one entry for each of the {len(x)} rows "
                f"of `x`. Received: shape {held[name].shape}"
            )
    sequence_id = held.get("sequence_id")
    if sequence_id is not None:
        if sequence_id.shape not in ((len(x),), (len(x), 1)):
            raise UserError(
                f"{data}: `sequence_id` must be [{len(x)}], one for each row of `x`. "
                f"Received: shape {sequence_id.shape}"
            )
        sequence_id = sequence_id.reshape(len(x))
    x_val = None
    if "x_val" in held:
        x_val = _rows(data, "x_val", held["x_val"], model)
        if x_val.shape[1:] != x.shape[1:] and x.ndim == 3:
            if x_val.shape[2] != x.shape[2]:
                raise UserError(
                    f"{data}: `x_val` must have the {x.shape[2]} features of `x`. "
                    f"Received: {x_val.shape[2]}"
                )
        if "y_val" in held and len(np.atleast_1d(held["y_val"])) != len(x_val):
            raise UserError(
                f"{data}: `y_val` must have one entry for each of the {len(x_val)} "
                f"rows of `x_val`. Received: shape {held['y_val'].shape}"
            )
    lanes = model.input_shape[0] if stateful else None
    pair = Pair(model, stateful, lanes or BATCH, x, held["y"], sequence_id, x_val)
    try:
        _answer(pair, x[: pair.lanes])
    except Exception as error:  # whatever a layer makes of numbers that it is not for
        line = next(filter(None, map(str.strip, str(error).splitlines())), "")
        raise UserError(
            f"{data}: `x` must be what the model can answer. Received: "
            f"{type(error).__name__}: {line[:200]}"
        ) from error
    return pair


def _model(file: Path) -> keras.Model:
    if not file.exists():
        raise UserError(f"{file}: no such file")
    try:
        model = keras.models.load_model(file, compile=False)
    except Exception as error:  # whatever a layer of the user's raises as well
        line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise UserError(
            f"{file}: must be a model that Keras can load. Received: "
            f"{type(error).__name__}: {line[:200]}"
        ) from error
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise UserError(
            f"{file}: must be a Keras model with an input of known shape. Received: "
            f"{type(model).__name__}"
        )
    return model


def _arrays(file: Path) -> dict[str, np.ndarray]:
    if not file.exists():
        raise UserError(f"{file}: no such file")
    try:
        with np.load(file) as archive:
            held = {name: np.asarray(archive[name]) for name in archive.files}
    except (
        AttributeError,
        EOFError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        what = "an object array" if "pickle" in str(error) else "what NumPy cannot read"
        raise UserError(
            f"{file}: must be an .npz of arrays of numbers. Received: {what}"
        ) from error
    for name, array in held.items():
        if name != "sequence_id" and array.dtype.kind not in "fiub":
            raise UserError(
                f"{file}: `{name}` must be numbers. Received: dtype {array.dtype}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            at = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
            raise UserError(
                f"{file}: `{name}` must be finite. Received: {array[at]} at "
                f"[{', '.join(map(str, at))}]"
            )
    return held


def _rows(file: Path, name: str, rows: np.ndarray, model: keras.Model) -> np.ndarray:
    """Return rows as the model takes them."""
    shape = model.input_shape
    if rows.ndim == len(shape) + 1 and rows.shape[-1] == 1:  # symbols to be embedded
        rows = rows[..., 0]
    fits = rows.ndim == len(shape) and all(
        wanted in (None, found)
        for wanted, found in zip(shape[1:], rows.shape[1:], strict=True)
    )
    if not fits or len(shape) not in (2, 3) or not rows.size:
        axes = ", ".join("any" if axis is None else str(axis) for axis in shape[1:])
        raise UserError(
            f"{file}: `{name}` must be [n, timesteps, features] as the model takes it, "
            f"[n, {axes}]. Received: shape {rows.shape}"
        )
    return rows.astype(np.float32) if rows.dtype.kind in "fb" else rows


def _numbers(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number sequences as they come, and count the rows of each.

    Returns:
        The sequence of each row, and how many rows of it went before, each [n].
    """
    _, first, which = np.unique(ids, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[which.ravel()]
    ordered = np.argsort(number, kind="stable")
    count = np.bincount(number)
    within = np.arange(len(ids)) - np.repeat(np.cumsum(count) - count, count)
    nth = np.empty(len(ids), int)
    nth[ordered] = within
    return number, nth


def _lanes(pair: Pair) -> array_probes.Lanes | None:
    """Lay the rows out as they are fed; None where their sequences are not known."""
    if pair.sequence_id is None:
        return None
    number, nth = _numbers(pair.sequence_id)
    batches = -(-len(number) // pair.lanes)
    padding = batches * pair.lanes - len(number)
    steps = pair.x.shape[1]

    def laid(values: np.ndarray, fill: int) -> np.ndarray:
        return np.append(values, [fill] * padding).reshape(batches, pair.lanes)

    first = laid(nth * steps, 0)
    never = np.zeros(first.shape, bool)
    return array_probes.Lanes(laid(number, -1).astype(int), first, first + steps, never)


def _batches(pair: Pair) -> int:
    return -(-len(pair.x) // pair.lanes)


def _contiguity(pair: Pair) -> Finding:
    if not pair.stateful:
        return Finding("contiguity", True, NO_STATE, "")
    if _batches(pair) == 1:
        return Finding("contiguity", True, "there is one batch: no lane goes on", "")
    lanes = _lanes(pair)
    if lanes is not None and not (told := array_probes.contiguity(lanes)).passed:
        return told
    values = pair.x if pair.x.ndim == 3 else pair.x[..., None]
    same = np.ones(len(pair.x) - pair.lanes, bool)
    if lanes is not None:
        number, _ = _numbers(pair.sequence_id)
        same = number[pair.lanes :] == number[: -pair.lanes]
    again = array_probes.reread(values, pair.lanes, same)
    if again is not None:
        return again
    backwards = [layer for layer in pair.stateful if layer.go_backwards]
    if backwards and same.any():
        row = int(same.argmax()) + pair.lanes
        return Finding(
            "contiguity",
            False,
            f"batch {row // pair.lanes}, lane {row % pair.lanes}: "
            f"{backwards[0].name} reads backwards, and begins at the end of a row with "
            "the state that it had at the beginning of the one before",
            "carry no state in a layer that reads backwards: give it whole sequences",
        )
    smooth = array_probes.jumps(values, pair.lanes, None if lanes is None else same)
    if smooth is not None and not smooth.passed:
        return smooth
    if lanes is not None:
        return array_probes.contiguity(lanes)
    if smooth is not None:
        return smooth
    return Finding(
        "contiguity",
        None,
        "`sequence_id` is not given, and values do not tell which row goes on where",
        "",
    )


def _answer(pair: Pair, x: np.ndarray, batch_size: int | None = None) -> np.ndarray:
    """Answer rows from a state of zeros, [n, …]."""
    callbacks.reset_states(pair.model)
    return _fed(pair, x, batch_size)


def _fed(pair: Pair, x: np.ndarray, batch_size: int | None = None) -> np.ndarray:
    """Answer rows from whatever state there is; a last batch is filled up."""
    size = batch_size or pair.lanes
    missing = -len(x) % size if pair.stateful else 0
    filled = np.concatenate([x, x[np.arange(missing) % len(x)]])
    given = [
        keras.tree.flatten(pair.model.predict_on_batch(filled[first : first + size]))
        for first in range(0, len(filled), size)
    ]
    outputs = [np.concatenate(each)[: len(x)] for each in zip(*given, strict=True)]
    if len(outputs) == 1:
        return outputs[0]
    return np.concatenate([each.reshape(len(x), -1) for each in outputs], axis=1)


def _place(pair: Pair, row: int) -> str:
    if not pair.stateful:
        return f"row {row}"
    return f"batch {row // pair.lanes}, lane {row % pair.lanes} (row {row})"


def _some(pair: Pair) -> np.ndarray:
    """Return the first rows, as many as are answered anew."""
    return pair.x[: _limit(pair)]


def _limit(pair: Pair) -> int:
    return (BATCHES if pair.stateful else BATCHES_ALONE) * pair.lanes


def _boundary(pair: Pair) -> Finding:
    ids, start, crossing = pair.sequence_id, 0, None
    if ids is None:
        if pair.stateful and _batches(pair) > 1:
            return _untold("boundary")
        ids = np.arange(len(pair.x))
    elif pair.stateful and (crossing := _crossing(pair)) is not None:
        start = max(crossing - BATCHES // 2, 0) * pair.lanes
    chosen = slice(start, start + _limit(pair))
    x, (number, _) = pair.x[chosen], _numbers(ids)
    other = array_probes.altered(x)
    if other is None:
        return Finding("boundary", None, "inputs are all alike", "")
    found = array_probes.boundary(
        functools.partial(_answer, pair),
        x,
        other,
        number[chosen],
        lambda row: _place(pair, start + row),
    )
    if found.passed or crossing is None:
        return found
    return found._replace(repair=_how_to_reset(pair, crossing))


def _untold(name: str) -> Finding:
    return Finding(
        name, None, "`sequence_id` is not given, which tells where sequences begin", ""
    )


def _crossing(pair: Pair) -> int | None:
    """Return the first batch at which a lane goes on to another sequence."""
    lanes = _lanes(pair)
    if lanes is None:
        return None
    now, was = lanes.sequence[1:], lanes.sequence[:-1]
    moves = ((now != was) & (now >= 0)).any(axis=1)
    return 1 + int(moves.argmax()) if moves.any() else None


def _how_to_reset(pair: Pair, batch: int) -> str:
    lanes = _lanes(pair)
    assert lanes is not None
    now, was = lanes.sequence[1:], lanes.sequence[:-1]
    moves = ((now != was) & (now >= 0)) | (now < 0)
    if np.all(moves.all(axis=1) | ~moves.any(axis=1)):
        return (
            f"reset state before batch {batch}, and wherever all lanes go on to other "
            "sequences: `predict` of the whole never does"
        )
    return (
        "Keras resets all lanes together: lay sequences out so that all lanes go on to "
        "other ones at the same batch, and reset there"
    )


def _order(pair: Pair) -> Finding:
    x = _some(pair)
    if pair.sequence_id is not None:
        number, nth = _numbers(pair.sequence_id[: len(x)])
    elif pair.stateful and _batches(pair) > 1:
        return _untold("order")
    else:
        number, nth = np.arange(len(x)), np.zeros(len(x), int)
    if number.max() == 0:
        return Finding("order", True, "there is one sequence", "")
    asked = _swapped(number, nth)
    if asked is None and (pair.lanes == 1 or not pair.stateful):
        asked = np.argsort(-number, kind="stable")
    if asked is None:
        return Finding(
            "order",
            None,
            "no two sequences are as long as each other, to be swapped",
            "",
        )
    return array_probes.order(
        _answer(pair, x)[asked],
        _answer(pair, x[asked]),
        functools.partial(_place, pair),
        "the last sequences first",
    )


def _swapped(number: np.ndarray, nth: np.ndarray) -> np.ndarray | None:
    """Return the rows to ask, [n], so that sequences of as many rows change places."""
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
        sizes = {size: _answer(pair, x, size) for size in (BATCH, 7)}
        return array_probes.batch_size(sizes, functools.partial(_place, pair))
    for name, rows in (("x", pair.x), ("x_val", pair.x_val)):
        if rows is not None and (rest := len(rows) % pair.lanes):
            return Finding(
                "batch_size",
                False,
                f"batch {len(rows) // pair.lanes} of `{name}` has {rest} of "
                f"{pair.lanes} rows: {_at_the_end(pair, rows)}",
                f"give whole batches: fill the {len(rows)} rows up to a multiple of "
                f"{pair.lanes}, and leave what is added out of what counts",
            )
    return Finding(
        "batch_size",
        True,
        f"{len(pair.x)} rows are whole batches of {pair.lanes}, as the model is built",
        "",
    )


def _at_the_end(pair: Pair, rows: np.ndarray) -> str:
    """Say what Keras does with a last batch that is not whole."""
    rest = len(rows) % pair.lanes
    last = rows[-rest - (pair.lanes if len(rows) > pair.lanes else 0) :]
    callbacks.reset_states(pair.model)
    try:
        given = pair.model.predict(last, batch_size=pair.lanes, verbose=0)
    except Exception:  # TensorFlow and Keras raise one or the other
        return "Keras refuses it"
    answers = len(rows) - len(last) + len(keras.tree.flatten(given)[0])
    return f"`predict` gives {answers} answers for {len(rows)} rows, and no error"


def _nested(pair: Pair) -> Finding:
    if not pair.stateful:
        return Finding("nested", True, NO_STATE, "")
    reached = {
        id(inner)
        for layer in pair.model.layers
        if hasattr(layer, "reset_state")
        for inner in layer._flatten_layers()
    }
    missed = [layer for layer in pair.stateful if id(layer) not in reached]
    if not missed:
        where = "a loop over `model.layers` reaches each layer that carries state"
        return Finding("nested", True, where, "")
    where = (
        f"{', '.join(str(layer.path) for layer in missed)}: a loop over "
        "`model.layers` that asks for `reset_state` does not reach it"
    )
    return Finding("nested", None, f"{where}, if there is one", "")


def _validation_state(pair: Pair) -> Finding:
    name = "validation_state"
    if not pair.stateful:
        return Finding(name, True, NO_STATE, "")
    if pair.x_val is None:
        return Finding(name, None, "`x_val` is not given", "")
    x_val = pair.x_val[: BATCHES * pair.lanes]
    fresh = _answer(pair, x_val)
    _answer(pair, pair.x[-BATCHES * pair.lanes :])
    moved = float(np.abs(_fed(pair, x_val) - fresh).max())
    return Finding(
        name,
        None,
        f"answers to `x_val` move by up to {moved:.3g} when `x` is fed before it: "
        "whether state is reset in between is not in such files",
        "",
    )


def _saved_state(pair: Pair) -> Finding:
    if not pair.stateful:
        return Finding("saved_state", True, NO_STATE, "")
    return Finding(
        "saved_state",
        None,
        "a .keras file holds no state: the model begins with zeros, whatever it had "
        "read before it was saved",
        "",
    )


def _overlap(pair: Pair) -> Finding:
    if pair.x_val is None:
        return Finding("overlap", None, "`x_val` is not given", "")
    x, x_val = (
        rows if rows.ndim == 3 else rows[..., None] for rows in (pair.x, pair.x_val)
    )
    return split_probes.overlap(x, x_val)


def _scaling(pair: Pair) -> Finding:
    if pair.x_val is None:
        return Finding("scaling", None, "`x_val` is not given", "")
    if pair.x.ndim == 2:
        return Finding("scaling", None, "inputs are symbols", "")
    ids = np.arange(len(pair.x)) if pair.sequence_id is None else pair.sequence_id
    number, _ = _numbers(ids)
    rows = np.split(
        pair.x[np.argsort(number, kind="stable")], np.cumsum(np.bincount(number))[:-1]
    )
    parts = [part.reshape(-1, pair.x.shape[2]) for part in rows]
    return split_probes.scaling(pair.x, pair.x_val, parts)


def _ceiling(pair: Pair) -> Finding:
    """Compare accuracy with a majority vote over equal inputs, and equal steps in them.

    Every step of a row counts as seen at each of its answers, as a layer may read
    backwards; with carried state, what the sequence, or the lane, has read before too.
    """
    symbols = np.unique(pair.x)
    if len(symbols) > MAX_SYMBOLS:
        return Finding("ceiling", None, "no ceiling: inputs are continuous", "")
    x = _some(pair)
    steps = x.shape[1]
    answers = _answer(pair, x)
    right = _right(answers, pair.y[: len(x)])
    if right is None:
        return Finding("ceiling", None, "no ceiling: `y` is not of classes", "")
    number, nth = np.arange(len(x)), np.zeros(len(x), int)
    if pair.stateful:
        if pair.sequence_id is not None:
            if not _contiguity(pair).passed:
                where = "no ceiling: lanes do not go on along sequences"
                return Finding("ceiling", None, where, "")
            number, nth = _numbers(pair.sequence_id[: len(x)])
        else:
            nth, number = np.divmod(np.arange(len(x)), pair.lanes)
    ordered = np.lexsort((nth, number))
    flat = x[ordered].reshape(len(x) * steps, -1)
    stop = (np.arange(len(x)) + 1) * steps
    start = stop - (nth[ordered] + 1) * steps
    if (stop - start).max() >= MAX_VISIBLE:
        return Finding("ceiling", None, "no ceiling: an answer sees too many steps", "")
    seen = np.empty(len(x), int)
    seen[ordered] = visible_classes(flat, start, stop)
    chosen, target = right
    asked = chosen.size // len(x)
    seen = (seen[:, None] * asked + np.arange(asked)).ravel()
    best = majority_vote(seen, target.ravel().astype(int))
    return array_probes.ceiling({"accuracy": (float((chosen == target).mean()), best)})


def _right(answers: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the classes that are answered and those that are right, [n] or [n, steps].

    None where `y` is not of classes that the answers have.
    """
    classes = answers.shape[-1]
    if classes > 1 and y.shape == answers.shape and np.all(y.sum(axis=-1) == 1):
        y = y.argmax(axis=-1)
    if y.ndim == answers.ndim and y.shape[-1] == 1:
        y = y[..., 0]
    if y.shape != answers.shape[:-1] or np.any(y % 1) or y.min() < 0:
        return None
    if y.max() >= max(classes, 2):
        return None
    if classes > 1:
        return answers.argmax(axis=-1), y
    return answers[..., 0] > (0.5 if answers.min() >= 0 else 0), y


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
