"""What a training script hands to Keras, as it is recorded."""

from typing import NamedTuple

import numpy as np

BATCH_HOOKS = {
    f"on_{loop}batch_{moment}"
    for loop in ("", "train_", "test_", "predict_")
    for moment in ("begin", "end")
}


class Layer(NamedTuple):
    """A layer that carries state."""

    path: str
    lanes: int  # rows of its state; 0 before it is built
    top_level: bool  # stands in `model.layers`, and in no model or wrapper within


class Call(NamedTuple):
    """A call of a method of a model by the script, or by another call."""

    method: str
    model: int
    line: int  # of the script; 0 where another file has made the call
    parent: int | None  # the call that this one is made by
    shuffle: bool  # `fit` shuffles: by default as well
    data: str  # "arrays", "Sequence", "tf.data" or "generator"
    repeats: bool  # an epoch is a whole pass of the data
    steps_per_execution: int
    scores: dict[str, float]
    weighted: bool  # samples have weights


class Batch(NamedTuple):
    """A batch as a model was fed it."""

    model: int
    call: int
    kind: str  # "train", "validation" or "predict"
    epoch: int  # of its call
    number: int  # in its epoch
    key: bytes  # equal for equal inputs
    x: tuple[np.ndarray, ...]  # each input, [lanes, …]; empty where memory was used up
    y: np.ndarray | None
    carried: tuple[np.ndarray, ...] | None  # of each layer that carries state, bool
    # [lanes]: it begins with what the model's batch before has left; None inside of an
    # execution of several batches
    zeroed: bool  # what a layer was left with is now zeros
    starts_nonzero: bool  # its state is not zeros
    predictions: np.ndarray | None  # of `predict` alone


class Reset(NamedTuple):
    """A call of `reset_state` of a layer."""

    batches: int  # that were fed before
    path: str
    hook: str  # one of `BATCH_HOOKS`, in which it was made; else empty


class Saved(NamedTuple):
    """A model written to a file, or read from one."""

    batches: int  # that were fed before
    model: int
    file: str
    inside_call: bool  # as of a callback in `fit`
    nonzero_state: bool


class Recording(NamedTuple):
    """What a script has handed to Keras."""

    source: str  # text of the script
    layers: list[list[Layer]]  # of each model
    calls: list[Call]
    batches: list[Batch]
    resets: list[Reset]
    saved: list[Saved]
    loaded: list[Saved]
    arrays: dict[str, np.ndarray]  # of the script's variables, by name
    scaled: list[tuple[str, np.ndarray]]  # what scalers were fitted on, after scaling
