"""What a trained network remembers: its hidden units, step by step, in stock Keras."""

# pyright: reportArgumentType=false
# (Keras annotates less than it takes)

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


class Unrolled(NamedTuple):
    """A network at some steps, in their order."""

    hidden: np.ndarray  # float32 [steps, units]; h of the last recurrent layer
    answers: np.ndarray  # float32 [steps, outputs]


def unroll(
    found: TrainedNetworks,
    samples: Sequence[np.ndarray],
    reset: np.ndarray,
    *,
    skipped: int = 0,
) -> Unrolled:
    """Give a network some samples, one after another, and look at it after each step.

    Args:
        found: the network.
        samples: of one sequence in its order, each [timesteps, features], not scaled.
        reset: where state is zero before a sample, [samples]; elsewhere it is as the
            sample before has left it.
        skipped: steps at the beginning of each sample that are not looked at; of
            windows, which overlap, all but the last.
    """
    model = keras_models.build(
        found.architecture,
        scaling=found.scaling,
        stateful=True,
        batch_size=1,
        return_sequences=True,
    )
    model.set_weights([array[0] for array in found.weights.values()])
    # Called anew: what a layer of a Sequential calls its output is of another call than
    # the model's, and in a model of both it would run, and move its state, twice.
    given = keras.Input(batch_shape=model.input_shape)
    y = h = given
    for layer in model.layers:
        y = layer(y)
        if isinstance(layer, tuple(keras_models.LAYERS.values())):
            h = y
    both = keras.Model(given, [h, y])
    hidden, answers = [], []
    for x, zero in zip(samples, reset, strict=True):
        if zero:
            callbacks.reset_states(model)
        h, y = both.predict_on_batch(np.asarray(x, np.float32)[None])
        hidden.append(h[0, skipped:])
        answers.append(y[0, skipped:])
    return Unrolled(np.concatenate(hidden), np.concatenate(answers))


class Compared(NamedTuple):
    """A network over one sequence, with its state carried and without."""

    step: np.ndarray  # int64 [steps]; flat
    begins: np.ndarray  # bool [steps]; the first step of a sample that is looked at
    reset: np.ndarray  # bool [steps]; state is zero before that sample, when carried
    carried: Unrolled
    alone: Unrolled  # state is zero before each sample


def compare(
    found: TrainedNetworks,
    data: Sequences,
    windows: Windows,
    sequence: int,
    *,
    reset: str,
    steps: int,
) -> Compared:
    """Look at a network after each step of a sequence that it is asked at.

    Args:
        found: the network.
        data: the steps.
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
    now = plans.expand(plan, 0, min(plan.batches, steps))
    at = locate_samples(windows, now.sample[:, 0])
    looked_at = np.cumsum(at.length - skipped)
    needed = int(np.searchsorted(looked_at, steps)) + 1  # the last one is cut short
    first, length = at.first[:needed], np.minimum(at.length[:needed], skipped + steps)
    stretches = list(zip(first, first + length, strict=True))
    samples = [data.values[begin:end] for begin, end in stretches]
    zero = now.reset[:needed, 0]
    each = [np.arange(begin + skipped, end) for begin, end in stretches]
    begins = np.concatenate([np.arange(len(part)) == 0 for part in each])
    carried, alone = (
        Unrolled(*(field[:steps] for field in unrolled))
        for unrolled in (
            unroll(found, samples, zero, skipped=skipped),
            unroll(found, samples, np.ones_like(zero), skipped=skipped),
        )
    )
    return Compared(
        step=np.concatenate(each)[:steps],
        begins=begins[:steps],
        reset=(begins & np.repeat(zero, [len(part) for part in each]))[:steps],
        carried=carried,
        alone=alone,
    )
