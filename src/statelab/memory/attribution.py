"""The memory horizon: how many steps back trained networks' answers depend on inputs.

Two measures by lag. *Occlusion*: a step is replaced by the same step of another
sequence, and answers are looked at again; that needs no slope, and puts nothing where
it never stands. *Gradient*: how steeply an answer goes with a step.

And one of how state is best warmed up: the scores of networks that were trained to
carry state, when each sample begins with zeros, or some steps earlier.
"""

import numpy as np
import pandas as pd

from statelab.data.sequences import SPLITS, Sequences, head_of
from statelab.memory import input_gradients, input_history
from statelab.memory.input_history import Reads
from statelab.networks import scores
from statelab.networks.saving import TrainedNetworks
from statelab.samples import plans
from statelab.samples.chunks import ChunkReader
from statelab.samples.scaling import unscale
from statelab.samples.windows import (
    Windows,
    locate_predictions,
    predictions_of,
    sample_lengths,
    sequences_in_split,
    with_targets,
)
from statelab.training import compiled, sizing

FEWEST, MOST = 100, 2000  # answers that are looked at, of the test split
BUDGET = 1 << 24  # reads of all networks and lags; above it there are fewer answers


def asked(data: Sequences, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Return the answers of the test split that have a target, and the targets."""
    test = sequences_in_split(windows, SPLITS["test"])
    return with_targets(data, windows, predictions_of(windows, test))


def spread(data: Sequences, windows: Windows) -> float:
    """Return the standard deviation of the targets of test; 1 of classes."""
    target = asked(data, windows)[1]
    return float(target.std(dtype=float)) if target.dtype.kind == "f" else 1.0


def answers(
    found: TrainedNetworks, data: Sequences, step: np.ndarray, length: np.ndarray
):
    """Return what networks answer after some steps, read from a state of zeros.

    Args:
        found: the networks.
        data: the steps.
        step: flat steps in the order of reading, [samples, reads].
        length: how many of them there are, [samples].

    Returns:
        [seeds, samples], or of several classes [seeds, samples, classes].
    """
    samples, width = step.shape
    valid = np.arange(width) < length[:, None]
    ends = np.cumsum(length)
    read = data._replace(
        values=data.values[step[valid]],
        offsets=np.append(0, ends),
        targets=np.zeros(samples, data.targets.dtype),
    )
    longest = np.argmax(length)  # stands first, by which others are measured
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
    every = np.arange(samples)
    lanes = sizing.prediction_lanes(
        found.architecture, table, every, seeds=_seeds(found), stateful=False
    )
    plan = plans.make_plan(table, every, batch_size=lanes, stateful=False)
    reader = ChunkReader(read, table, [plan], found.scaling)
    given = compiled.predict(found.weights, reader, found.architecture)
    return unscale(found.scaling, given)[:, np.argsort(order)]


def occlusion(
    found: TrainedNetworks,
    data: Sequences,
    read: Reads,
    donors: np.ndarray,
    edges: np.ndarray,
) -> np.ndarray:
    """Return how much answers change when what stands at some lags is replaced.

    Args:
        found: the networks.
        data: the steps.
        read: of each answer.
        donors: what is put in the place of each read, as in `input_history.donors`.
        edges: stretches of lags, as in `input_history.stretches`.

    Returns:
        The mean over the answers that have read at such a lag, [seeds, stretches]; of
        classes of their probability, which is half of what all together move.
    """
    before = answers(found, data, read.step, read.length)
    lag, valid = read.lag, read.valid
    changes = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        there = valid & (lag >= low) & (lag < high)
        step = np.where(there, donors, read.step)
        change = abs(answers(found, data, step, read.length) - before)
        if change.ndim == 3:
            change = change.sum(axis=2) / 2
        reads_there = there.any(axis=1)
        total = change[:, reads_there].sum(axis=1, dtype=float)
        changes.append(total / max(reads_there.sum(), 1))
    return np.stack(changes, axis=1)


def gradient(
    found: TrainedNetworks, data: Sequences, read: Reads, edges: np.ndarray
) -> np.ndarray:
    """Return how steeply answers go with what stands at some lags; see `gradients`.

    Args and returns as in `occlusion`; of a stretch, the norm over its lags.
    """
    steps = read.step[:, -1:] - np.arange(edges[-1])
    inputs = data.values[np.maximum(steps, 0)]  # a lag that is not read has no slope
    if found.scaling is not None:
        inputs = (inputs - found.scaling.mean) / found.scaling.scale
    slopes = input_gradients.by_lag(
        found.weights, found.architecture, inputs, read.lag, read.length
    )
    squares = np.add.reduceat(slopes.astype(float) ** 2, edges[:-1], axis=2)
    return np.sqrt(squares).sum(axis=1) / np.maximum(_counted(read, edges), 1)


def _counted(read: Reads, edges: np.ndarray) -> np.ndarray:
    """Return how many answers have read at each stretch of lags."""
    stretch = np.searchsorted(edges, np.where(read.valid, read.lag, -1), "right") - 1
    has_read = np.zeros((len(stretch), len(edges)), bool)
    np.put_along_axis(has_read, stretch, True, axis=1)  # -1 is the last, of no stretch
    return has_read[:, :-1].sum(axis=0)


def measure(
    found: TrainedNetworks,
    data: Sequences,
    windows: Windows,
    *,
    stateful: bool,
    reset: str = "sequence",
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Measure both effects of what stands at each lag, over some test answers.

    Args:
        found: the networks.
        data, windows: what they are asked.
        stateful, reset: as in `input_history.reads`.
        rng: draws the answers, and what replaces a step.

    Returns:
        A line for each seed and stretch of lags: `seed`, counted from 0; `lag`, the
        first, and `last`; how many `answers` have read there; `change` of the answers,
        and `slope`.
    """
    answer = rng.permutation(asked(data, windows)[0])[:MOST]
    read = input_history.reads(windows, answer, stateful=stateful, reset=reset)
    lags = len(input_history.stretches(int(read.lag.max()))) - 1
    each = lags * read.step.shape[1] * _seeds(found)
    kept = int(np.clip(BUDGET // each, FEWEST, MOST))
    answer, read = answer[:kept], Reads(*(field[:kept] for field in read))
    edges = input_history.stretches(int(read.lag.max()))
    test = sequences_in_split(windows, SPLITS["test"])
    sequence = locate_predictions(windows, answer).sequence
    drawn = input_history.donors(windows, sequence, read, test, rng)
    change = occlusion(found, data, read, drawn, edges)
    slope = gradient(found, data, read, edges)
    seed, stretch = np.indices(change.shape)
    return pd.DataFrame(
        {
            "seed": seed.ravel(),
            "lag": edges[stretch].ravel(),
            "last": (edges[stretch + 1] - 1).ravel(),
            "answers": _counted(read, edges)[stretch].ravel(),
            "change": change.ravel(),
            "slope": slope.ravel(),
        }
    )


def warm_up(
    found: TrainedNetworks,
    data: Sequences,
    windows: Windows,
    carried: np.ndarray,
    *,
    reset: str,
    naive: bool = False,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Score answers by what is read before the sample that they are asked in.

    Args:
        found: networks that were trained to carry state.
        data, windows: what they are asked.
        carried: their answers with state carried, [seeds, answers].
        reset: as in `input_history.reads`.
        naive: samples were put into lanes in naive order, so that nothing was carried
            along sequences: then no burn-in is tried, nor a state of zeros.
        rng: draws the answers, where there are very many.

    Returns:
        A line for each seed and burn-in of 0, 1, 2, 4, 8 and so on steps, as long as
        some sample has a longer past, and burn-in and sample are `input_history.READS`
        steps at most: `seed`, counted from 0, `burn_in` and `score`; its `burn_in` is
        NaN where state is carried.
    """
    answer, target = asked(data, windows)
    past = input_history.longest_past(windows, answer, reset=reset)
    timesteps = sample_lengths(windows)[1]
    burn_ins = [
        steps
        for steps in (0, *(2**n for n in range(past.bit_length())))
        if not naive
        and steps < max(past, 1)
        and steps + timesteps <= input_history.READS
    ]
    each = len(burn_ins) * (max(burn_ins, default=0) + timesteps) * _seeds(found)
    most = max(BUDGET // max(each, 1), FEWEST)
    some = np.sort(rng.permutation(len(answer))[:most])
    answer, target = answer[some], target[some]
    score = scores.OF_HEAD[head_of(data.targets)[0]].main.function
    by_burn_in = {np.nan: score(carried[:, answer], target)}
    if burn_ins:
        # All in one call: of several, each would be compiled for its own width.
        read = input_history.joined(
            [
                input_history.warmed_up(windows, answer, burn_in=burn_in, reset=reset)
                for burn_in in burn_ins
            ]
        )
        given = answers(found, data, read.step, read.length)
        parts = np.split(given, len(burn_ins), axis=1)
        for burn_in, part in zip(burn_ins, parts, strict=True):
            by_burn_in[burn_in] = score(part, target)
    return pd.DataFrame(
        [
            {"seed": seed, "burn_in": burn_in, "score": value}
            for burn_in, values in by_burn_in.items()
            for seed, value in enumerate(values)
        ]
    )


def _seeds(found: TrainedNetworks) -> int:
    return len(next(iter(found.weights.values())))
