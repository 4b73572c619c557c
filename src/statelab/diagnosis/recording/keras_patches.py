"""Has Keras, and scikit-learn's scalers, report to a recorder what they are given.

Methods are replaced by others that call them: the numbers are the same.
"""

import contextlib
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.tensorflow import trainer
from keras.src.saving import saving_lib
from keras.src.trainers import data_adapters, epoch_iterator

from statelab.diagnosis.recording import batch_arrays, model_state, script_variables
from statelab.diagnosis.recording.batch_arrays import FedBatch
from statelab.diagnosis.recording.recorder import Recorder
from statelab.diagnosis.recording.records import BATCH_HOOKS, Call
from statelab.errors import UserError

METHODS = (
    "fit",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
)
KINDS = {"train": "train", "test": "validation", "predict": "predict"}
SCALERS = (
    "StandardScaler",
    "MinMaxScaler",
    "MaxAbsScaler",
    "RobustScaler",
    "QuantileTransformer",
    "PowerTransformer",
)


def check_backend(name: str) -> None:
    if name != "tensorflow":
        raise UserError(
            "KERAS_BACKEND must be tensorflow, of which alone batches are recorded. "
            f"Received: {name}"
        )


@contextlib.contextmanager
def installed(recorder: Recorder) -> Iterator[None]:
    """Report to a recorder for a while; afterwards Keras is what it was."""
    patches = _Patches(recorder)
    with contextlib.ExitStack() as stack:
        for owner, name, wrap in patches.replacements():
            stack.enter_context(_replaced(owner, name, wrap))
        try:
            yield
        finally:
            patches.unwrap_functions()


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


