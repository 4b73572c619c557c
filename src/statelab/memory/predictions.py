"""What trained networks predict from inputs that are given one by one."""

import numpy as np

from statelab.data.sequences import Sequences
from statelab.memory.input_history import InputHistory
from statelab.networks.architecture import seeds_of
from statelab.networks.saving import TrainedNetworks
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import unscale
from statelab.samples.windows import Windows
from statelab.training import compiled, sizing


def after_inputs(
    networks: TrainedNetworks, data: Sequences, history: InputHistory
) -> np.ndarray:
    """Return what networks predict after some inputs, from a state of zeros.

    Args:
        networks: trained, a leading axis of seeds.
        data: the time steps.
        history: of each prediction.

    Returns:
        [seeds, predictions], or of several classes [seeds, predictions, classes].
    """
    samples, length = len(history.length), history.length
    ends = np.cumsum(length)
    inputs = data._replace(
        values=data.values[history.step[history.valid]],
        offsets=np.append(0, ends),
        targets=np.zeros(samples, data.targets.dtype),
    )
    longest = np.argmax(length)  # comes first: the plan is as wide as the first sample
    order = np.append(longest, np.delete(np.arange(samples), longest))
    table = Windows(
        samples=np.arange(samples + 1),
        first=(ends - length)[order],
        stop=ends[order],
        stride=length[order],
        length=length[order],
        answers=np.arange(samples + 1),
        answered=np.ones(samples, int),
        split=np.zeros(samples, np.int8),
    )
    lanes = sizing.prediction_lanes(
        networks.architecture,
        table,
        np.arange(samples),
        seeds=seeds_of(networks.weights),
        stateful=False,
    )
    plan = plans.make_plan(table, np.arange(samples), batch_size=lanes, stateful=False)
    reader = ChunkReader(inputs, table, [plan], networks.scaling)
    predicted = compiled.predict(networks.weights, reader, networks.architecture)
    return unscale(networks.scaling, predicted)[:, np.argsort(order)]
