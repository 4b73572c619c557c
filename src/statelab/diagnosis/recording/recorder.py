"""Keeps the calls, batches, resets and files of a script while it runs."""

import contextlib
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np

from statelab.diagnosis.recording import model_state
from statelab.diagnosis.recording.batch_arrays import BatchArrays, FedBatch
from statelab.diagnosis.recording.model_state import State
from statelab.diagnosis.recording.records import (
    Batch,
    Call,
    Layer,
    Recording,
    Reset,
    Saved,
)
from statelab.diagnosis.recording.script_variables import ScriptVariables


class Recorder:
    """What a script has handed to Keras so far.

    Models, calls and batches are numbered from 0, as they come.

    Args:
        source: text of the script.
        variables: its arrays.
    """

    def __init__(self, source: str, variables: ScriptVariables):
        self.source = source
        self.variables = variables
        self._arrays = BatchArrays()
        self._models: list[weakref.ref[keras.Model]] = []
        self._layers: dict[int, list[Layer]] = {}  # of each model, when last fed
        self._left: dict[int, State] = {}  # of each model, after its last batch
        self._calls: list[Call] = []
        self._open_calls: list[int] = []
        self._passes: Counter[int] = Counter()  # of each call
        self._epochs: dict[tuple[int, int], int] = {}  # of call and pass
        self._epoch_counts: Counter[int] = Counter()  # of each call
        self._batch_counts: Counter[tuple[int, int]] = Counter()  # of call and pass
        self._first_batches: dict[int, int] = {}  # of each call
        self._batches: list[Batch] = []
        self._resets: list[Reset] = []
        self._saved: list[Saved] = []
        self._loaded: list[Saved] = []

    def recording(self) -> Recording:
        """Return what was recorded."""
        return Recording(
            self.source,
            [self._layers.get(number, []) for number in range(len(self._models))],
            self._calls,
            self._batches,
            self._resets,
            self._saved,
            self._loaded,
            self.variables.arrays,
            self.variables.scaled,
        )

    def model_number(self, model: keras.Model) -> int:
        for number, known in enumerate(self._models):
            if known() is model:
                return number
        self._models.append(weakref.ref(model))
        return len(self._models) - 1

    def open_call(self) -> int | None:
        """Return the call that is under way."""
        return self._open_calls[-1] if self._open_calls else None

    def add_call(self, call: Call) -> int:
        """Add a call, and return its number."""
        self._calls.append(call)
        return len(self._calls) - 1

    @contextlib.contextmanager
    def under_way(self, call: int) -> Iterator[None]:
        """Add batches to a call for a while."""
        self._open_calls.append(call)
        try:
            yield
        finally:
            self._open_calls.pop()

    def add_scores(self, call: int, scores: Mapping[str, float]) -> None:
        self._calls[call].scores.update(scores)

    def add_predictions(self, call: int, predictions: np.ndarray) -> None:
        """Give each batch of a call its part of the predictions, [n, …]."""
        if not self._arrays.reserve(predictions):
            return
        begin = 0
        for number in range(self._first_batches.get(call, 0), len(self._batches)):
            batch = self._batches[number]
            if batch.call == call and batch.x:
                end = begin + len(batch.x[0])
                self._batches[number] = batch._replace(
                    predictions=predictions[begin:end]
                )
                begin = end

    def begin_pass(self) -> None:
        """Count a pass of the data of the call that is under way."""
        if self._open_calls:
            self._passes[self._open_calls[-1]] += 1

    def add_batches(
        self, model: keras.Model, kind: str, fed: Sequence[FedBatch], before: State
    ) -> None:
        """Add the batches of one execution to the call that is under way.

        Args:
            model: that has been fed them.
            kind: "train", "validation" or "predict".
            fed: one, or as many as `steps_per_execution`.
            before: the model's state before the first of them.
        """
        if not self._open_calls or not fed:
            return
        call, number = self._open_calls[-1], self.model_number(model)
        carried, zeroed = model_state.carried_over(self._left.get(number), before)
        starts_nonzero = any(state.any() for state in before)
        self._left[number] = after = model_state.read(model)
        lanes = [len(state) for state in after]
        if [layer.lanes for layer in self._layers.get(number, [])] != lanes:
            self._layers[number] = model_state.layers(model, lanes)
        self._first_batches.setdefault(call, len(self._batches))
        call_and_pass = call, self._passes[call]
        if call_and_pass not in self._epochs:
            self._epochs[call_and_pass] = self._epoch_counts[call]
            self._epoch_counts[call] += 1
        for place, batch in enumerate(fed):
            first = place == 0
            key, x = self._arrays.keep(batch.inputs)
            y = None
            if batch.target is not None and x:
                y = self._arrays.keep((batch.target,))[1][0]
            self._batches.append(
                Batch(
                    model=number,
                    call=call,
                    kind=kind,
                    epoch=self._epochs[call_and_pass],
                    number=self._batch_counts[call_and_pass],
                    key=key,
                    x=x,
                    y=y,
                    carried=carried if first else None,
                    zeroed=zeroed and first,
                    starts_nonzero=starts_nonzero and first,
                    predictions=None,
                )
            )
            self._batch_counts[call_and_pass] += 1
            if batch.weighted:
                self._calls[call] = self._calls[call]._replace(weighted=True)

    def add_reset(self, path: str, hook: str) -> None:
        """Add a reset of a layer, and the hook of a callback it was made in."""
        self._resets.append(Reset(len(self._batches), path, hook))

    def add_saved(self, model: keras.Model, file: str) -> None:
        self._saved.append(self._file(model, file))

    def add_loaded(self, model: keras.Model, file: str) -> None:
        self._loaded.append(self._file(model, file))

    def _file(self, model: keras.Model, file: str) -> Saved:
        state = model_state.read(model)
        return Saved(
            batches=len(self._batches),
            model=self.model_number(model),
            file=file,
            inside_call=bool(self._open_calls),
            nonzero_state=any(part.any() for part in state),
        )
