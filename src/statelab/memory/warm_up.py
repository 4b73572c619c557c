"""How carried state is best warmed up: scores of stateful networks by burn-in."""

import numpy as np
import pandas as pd

from statelab.data.sequences import Sequences, head_of
from statelab.evaluation.scoring import with_target
from statelab.memory import input_history, predictions
from statelab.memory.budget import BUDGET, FEWEST
from statelab.memory.input_history import concatenate, with_burn_in
from statelab.networks import scores
from statelab.networks.architecture import seeds_of
from statelab.networks.saving import TrainedNetworks
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows, sample_lengths


def score_by_burn_in(
    networks: TrainedNetworks,
    data: Sequences,
    windows: Windows,
    carried: np.ndarray,
    *,
    reset: str,
    naive: bool = False,
    units: UserUnits | None = None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Score test predictions by how many time steps are read before each sample.

    Args:
        networks: trained to carry state.
        data, windows: what they predict.
        carried: their predictions with state carried, in the user's units, [seeds,
            predictions].
        reset: as in `input_history.inputs_of`.
        naive: samples were put into lanes in naive order, so that nothing was carried
            along sequences: then no burn-in is tried, nor a state of zeros.
        units: what puts predictions back, where the data hold changes.
        rng: draws the predictions, where there are very many.

    Returns:
        A line for each seed and burn-in of 0, 1, 2, 4, 8 and so on time steps, as long
        as some sample has more of them before it, and burn-in and sample are
        `input_history.MOST_INPUTS` at most: `seed`, counted from 0, `burn_in` and
        `score`; its `burn_in` is NaN where state is carried.
    """
    units = units or UserUnits(data, None)
    number, target = with_target(units.data, windows, "test")
    burn_ins = [] if naive else _burn_ins(windows, number, reset)
    timesteps = sample_lengths(windows)[1]
    seeds = seeds_of(networks.weights)
    inputs = len(burn_ins) * (max(burn_ins, default=0) + timesteps) * seeds
    most = max(BUDGET // max(inputs, 1), FEWEST)
    kept = np.sort(rng.permutation(len(number))[:most])
    number, target = number[kept], target[kept]
    score = scores.OF_HEAD[head_of(data.targets)[0]].main.function
    by_burn_in = {np.nan: score(carried[:, number], target)}
    if burn_ins:
        # All in one call: of several, each would be compiled for its own width.
        history = concatenate(
            [with_burn_in(windows, number, burn_in=n, reset=reset) for n in burn_ins]
        )
        predicted = predictions.after_inputs(networks, data, history)
        predicted = units.restored(predicted, history.step[:, -1])
        parts = np.split(predicted, len(burn_ins), axis=1)
        for burn_in, part in zip(burn_ins, parts, strict=True):
            by_burn_in[burn_in] = score(part, target)
    return pd.DataFrame(
        [
            {"seed": seed, "burn_in": burn_in, "score": value}
            for burn_in, values in by_burn_in.items()
            for seed, value in enumerate(values)
        ]
    )


def _burn_ins(windows: Windows, number: np.ndarray, reset: str) -> list[int]:
    longest = input_history.longest_burn_in(windows, number, reset=reset)
    room = input_history.MOST_INPUTS - sample_lengths(windows)[1]
    powers = (2**n for n in range(longest.bit_length()))
    return [n for n in (0, *powers) if n < max(longest, 1) and n <= room]