class _Patches:
    """Replacements, each made of the method that it calls."""

    def __init__(self, recorder: Recorder):
        self._recorder = recorder
        self._executing = False  # Keras runs batches: what it calls is its own
        self._taken: list[FedBatch] = []  # out of a dataset, by this execution
        self._wrapped: list[tuple[weakref.ref[keras.Model], str]] = []

    def replacements(self) -> Iterator[tuple[Any, str, Callable]]:
        """Yield what is replaced: owner, name, and what makes the replacement."""
        for method in METHODS:
            yield keras.Model, method, self._method
        yield keras.Model, "__call__", self._direct_call
        for name in KINDS:
            yield trainer.TensorFlowTrainer, f"make_{name}_function", self._make
        yield trainer.TFEpochIterator, "__init__", self._create_iterator
        yield epoch_iterator.EpochIterator, "__iter__", self._iterate
        yield keras.layers.RNN, "reset_state", self._reset_state
        yield saving_lib, "save_model", self._save
        yield saving_lib, "load_model", self._load_model
        yield saving_lib, "save_weights_only", self._save
        yield saving_lib, "load_weights_only", self._load_weights
        yield keras.layers.Normalization, "adapt", self._adapt
        if "sklearn" in self._recorder.source:
            from sklearn import preprocessing  # takes a second to import

            for name in SCALERS:
                yield getattr(preprocessing, name), "fit", self._fit_scaler

    def unwrap_functions(self) -> None:
        """Give models back the functions that Keras has made for them."""
        for reference, name in self._wrapped:
            model = reference()
            if model is not None and hasattr(getattr(model, name), "recorded"):
                setattr(model, name, getattr(model, name).recorded)

    @contextlib.contextmanager
    def _execution_of_keras(self) -> Iterator[None]:
        self._executing = True
        try:
            yield
        finally:
            self._executing = False

    # Calls

    def _method(self, original: Callable) -> Callable:
        def method(model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            if self._executing:
                return original(model, *args, **kwargs)
            call = self._add_call(original.__name__, model, args, kwargs)
            with self._recorder.under_way(call):
                result = original(model, *args, **kwargs)
            self._add_result(call, original.__name__, model, result)
            return result

        return method

    def _add_call(
        self, method: str, model: keras.Model, args: tuple, kwargs: dict
    ) -> int:
        # a script may have set it, when Keras was imported
        check_backend(os.environ.get("KERAS_BACKEND", "tensorflow"))
        frame = self._recorder.variables.innermost_frame()
        self._recorder.variables.copy_from_frames(frame)
        arguments = dict(zip(("x", "y"), args, strict=False)) | kwargs
        if method == "fit" and len(args) > 8:
            arguments["shuffle"] = args[8]
        data, repeats = _data_kind(arguments.get("x"))
        weights = (arguments.get(f"{of}_weight") for of in ("sample", "class"))
        return self._recorder.add_call(
            Call(
                method=method,
                model=self._recorder.model_number(model),
                line=frame.f_lineno if frame else 0,
                parent=self._recorder.open_call(),
                shuffle=method == "fit" and bool(arguments.get("shuffle", True)),
                data=data,
                repeats=repeats and arguments.get("steps_per_epoch") is None,
                steps_per_execution=int(getattr(model, "steps_per_execution", 1) or 1),
                scores={},
                weighted=any(weight is not None for weight in weights),
            )
        )

    def _add_result(
        self, call: int, method: str, model: keras.Model, result: Any
    ) -> None:
        """Add the scores or the predictions that a call gives."""
        metrics = {}
        if method == "fit":
            metrics = {name: values[-1] for name, values in result.history.items()}
        elif method in ("evaluate", "test_on_batch"):
            metrics = model.get_metrics_result()
        scores = {}
        for name, value in metrics.items():
            with contextlib.suppress(TypeError, ValueError):
                scores[name] = float(value)
        self._recorder.add_scores(call, scores)
        if method == "predict" and isinstance(result, np.ndarray):
            self._recorder.add_predictions(call, result)

    def _direct_call(self, original: Callable) -> Callable:
        """Record `model(x)` of a script's own loop."""

        def direct_call(model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            inside = (
                self._executing
                or self._recorder.open_call() is not None
                or not tf.executing_eagerly()
            )
            tensors = tf.nest.flatten((args, kwargs))
            if inside or any(isinstance(t, keras.KerasTensor) for t in tensors):
                return original(model, *args, **kwargs)
            frame = self._recorder.variables.innermost_frame()
            self._recorder.variables.copy_from_frames(frame)
            number, line = self._recorder.model_number(model), 0
            if frame is not None:
                line = frame.f_lineno
            call = self._recorder.add_call(
                Call("call", number, line, None, False, "arrays", False, 1, {}, False)
            )
            before = model_state.read(model)
            with self._execution_of_keras():
                result = original(model, *args, **kwargs)
            x = tuple(batch_arrays.to_numpy(t) for t in tf.nest.flatten(args[:1]))
            kind = "train" if kwargs.get("training") else "predict"
            fed = [FedBatch(x, None, False)]
            with self._recorder.under_way(call):
                self._recorder.add_batches(model, kind, fed, before)
            return result

        return direct_call

    # Batches

    def _make(self, original: Callable) -> Callable:
        """Wrap the function that Keras makes for a model to run batches with."""
        name = original.__name__.split("_")[1]
        attribute = f"{name}_function"

        def make(model: keras.Model, *args: Any, **kwargs: Any) -> Any:
            made = original(model, *args, **kwargs)
            function = getattr(model, attribute)
            if not hasattr(function, "recorded"):
                setattr(model, attribute, self._execution(model, name, function))
                self._wrapped.append((weakref.ref(model), attribute))
            return made

        return make

    def _execution(self, model: keras.Model, name: str, function: Callable) -> Callable:
        def execute(data: Any) -> Any:
            fed = []
            if isinstance(data, list):  # predict hands over what it has taken
                fed = [batch_arrays.from_keras(batch) for batch in data]
            elif not isinstance(data, tf.data.Iterator):  # …_on_batch: a generator
                batches = list(data)
                fed = [batch_arrays.from_keras(batch) for batch in batches]
                data = iter(batches)
            self._taken.clear()
            before = model_state.read(model)
            with self._execution_of_keras():
                result = function(data)
            fed = fed or list(self._taken)
            self._recorder.add_batches(model, KINDS[name], fed, before)
            return result

        execute.recorded = function  # pyright: ignore[reportFunctionMemberAccess]
        return execute

    def _create_iterator(self, original: Callable) -> Callable:
        def create(iterator: Any, *args: Any, **kwargs: Any) -> None:
            original(iterator, *args, **kwargs)
            dataset = iterator._distributed_dataset
            if isinstance(dataset, tf.data.Dataset):
                iterator._distributed_dataset = self._copied_when_taken(dataset)

        return create

    def _copied_when_taken(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """Return the same batches, each copied when it is taken."""
        single = not isinstance(dataset.element_spec, tuple)

        def copy(*data: Any) -> Any:
            x, y, weight = keras.utils.unpack_x_y_sample_weight(
                data[0] if single else data
            )
            xs = [t for t in tf.nest.flatten(x) if isinstance(t, tf.Tensor)]
            ys = [t for t in tf.nest.flatten(y) if isinstance(t, tf.Tensor)]

            def keep(*arrays: np.ndarray) -> np.ndarray:
                inputs, targets = arrays[: len(xs)], arrays[len(xs) :]
                target = targets[0] if len(targets) == 1 else None
                self._taken.append(FedBatch(inputs, target, weight is not None))
                return np.int64(0)  # pyright: ignore[reportReturnType]

            kept = tf.numpy_function(keep, [*xs, *ys], tf.int64)
            flat = tf.nest.flatten(data, expand_composites=True)
            with tf.control_dependencies([kept]):
                flat = [t if t is None else tf.identity(t) for t in flat]
            same = tf.nest.pack_sequence_as(data, flat, expand_composites=True)
            return same[0] if single else same

        options = tf.data.Options()
        options.experimental_optimization.inject_prefetch = False  # taken when needed
        return dataset.map(copy).with_options(options)

    def _iterate(self, original: Callable) -> Callable:
        def iterate(iterator: Any) -> Any:
            self._recorder.begin_pass()
            return original(iterator)

        return iterate

    # Resets, files and scalers

    def _reset_state(self, original: Callable) -> Callable:
        def reset_state(layer: Any) -> None:
            frame, hook = sys._getframe(1), ""
            while frame is not None and not hook:
                if frame.f_code.co_name in BATCH_HOOKS:
                    hook = frame.f_code.co_name
                frame = frame.f_back
            self._recorder.add_reset(layer.path, hook)
            original(layer)

        return reset_state

    def _save(self, original: Callable) -> Callable:
        def save(model: Any, file: Any, *args: Any, **kwargs: Any) -> None:
            if isinstance(model, keras.Model):
                self._recorder.add_saved(model, str(file))
            original(model, file, *args, **kwargs)

        return save

    def _load_model(self, original: Callable) -> Callable:
        def load_model(file: Any, *args: Any, **kwargs: Any) -> Any:
            model = original(file, *args, **kwargs)
            if isinstance(model, keras.Model):
                self._recorder.add_loaded(model, str(file))
            return model

        return load_model

    def _load_weights(self, original: Callable) -> Callable:
        def load_weights(model: Any, file: Any, *args: Any, **kwargs: Any) -> None:
            original(model, file, *args, **kwargs)
            if isinstance(model, keras.Model):
                self._recorder.add_loaded(model, str(file))

        return load_weights

    def _adapt(self, original: Callable) -> Callable:
        def adapt(layer: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(layer, data, *args, **kwargs)
            array = script_variables.numeric_array(data)
            if array is not None:
                self._recorder.variables.copy_scaled("Normalization.adapt", array)
            return result

        return adapt

    def _fit_scaler(self, original: Callable) -> Callable:
        def fit(scaler: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(scaler, data, *args, **kwargs)
            name = f"{type(scaler).__name__}.fit"
            with contextlib.suppress(Exception):  # it is the script's to complain
                scaled = np.asarray(scaler.transform(data))
                self._recorder.variables.copy_scaled(name, scaled)
            return result

        return fit


def _data_kind(x: Any) -> tuple[str, bool]:
    """Name what batches come from, and tell whether an epoch is a whole pass of it."""
    if isinstance(x, keras.utils.PyDataset):
        return "Sequence", True
    if isinstance(x, tf.data.Dataset):
        return "tf.data", bool(x.cardinality() != tf.data.INFINITE_CARDINALITY)
    first = tf.nest.flatten(x)[0] if x is not None else None
    if data_adapters.array_data_adapter.can_convert_arrays((first,)):
        return "arrays", True
    return "generator", False
