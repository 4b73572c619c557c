"""How large a chunk and how many lanes: sizes that change speed, not results."""

# pyright: reportArgumentType=false, reportCallIssue=false
# (Keras and TensorFlow annotate less than they take)

import os

import numpy as np

from statelab.networks.architecture import Architecture
from statelab.networks.cells import CELLS
from statelab.samples.windows import Windows, sample_lengths

CHUNK_FLOPS = 2e9  # some tenths of a second, so that progress is seen
CHUNK_VALUES = 1 << 22  # that a chunk reads, so that its memory stays small
MAX_CHUNK = 16384  # batches
PREDICTION_LANES = (
    100  # lanes for answers, at most: where none sees another, more are faster
)
PREDICTION_VALUES = 1 << 27  # of all states of a batch of answers, at most
SPLIT_FLOPS = 5e7  # of an update, above which its lanes are worth a core each
CORES = len(os.sched_getaffinity(0))


def prediction_lanes(
    network: Architecture,
    windows: Windows,
    sequence: np.ndarray,
    *,
    seeds: int,
    stateful: bool,
) -> int:
    """Return in how many lanes some sequences are answered best; it changes no answer.

    Args:
        network: its shape.
        windows: how they are cut.
        sequence: which they are.
        seeds: networks that answer them.
        stateful: a sequence stays in one lane; else samples are spread over all.
    """
    samples = windows.samples[sequence + 1] - windows.samples[sequence]
    used = len(sequence) if stateful else int(samples.sum())
    kept = CELLS[network.cell].gates + CELLS[network.cell].states + 1
    each = seeds * sample_lengths(windows)[1] * network.units * kept
    return max(min(PREDICTION_LANES, used, PREDICTION_VALUES // each), 1)


def chunk_size(
    batches: int,
    seeds: int,
    populations: int,
    lanes: int,
    timesteps: int,
    answered: int,
    network: Architecture,
) -> int:
    """Return the batches of a chunk, for a pass of some."""
    total = seeds * lanes * flops(network, timesteps, answered)
    values = populations * lanes * (timesteps * network.features + answered)
    values += seeds * lanes * answered * network.outputs
    # A power of two above the batches, which may vary from pass to pass.
    most = min(MAX_CHUNK, 2 ** batches.bit_length())
    return int(max(min(CHUNK_FLOPS / total, CHUNK_VALUES / values, most), 1))


def flops(network: Architecture, timesteps: int, answered: int) -> int:
    """Floating point operations of one sample in one update, about."""
    gates = CELLS[network.cell].gates
    rows = sum(sum(block) for block in network.blocks[:-1])
    head = answered * sum(network.blocks[-1]) * network.outputs
    return 6 * (timesteps * rows * gates * network.units + head)
