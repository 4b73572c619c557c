"""Reads a Keras model and the data that it is fed, and checks that they fit."""

from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from statelab import callbacks
from statelab.data import npz
from statelab.diagnosis.array_probes import Lanes
from statelab.errors import UserError

BATCH = 32  # rows at once where no state is carried; Keras's own


class Pair(NamedTuple):
    """A model and the rows that it is fed."""

    model: keras.Model
    stateful: tuple[keras.layers.RNN, ...]  # the layers that carry state, nested ones
    lanes: int  # rows of a batch
    x: np.ndarray  # [n, timesteps, features], or [n, timesteps] for an embedding
    y: np.ndarray  # [n, …]
    sequence_id: np.ndarray | None  # [n]
    x_val: np.ndarray | None

    @property
    def batches(self) -> int:
        return -(-len(self.x) // self.lanes)


def read(model_file: Path, data_file: Path) -> Pair:
    """Read a model and its data.

    Args:
        model_file: a .keras file.
        data_file: an .npz with `x` [n, timesteps, features], `y`, and optionally
            `sequence_id` [n], `x_val` and `y_val`.

    Raises:
        UserError: one of them cannot be used.
    """
    model = _load_model(model_file)
    stateful = tuple(callbacks.stateful_layers(model))
    if len(model.inputs) != 1:
        raise UserError(
            f"{model_file}: must take one input, `x`: one that takes more, or is "
            f"handed its state, cannot be judged. Received: {len(model.inputs)} inputs"
        )
    arrays = _load_arrays(data_file)
    for name in ("x", "y"):
        if name not in arrays:
            raise UserError(
                f"{data_file}: must hold `x` [n, timesteps, features] and `y`. "
                f"Received: {', '.join(arrays) or 'no array'}"
            )
    x = _as_input(data_file, "x", arrays["x"], model)
    for name in ("y", "sequence_id"):
        if name in arrays and (arrays[name].ndim < 1 or len(arrays[name]) != len(x)):
            raise UserError(
                f"{data_file}: `{name}` must have one entry for each of the {len(x)} "
                f"rows of `x`. Received: shape {arrays[name].shape}"
            )
    pair = Pair(
        model=model,
        stateful=stateful,
        lanes=(model.input_shape[0] if stateful else None) or BATCH,
        x=x,
        y=arrays["y"],
        sequence_id=_sequence_id(data_file, arrays, len(x)),
        x_val=_validation_rows(data_file, arrays, x, model),
    )
    try:
        predict(pair, x[: pair.lanes])
    except Exception as error:  # whatever a layer makes of numbers that it is not for
        line = next(filter(None, map(str.strip, str(error).splitlines())), "")
        raise UserError(
            f"{data_file}: `x` must be what the model can predict. Received: "
            f"{type(error).__name__}: {line[:200]}"
        ) from error
    return pair


def _load_model(file: Path) -> keras.Model:
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


def _load_arrays(file: Path) -> dict[str, np.ndarray]:
    if not file.exists():
        raise UserError(f"{file}: no such file")
    try:
        with np.load(file) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except (*npz.BROKEN, TypeError) as error:
        what = "an object array" if "pickle" in str(error) else "what NumPy cannot read"
        raise UserError(
            f"{file}: must be an .npz of arrays of numbers. Received: {what}"
        ) from error
    for name, array in arrays.items():
        if name != "sequence_id" and array.dtype.kind not in "fiub":
            raise UserError(
                f"{file}: `{name}` must be numbers. Received: dtype {array.dtype}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            index = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
            raise UserError(
                f"{file}: `{name}` must be finite. Received: {array[index]} at "
                f"[{', '.join(map(str, index))}]"
            )
    return arrays


def _as_input(
    file: Path, name: str, rows: np.ndarray, model: keras.Model
) -> np.ndarray:
    """Return rows as the model takes them."""
    shape = model.input_shape
    if rows.ndim == len(shape) + 1 and rows.shape[-1] == 1:  # symbols to be embedded
        rows = rows[..., 0]
    fits = rows.ndim == len(shape) and all(
        expected in (None, size)
        for expected, size in zip(shape[1:], rows.shape[1:], strict=True)
    )
    if not fits or len(shape) not in (2, 3) or not rows.size:
        axes = ", ".join("any" if axis is None else str(axis) for axis in shape[1:])
        raise UserError(
            f"{file}: `{name}` must be [n, timesteps, features] as the model takes it, "
            f"[n, {axes}]. Received: shape {rows.shape}"
        )
    return rows.astype(np.float32) if rows.dtype.kind in "fb" else rows


def _sequence_id(
    file: Path, arrays: dict[str, np.ndarray], rows: int
) -> np.ndarray | None:
    sequence_id = arrays.get("sequence_id")
    if sequence_id is None:
        return None
    if sequence_id.shape not in ((rows,), (rows, 1)):
        raise UserError(
            f"{file}: `sequence_id` must be [{rows}], one for each row of `x`. "
            f"Received: shape {sequence_id.shape}"
        )
    return sequence_id.reshape(rows)


def _validation_rows(
    file: Path, arrays: dict[str, np.ndarray], x: np.ndarray, model: keras.Model
) -> np.ndarray | None:
    if "x_val" not in arrays:
        return None
    x_val = _as_input(file, "x_val", arrays["x_val"], model)
    if x.ndim == 3 and x_val.shape[2] != x.shape[2]:
        raise UserError(
            f"{file}: `x_val` must have the {x.shape[2]} features of `x`. "
            f"Received: {x_val.shape[2]}"
        )
    if "y_val" in arrays and len(np.atleast_1d(arrays["y_val"])) != len(x_val):
        raise UserError(
            f"{file}: `y_val` must have one entry for each of the {len(x_val)} "
            f"rows of `x_val`. Received: shape {arrays['y_val'].shape}"
        )
    return x_val


def predict(pair: Pair, x: np.ndarray, batch_size: int | None = None) -> np.ndarray:
    """Predict rows from a state of zeros, [n, …]."""
    callbacks.reset_states(pair.model)
    return predict_on(pair, x, batch_size)


def predict_on(pair: Pair, x: np.ndarray, batch_size: int | None = None) -> np.ndarray:
    """Predict rows from whatever state there is; a last batch is filled up."""
    size = batch_size or pair.lanes
    missing = -len(x) % size if pair.stateful else 0
    filled = np.concatenate([x, x[np.arange(missing) % len(x)]])
    batches = [
        keras.tree.flatten(pair.model.predict_on_batch(filled[first : first + size]))
        for first in range(0, len(filled), size)
    ]
    outputs = [np.concatenate(parts)[: len(x)] for parts in zip(*batches, strict=True)]
    if len(outputs) == 1:
        return outputs[0]
    return np.concatenate([output.reshape(len(x), -1) for output in outputs], axis=1)


def number_sequences(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number sequences as they come, and count the rows of each.

    Args:
        ids: which sequence each row is of, [n].

    Returns:
        The sequence of each row, and how many rows of it went before, each [n].

    Example:
        >>> number, nth = number_sequences(np.array(["b", "a", "b", "b"]))
        >>> number.tolist(), nth.tolist()
        ([0, 1, 0, 0], [0, 0, 1, 2])
    """
    _, first, which = np.unique(ids, return_index=True, return_inverse=True)
    number = np.argsort(np.argsort(first))[which.ravel()]
    ordered = np.argsort(number, kind="stable")
    count = np.bincount(number)
    nth = np.empty(len(ids), int)
    nth[ordered] = np.arange(len(ids)) - np.repeat(np.cumsum(count) - count, count)
    return number, nth


def lanes(pair: Pair) -> Lanes | None:
    """Return what each lane is fed; None where sequences are not known."""
    if pair.sequence_id is None:
        return None
    number, nth = number_sequences(pair.sequence_id)
    shape = pair.batches, pair.lanes
    padding = pair.batches * pair.lanes - len(number)

    def by_batch(values: np.ndarray, fill: int) -> np.ndarray:
        return np.append(values, np.full(padding, fill)).reshape(shape)

    steps = pair.x.shape[1]
    first = by_batch(nth * steps, 0)
    return Lanes(
        sequence=by_batch(number, -1),
        first=first,
        stop=first + steps,
        reset=np.zeros(shape, bool),
    )
