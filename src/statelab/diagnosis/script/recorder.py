"""Runs a training script, and keeps what it hands to Keras."""

import contextlib
import hashlib
import os
import runpy
import sys
import traceback
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras.src.backend.tensorflow import trainer
from keras.src.saving import saving_lib
from keras.src.trainers import data_adapters, epoch_iterator

from statelab import callbacks
from statelab.errors import UserError

KEPT = 200_000_000  # bytes of batches, and of the script's arrays; later ones are not
LOOKS = 3  # into the variables of one function, at most
METHODS = {
    "fit": "train",
    "evaluate": "validation",
    "predict": "predict",
    "train_on_batch": "train",
    "test_on_batch": "validation",
    "predict_on_batch": "predict",
}
RUN = {"train": "train", "test": "validation", "predict": "predict"}  # make_…_function
HOOKS = {
    f"on_{of}batch_{at}"
    for of in ("", "train_", "test_", "predict_")
    for at in ("begin", "end")
}
SCALERS = (
    "StandardScaler",
    "MinMaxScaler",
    "MaxAbsScaler",
    "RobustScaler",
    "QuantileTransformer",
    "PowerTransformer",
)

State = tuple[np.ndarray, ...]  # of each layer that carries state, [lanes, values]


class Layer(NamedTuple):
    """A layer that carries state."""

    path: str
    lanes: int  # rows of its state; 0 before it is built
    top: bool  # stands in `model.layers`, and in no model or wrapper within


class Call(NamedTuple):
    """A call of a method of a model by the script, or by another call."""

    method: str
    model: int
    line: int  # of the script; 0 where another file has made the call
    parent: int | None  # the call that this one is made by
    shuffle: bool  # asked for, or not declined
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
    x: tuple[np.ndarray, ...]  # each input, [lanes, …]; empty once `KEPT` is reached
    y: np.ndarray | None
    carried: tuple[np.ndarray, ...] | None  # of each layer that carries state, bool
    # [lanes]: it begins with what the model's batch before has left; None inside of an
    # execution of several batches
    zeroed: bool  # what a layer was left with is now zeros
    begun: bool  # begins with other state than zeros
    answer: np.ndarray | None  # of `predict` alone


class Reset(NamedTuple):
    """A call of `reset_state` of a layer."""

    batches: int  # that were fed before
    path: str
    hook: str  # the batch hook of a callback that has made it; else empty


class Saved(NamedTuple):
    """A model written to a file, or read from one."""

    batches: int  # that were fed before
    model: int
    file: str
    within: bool  # another call, as of a callback in fit
    filled: bool  # its state is not zeros


class Recording(NamedTuple):
    """What a script has handed to Keras."""

    text: str  # of the script
    layers: list[list[Layer]]  # of each model
    calls: list[Call]
    batches: list[Batch]
    resets: list[Reset]
    saved: list[Saved]
    loaded: list[Saved]
    arrays: dict[str, np.ndarray]  # of the script's variables, by name
    scaled: list[tuple[str, np.ndarray]]  # what scalers were fitted on, after scaling


