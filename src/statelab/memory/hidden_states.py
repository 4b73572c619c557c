"""What a trained network holds: its hidden units, step by step, in stock Keras."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from statelab import callbacks
from statelab.config.values import Reset
from statelab.data.sequences import Sequences
from statelab.networks import keras_models
from statelab.networks.saving import TrainedNetworks
from statelab.samples import plans
from statelab.samples.windows import Windows, locate_samples


class Trace(NamedTuple):
    """A network at some time steps, in their order."""

    hidden: np.ndarray  # float32 [steps, units]; h of the last recurrent layer
    predictions: np.ndarray  # float32 [steps, outputs]


class Traces(NamedTuple):
    """A network over one sequence, with its state carried and without."""

    step: np.ndarray  # int64 [steps]; flat
    begins: np.ndarray  # bool [steps]; the first time step of a sample that is traced
    reset: np.ndarray  # bool [steps]; state is zero before that sample, when carried
    carried: Trace
    alone: Trace  # state is zero before each sample


def of_sequence(
    networks: TrainedNetworks,
    data: Sequences,
    windows: Windows,
    sequence: int,
    *,
    reset: str,
    steps: int,
) -> Traces:
    """Trace a network over a sequence, with its state carried and without.

    Args:
        networks: the network, with a leading axis of one seed.
        data: the time steps.
        windows: how they are cut into samples.
        sequence: which one.
        reset: of the carried state, as in `plans.make_plan`; state is zero at the
            beginning of the sequence in any case.
        steps: at most, from the first one on.
    """
    plan = plans.make_plan(
        windows, np.array([sequence]), batch_size=1, stateful=True, reset=Reset(reset)
    )
    skipped = int(windows.length[sequence] - windows.answered[sequence])
    batches = plans.expand(plan, 0, min(plan.batches, steps))
    at = locate_samples(windows, batches.sample[:, 0])
    traced = np.cumsum(at.length - skipped)
    needed = int(np.searchsorted(traced, steps)) + 1  # the last one is cut short
    first, length = at.first[:needed], np.minimum(at.length[:needed], skipped + steps)
    spans = list(zip(first, first + length, strict=True))
    samples = [data.values[begin:end] for begin, end in spans]
    zero = batches.reset[:needed, 0]
    traced_steps = [np.arange(begin + skipped, end) for begin, end in spans]
    begins = np.concatenate([np.arange(len(part)) == 0 for part in traced_steps])
    carried, alone = (
        Trace(*(field[:steps] for field in trace(networks, samples, at_zero, skipped)))
        for at_zero in (zero, np.ones_like(zero))
    )
    resets = begins & np.repeat(zero, [len(part) for part in traced_steps])
    return Traces(
        step=np.concatenate(traced_steps)[:steps],
        begins=begins[:steps],
        reset=resets[:steps],
        carried=carried,
        alone=alone,
    )


def trace(
    networks: TrainedNetworks,
    samples: Sequence[np.ndarray],
    reset: np.ndarray,
    skipped: int = 0,
) -> Trace:
    """Give a network some samples, one after another, and trace it over each.

    Args:
        networks: the network, with a leading axis of one seed.
        samples: of one sequence in its order, each [timesteps, features], not scaled.
        reset: where state is zero before a sample, [samples]; elsewhere it is as the
            sample before has left it.
        skipped: time steps at the beginning of each sample that are not traced; of
            windows, which overlap, all but the last.
    """
    model = keras_models.build(
        networks.architecture,
        scaling=networks.scaling,
        stateful=True,
        batch_size=1,
        return_sequences=True,
    )
    model.set_weights([array[0] for array in networks.weights.values()])
    # Called anew: the outputs of a Sequential's layers are of another call than the
    # model's, and in a model of both it would run, and move its state, twice.
    inputs = keras.Input(batch_shape=model.input_shape)
    y = h = inputs
    for layer in model.layers:
        y = layer(y)
        if isinstance(layer, keras.layers.RNN):
            h = y
    both = keras.Model(inputs, [h, y])
    hidden, predictions = [], []
    for x, zero in zip(samples, reset, strict=True):
        if zero:
            callbacks.reset_states(model)
        h, y = both.predict_on_batch(np.asarray(x, np.float32)[None])
        hidden.append(h[0, skipped:])
        predictions.append(y[0, skipped:])
    return Trace(np.concatenate(hidden), np.concatenate(predictions))