def run(script: Path, arguments: Sequence[str] = ()) -> Recording:
    """Run a script as Python would, with what it hands to Keras recorded.

    It computes what it computes without: batches are copied on their way, and states
    are read between batches. What it prints goes to stderr. Of batches the first 200 MB
    that differ are kept, of later ones the order alone.

    Args:
        script: a Python file.
        arguments: of its command line.

    Returns:
        What was recorded.

    Raises:
        UserError: if there is no such file, or it does not run to its end.
    """
    if not script.is_file():
        raise UserError(f"A training script must be a file. Received: {script}")
    source = script.read_bytes().decode(errors="replace")
    if keras.backend.backend() != "tensorflow":
        raise _other_backend(keras.backend.backend())
    recorder = _Recorder(script, source)
    try:
        with (
            _as_started(script, arguments),
            recorder.patches(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)
            final = runpy.run_path(str(script), run_name="__main__")
            recorder.look(final)
    except UserError:
        raise
    except SystemExit as error:
        if error.code not in (None, 0):
            raise _stopped(script, error) from error
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise UserError(
            f"{error.filename or script}{line}: must be Python. Received: {error.msg}"
        ) from error
    except Exception as error:
        raise _stopped(script, error) from error
    return recorder.recording()


@contextlib.contextmanager
def _as_started(script: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let Python look to a script as it does to one that it has started.

    What is printed, by children as well, goes to stderr. Arguments, paths, environment
    and folder are put back afterwards. `os._exit` ends the script alone.
    """
    argv, path, folder = sys.argv, list(sys.path), os.getcwd()
    environment, leave, process = dict(os.environ), os._exit, os.getpid()
    error_stream = sys.stderr

    def ended(code: int = 0) -> NoReturn:
        if os.getpid() != process:
            leave(code)  # of a child that was forked
        raise SystemExit(code)

    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    os.environ.setdefault("MPLBACKEND", "Agg")  # a window would wait for ever
    os._exit = ended
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(out, 1)
        os.close(out)
        os._exit = leave
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv, sys.path[:], sys.stderr = argv, path, error_stream


def _other_backend(name: str) -> UserError:
    return UserError(
        "KERAS_BACKEND must be tensorflow, of which alone batches are recorded. "
        f"Received: {name}"
    )


def _stopped(script: Path, error: BaseException) -> UserError:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(script)
    ]
    where = f"{script}, line {lines[-1]}" if lines else str(script)
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in said if "batch size" in line.lower()]
    text = (told or said or ["nothing"])[0]
    return UserError(
        f"{where}: a training script must run to its end. "
        f"Received: {type(error).__name__}: {text}"
    )


class _Recorder:
    """Keeps books while a script runs."""

    def __init__(self, script: Path, text: str):
        self._script, self._text = str(script), text
        self._models: list[weakref.ref[keras.Model]] = []
        self._layers: dict[int, list[Layer]] = {}  # of each model, when last fed
        self._left: dict[int, State] = {}  # of each model, after its last batch
        self._calls: list[Call] = []
        self._stack: list[int] = []  # calls that are under way
        self._passes: Counter[int] = Counter()  # of each call
        self._numbers: Counter[tuple[int, int]] = Counter()  # of call and pass
        self._epochs: dict[tuple[int, int], int] = {}  # of call and pass
        self._begun: Counter[int] = Counter()  # epochs of each call
        self._first: dict[int, int] = {}  # batch of each call
        self._batches: list[Batch] = []
        self._resets: list[Reset] = []
        self._saved: list[Saved] = []
        self._loaded: list[Saved] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._scaled: list[tuple[str, np.ndarray]] = []
        self._looks: Counter[Any] = Counter()
        self._pending: list[tuple[tuple, np.ndarray | None, bool]] = []
        self._executing = False
        self._room = self._array_room = KEPT
        self._pool: dict[bytes, np.ndarray] = {}  # equal arrays are kept once

    @contextlib.contextmanager
    def patches(self) -> Iterator[None]:
        """Have Keras, and scikit-learn where it is used, tell what they are given."""
        with contextlib.ExitStack() as stack:
            self._wrapped: list[tuple[weakref.ref[keras.Model], str]] = []

            def patch(owner: Any, name: str, wrap: Callable) -> None:
                stack.enter_context(_replaced(owner, name, wrap))

            for method in METHODS:
                patch(keras.Model, method, self._method)
            patch(keras.Model, "__call__", self._direct)
            for name in RUN:
                patch(trainer.TensorFlowTrainer, f"make_{name}_function", self._maker)
            patch(trainer.TFEpochIterator, "__init__", self._tapped)
            patch(epoch_iterator.EpochIterator, "__iter__", self._new_pass)
            patch(keras.layers.RNN, "reset_state", self._resetting)
            patch(saving_lib, "save_model", self._saving)
            patch(saving_lib, "load_model", self._loading)
            patch(saving_lib, "save_weights_only", self._saving)
            patch(saving_lib, "load_weights_only", self._loading_weights)
            patch(keras.layers.Normalization, "adapt", self._adapting)
            if "sklearn" in self._text:
                from sklearn import preprocessing  # takes a second to import

                for name in SCALERS:
                    patch(getattr(preprocessing, name), "fit", self._fitting)
            try:
                yield
            finally:
                for reference, name in self._wrapped:
                    model = reference()
                    if model is not None and hasattr(getattr(model, name), "recorded"):
                        setattr(model, name, getattr(model, name).recorded)

    def recording(self) -> Recording:
        """Return what was recorded."""
        return Recording(
            self._text,
            [self._layers.get(number, []) for number in range(len(self._models))],
            self._calls,
            self._batches,
            self._resets,
            self._saved,
            self._loaded,
            self._arrays,
            self._scaled,
        )

    def look(self, variables: dict[str, Any]) -> None:
        """Keep the arrays among variables, and among the fields of objects."""
        for name, value in variables.items():
            if name.startswith("__"):
                continue
            for inner, array in _arrays(name, value):
                if array.nbytes > self._array_room or array.size < 8:
                    continue
                held = self._arrays.get(inner)
                while held is not None and not _same(held, array):
                    inner += "'"
                    held = self._arrays.get(inner)
                if held is None:
                    self._array_room -= array.nbytes
                    self._arrays[inner] = array.copy()

    # What stands in for Keras's own

    def _method(self, original: Callable) -> Callable:
        def method(model: keras.Model, *given: Any, **named: Any) -> Any:
            if self._executing:
                return original(model, *given, **named)
            call = self._begin(original, model, given, named)
            try:
                answer = original(model, *given, **named)
            finally:
                self._stack.pop()
            self._end(call, model, answer)
            return answer

        return method

    def _begin(
        self, original: Callable, model: keras.Model, given: tuple, named: dict
    ) -> int:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if backend != "tensorflow":  # set by the script, when Keras was imported
            raise _other_backend(backend)
        frame = self._frame()
        self._look_around(frame)
        method = original.__name__
        arguments = dict(zip(("x", "y"), given, strict=False)) | named
        if method == "fit" and len(given) > 8:
            arguments["shuffle"] = given[8]
        data, repeats = _kind(arguments.get("x"))
        steps = arguments.get("steps_per_epoch")
        self._calls.append(
            Call(
                method,
                self._number(model),
                frame.f_lineno if frame else 0,
                self._stack[-1] if self._stack else None,
                method == "fit" and bool(arguments.get("shuffle", True)),
                data,
                repeats and steps is None,
                int(getattr(model, "steps_per_execution", 1) or 1),
                {},
                any(
                    arguments.get(name) is not None
                    for name in ("sample_weight", "class_weight")
                ),
            )
        )
        self._stack.append(len(self._calls) - 1)
        return self._stack[-1]

    def _end(self, call: int, model: keras.Model, answer: Any) -> None:
        method, scores = self._calls[call].method, self._calls[call].scores
        if method == "fit":
            told = {name: values[-1] for name, values in answer.history.items()}
        elif method in ("evaluate", "test_on_batch"):
            told = model.get_metrics_result()
        else:
            told = {}
        for name, value in told.items():
            with contextlib.suppress(TypeError, ValueError):
                scores[name] = float(value)
        if method == "predict" and isinstance(answer, np.ndarray):
            self._answer(call, answer)

    def _answer(self, call: int, answer: np.ndarray) -> None:
        """Give each batch of a call what was answered to it."""
        if answer.nbytes > self._room:
            return
        self._room -= answer.nbytes
        begin = 0
        for place in range(self._first.get(call, 0), len(self._batches)):
            batch = self._batches[place]
            if batch.call == call and batch.x:
                rows = len(batch.x[0])
                self._batches[place] = batch._replace(
                    answer=answer[begin : begin + rows]
                )
                begin += rows

    def _direct(self, original: Callable) -> Callable:
        def call(model: keras.Model, *given: Any, **named: Any) -> Any:
            inside = self._executing or self._stack or not tf.executing_eagerly()
            tensors = tf.nest.flatten((given, named))
            if inside or any(isinstance(t, keras.KerasTensor) for t in tensors):
                return original(model, *given, **named)
            frame = self._frame()
            self._look_around(frame)
            training = named.get("training")
            kind = "train" if training else "predict"
            line = frame.f_lineno if frame else 0
            number = self._number(model)
            self._calls.append(
                Call("call", number, line, None, False, "arrays", False, 1, {}, False)
            )
            before, self._executing = _state(model), True
            try:
                answer = original(model, *given, **named)
            finally:
                self._executing = False
            x = tuple(_numpy(t) for t in tf.nest.flatten(given[:1]))
            self._stack.append(len(self._calls) - 1)
            self._fed(model, kind, [(x, None, False)], before)
            self._stack.pop()
            return answer

        return call

    def _maker(self, original: Callable) -> Callable:
        name = original.__name__.split("_")[1]
        attribute = f"{name}_function"

        def make(model: keras.Model, *given: Any, **named: Any) -> Any:
            made = original(model, *given, **named)
            function = getattr(model, attribute)
            if not hasattr(function, "recorded"):
                wrapped = self._recorded(model, name, function)
                setattr(model, attribute, wrapped)
                self._wrapped.append((weakref.ref(model), attribute))
            return made

        return make

    def _recorded(self, model: keras.Model, name: str, function: Callable) -> Callable:
        def execute(data: Any) -> Any:
            fed = []
            if isinstance(data, list):  # predict hands over what it has taken
                fed = [_parts(batch) for batch in data]
            elif not isinstance(data, tf.data.Iterator):  # …_on_batch: a generator
                taken = list(data)
                fed, data = [_parts(batch) for batch in taken], iter(taken)
            self._pending.clear()
            before, self._executing = _state(model), True
            try:
                answer = function(data)
            finally:
                self._executing = False
            self._fed(model, RUN[name], fed or list(self._pending), before)
            return answer

        execute.recorded = function  # pyright: ignore[reportFunctionMemberAccess]
        return execute

    def _fed(
        self,
        model: keras.Model,
        kind: str,
        fed: list[tuple[tuple, np.ndarray | None, bool]],
        before: State,
    ) -> None:
        if not self._stack or not fed:
            return
        call, number = self._stack[-1], self._number(model)
        carried, zeroed = _passed_on(self._left.get(number), before)
        begun = any(state.any() for state in before)
        self._left[number] = after = _state(model)
        lanes = [len(state) for state in after]
        if [layer.lanes for layer in self._layers.get(number, [])] != lanes:
            self._layers[number] = _layers(model, lanes)
        self._first.setdefault(call, len(self._batches))
        of = call, self._passes[call]
        if of not in self._epochs:
            self._epochs[of] = self._begun[call]
            self._begun[call] += 1
        for place, (x, y, weighted) in enumerate(fed):
            key, kept = self._keep(x)
            self._batches.append(
                Batch(
                    number,
                    call,
                    kind,
                    self._epochs[of],
                    self._numbers[of],
                    key,
                    kept,
                    self._keep((y,))[1][0] if y is not None and kept else None,
                    carried if place == 0 else None,
                    zeroed and place == 0,
                    begun and place == 0,
                    None,
                )
            )
            self._numbers[of] += 1
            if weighted:
                self._calls[call] = self._calls[call]._replace(weighted=True)

    def _keep(self, arrays: tuple) -> tuple[bytes, tuple[np.ndarray, ...]]:
        """Return a key that equal arrays share, and the arrays as far as room is."""
        keys, kept = [], []
        for array in arrays:
            plain = np.ascontiguousarray(array)
            if plain.dtype.kind == "f":
                plain = plain.astype(np.float32)  # as Keras feeds it
            key = hashlib.blake2b(
                repr((plain.shape, plain.dtype.str)).encode() + plain.tobytes(),
                digest_size=16,
            ).digest()
            keys.append(key)
            if key not in self._pool and plain.nbytes <= self._room:
                self._room -= plain.nbytes
                self._pool[key] = plain.copy()
            if key in self._pool:
                kept.append(self._pool[key])
        return b"".join(keys), tuple(kept) if len(kept) == len(arrays) else ()

    def _tapped(self, original: Callable) -> Callable:
        def create(iterator: Any, *given: Any, **named: Any) -> None:
            original(iterator, *given, **named)
            dataset = iterator._distributed_dataset
            if isinstance(dataset, tf.data.Dataset):
                iterator._distributed_dataset = self._tap(dataset)

        return create

    def _tap(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return the same batches, each copied when it is taken."""
        single = not isinstance(dataset.element_spec, tuple)

        def copy(*data: Any) -> Any:
            x, y, weight = keras.utils.unpack_x_y_sample_weight(
                data[0] if single else data
            )
            xs = [t for t in tf.nest.flatten(x) if isinstance(t, tf.Tensor)]
            ys = [t for t in tf.nest.flatten(y) if isinstance(t, tf.Tensor)]

            def keep(*arrays: np.ndarray) -> np.ndarray:
                targets = arrays[len(xs) :]
                self._pending.append(
                    (
                        arrays[: len(xs)],
                        targets[0] if len(targets) == 1 else None,
                        weight is not None,
                    )
                )
                return np.int64(0)  # pyright: ignore[reportReturnType]

            kept = tf.numpy_function(keep, [*xs, *ys], tf.int64)
            flat = tf.nest.flatten(data, expand_composites=True)
            with tf.control_dependencies([kept]):
                flat = [t if t is None else tf.identity(t) for t in flat]
            passed = tf.nest.pack_sequence_as(data, flat, expand_composites=True)
            return passed[0] if single else passed

        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # taken when needed
        return dataset.map(copy).with_options(options)

    def _new_pass(self, original: Callable) -> Callable:
        def begin(iterator: Any) -> Any:
            if self._stack:
                self._passes[self._stack[-1]] += 1
            return original(iterator)

        return begin

    def _resetting(self, original: Callable) -> Callable:
        def reset(layer: Any) -> None:
            frame, hook = sys._getframe(1), ""
            while frame is not None and not hook:
                if frame.f_code.co_name in HOOKS:
                    hook = frame.f_code.co_name
                frame = frame.f_back
            self._resets.append(Reset(len(self._batches), layer.path, hook))
            original(layer)

        return reset

    def _saving(self, original: Callable) -> Callable:
        def save(model: Any, file: Any, *given: Any, **named: Any) -> None:
            if isinstance(model, keras.Model):
                self._saved.append(self._filed(model, file))
            original(model, file, *given, **named)

        return save

    def _loading(self, original: Callable) -> Callable:
        def load(file: Any, *given: Any, **named: Any) -> Any:
            model = original(file, *given, **named)
            if isinstance(model, keras.Model):
                self._loaded.append(self._filed(model, file))
            return model

        return load

    def _loading_weights(self, original: Callable) -> Callable:
        def load(model: Any, file: Any, *given: Any, **named: Any) -> None:
            original(model, file, *given, **named)
            if isinstance(model, keras.Model):
                self._loaded.append(self._filed(model, file))

        return load

    def _filed(self, model: keras.Model, file: Any) -> Saved:
        number, state = self._number(model), _state(model)
        within = bool(self._stack)
        filled = any(each.any() for each in state)
        return Saved(len(self._batches), number, str(file), within, filled)

    def _adapting(self, original: Callable) -> Callable:
        def adapt(layer: Any, data: Any, *given: Any, **named: Any) -> Any:
            result = original(layer, data, *given, **named)
            array = _plain(data)
            if array is not None:
                self._scale("Normalization.adapt", array)
            return result

        return adapt

    def _fitting(self, original: Callable) -> Callable:
        def fit(scaler: Any, data: Any, *given: Any, **named: Any) -> Any:
            result = original(scaler, data, *given, **named)
            name = f"{type(scaler).__name__}.fit"
            with contextlib.suppress(Exception):  # it is the script's to complain
                self._scale(name, np.asarray(scaler.transform(data)))
            return result

        return fit

    def _scale(self, name: str, array: np.ndarray) -> None:
        if array.nbytes <= self._array_room:
            self._array_room -= array.nbytes
            self._scaled.append((name, array.copy()))

    # What is looked up

    def _number(self, model: keras.Model) -> int:
        for number, known in enumerate(self._models):
            if known() is model:
                return number
        self._models.append(weakref.ref(model))
        return len(self._models) - 1

    def _frame(self) -> FrameType | None:
        """Return the innermost frame of the script that is being run."""
        frame = sys._getframe(2)
        while frame is not None and not self._own(frame):
            frame = frame.f_back
        return frame

    def _own(self, frame: FrameType) -> bool:
        return frame.f_code.co_filename == self._script

    def _look_around(self, frame: FrameType | None) -> None:
        while frame is not None:
            if self._looks[frame.f_code] < LOOKS and self._own(frame):
                self._looks[frame.f_code] += 1
                self.look(dict(frame.f_locals))
            frame = frame.f_back


@contextlib.contextmanager
def _replaced(owner: Any, name: str, wrap: Callable) -> Iterator[None]:
    """Put another function in the place of one, for a while."""
    own = name in vars(owner)
    original = getattr(owner, name)
    wrapped = wrap(original)
    wrapped.__name__, wrapped.__doc__ = name, original.__doc__
    setattr(owner, name, wrapped)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


def _layers(model: keras.Model, lanes: list[int]) -> list[Layer]:
    top = {id(layer) for layer in getattr(model, "layers", [])}
    return [
        Layer(str(layer.path), rows, id(layer) in top)
        for layer, rows in zip(callbacks.stateful_layers(model), lanes, strict=True)
    ]


def _state(model: keras.Model) -> State:
    return tuple(
        np.concatenate(
            [
                np.asarray(keras.ops.convert_to_numpy(value)).reshape(
                    value.shape[0], -1
                )
                for value in keras.tree.flatten(layer.states)
            ],
            axis=1,
        )
        if layer.states
        else np.zeros((0, 0), np.float32)
        for layer in callbacks.stateful_layers(model)
    )


def _passed_on(left: State | None, begun: State) -> tuple[tuple[np.ndarray, ...], bool]:
    """Tell which lanes begin with what was left, and whether a layer begins anew."""
    if left is None or len(left) != len(begun):
        return tuple(np.zeros(len(state), bool) for state in begun), False
    carried, zeroed = [], False
    for was, now in zip(left, begun, strict=True):
        if was.shape != now.shape or not was.any():
            carried.append(np.zeros(len(now), bool))
        else:
            carried.append((was == now).all(axis=1) & now.any(axis=1))
            zeroed |= not now.any()
    return tuple(carried), zeroed


def _parts(batch: Any) -> tuple[tuple, np.ndarray | None, bool]:
    """Return inputs, target and whether there are weights, of a batch as it is fed."""
    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    targets = [_numpy(t) for t in tf.nest.flatten(y) if t is not None]
    return (
        tuple(_numpy(t) for t in tf.nest.flatten(x)),
        targets[0] if len(targets) == 1 else None,
        weight is not None,
    )


def _numpy(tensor: Any) -> np.ndarray:
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.to_tensor().numpy()
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.to_dense(tensor).numpy()
    return np.asarray(tensor)


def _kind(x: Any) -> tuple[str, bool]:
    """Name what batches come from, and tell whether an epoch is a whole pass of it."""
    if isinstance(x, keras.utils.PyDataset):
        return "Sequence", True
    if isinstance(x, tf.data.Dataset):
        return "tf.data", bool(x.cardinality() != tf.data.INFINITE_CARDINALITY)
    first = tf.nest.flatten(x)[0] if x is not None else None
    if data_adapters.array_data_adapter.can_convert_arrays((first,)):
        return "arrays", True
    return "generator", False


def _plain(value: Any) -> np.ndarray | None:
    """Return a table or array of numbers as an array; None of anything else."""
    if isinstance(value, pd.DataFrame | pd.Series):
        value = value.select_dtypes("number") if value.ndim == 2 else value
        value = value.to_numpy()
    elif isinstance(value, tf.Tensor) and hasattr(value, "numpy"):
        value = value.numpy()
    elif isinstance(value, list) and len(value) > 7:
        if not isinstance(value[0], float | int | np.ndarray | np.number):
            return None
        try:
            value = np.asarray(value)
        except ValueError:
            return None
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return value
    return None


def _arrays(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a variable's arrays: itself, its members, or its fields."""
    array = _plain(value)
    if array is not None:
        yield name, array
        return
    if isinstance(value, list | tuple) and len(value) < 1000:
        members = {f"{name}[{place}]": member for place, member in enumerate(value)}
    elif isinstance(value, dict) and len(value) < 1000:
        members = {f"{name}[{key!r}]": member for key, member in value.items()}
    elif type(value).__module__ == "__main__" and hasattr(value, "__dict__"):
        members = {f"{name}.{key}": member for key, member in vars(value).items()}
    else:
        return
    for inner, member in members.items():
        array = _plain(member)
        if array is not None:
            yield inner, array


def _same(some: np.ndarray, other: np.ndarray) -> bool:
    return some.shape == other.shape and some.tobytes() == other.tobytes()
