"""How large a chunk and how many lanes: sizes that change speed, not results."""

import os

import numpy as np

from statelab.networks.architecture import Architecture
from statelab.samples.chunks import ChunkReader
from statelab.samples.windows import Windows, sample_lengths
from statelab.training.xla_options import SMALL_LOOP

CHUNK_FLOPS = 2e9  # some tenths of a second, so that progress is seen
CHUNK_VALUES = 1 << 22  # that a chunk reads, so that its memory stays small
MAX_CHUNK = 16384  # batches
PREDICTION_LANES = 100  # at most; where no sample sees another, more are faster
PREDICTION_VALUES = 1 << 27  # of all states of a batch of predictions, at most
SPLIT_FLOPS = 2e7  # of an update, above which its lanes are worth a core each
APART_FLOPS = 1e6  # of an update, above which networks are multiplied one by one
CARD_SHARE = 0.5  # of a card's memory, that what is kept for gradients may take
CORES = len(os.sched_getaffinity(0))


def prediction_lanes(
    architecture: Architecture,
    windows: Windows,
    sequence: np.ndarray,
    *,
    seeds: int,
    stateful: bool,
) -> int:
    """Return in how many lanes sequences are predicted fastest.

    Args:
        architecture: of the networks.
        windows: how the sequences are cut into samples.
        sequence: which sequences are predicted.
        seeds: networks that predict them.
        stateful: a sequence stays in one lane; else samples are spread over all.
    """
    samples = windows.samples[sequence + 1] - windows.samples[sequence]
    used = len(sequence) if stateful else int(samples.sum())
    kept = architecture.sizes.gates + architecture.sizes.states + 1
    timesteps = sample_lengths(windows)[1]
    per_lane = seeds * timesteps * architecture.units * kept
    return max(min(PREDICTION_LANES, used, PREDICTION_VALUES // per_lane), 1)


def chunk_size(
    reader: ChunkReader, architecture: Architecture, seeds: int, batches: int
) -> int:
    """Return how many batches a chunk has.

    Args:
        reader: of the batches.
        architecture: of the networks.
        seeds: networks.
        batches: of the pass.
    """
    timesteps, predicted = reader.timesteps, reader.predicted_steps
    total = seeds * reader.lanes * flops(architecture, timesteps, predicted)
    read = timesteps * architecture.features + predicted
    values = len(reader.plans) * reader.lanes * read
    values += seeds * reader.lanes * predicted * architecture.outputs
    # A power of two above the batches, which may vary from pass to pass.
    most = min(MAX_CHUNK, 2 ** batches.bit_length())
    return int(max(min(CHUNK_FLOPS / total, CHUNK_VALUES / values, most), 1))


def population_parts(
    seeds: int,
    cores: int,
    *,
    flops: float,
    update: int | None,
    memory: int,
    card: int | None,
) -> int:
    """Return in how many parts a population is trained, each by one program.

    On a processor that is a share of the networks for each core. Two kinds are trained
    one by one: large ones, so that what one keeps for its gradient stays in cache; and
    those so small that XLA compiles all updates into one function. On a card it is as
    few parts as its memory allows.

    Args:
        seeds: networks.
        cores: that train parts side by side.
        flops: of a network in one update.
        update: bytes, as `update_bytes`; None where an update has several time steps.
        memory: bytes that a network keeps for an update.
        card: bytes of a GPU's memory; None on a processor.

    Example:
        >>> population_parts(10, 2, flops=1e5, update=None, memory=10**9, card=None)
        2
        >>> population_parts(10, 2, flops=1e9, update=None, memory=10**9, card=None)
        10
        >>> population_parts(10, 2, flops=1e9, update=9, memory=10**9, card=8 * 10**9)
        3
    """
    if card is None:
        small = update is not None and update < SMALL_LOOP
        return seeds if small or flops > APART_FLOPS else cores
    return min(-(-seeds * memory // int(card * CARD_SHARE)), seeds)


def update_bytes(architecture: Architecture, lanes: int) -> int:
    """Return the bytes that an update by one time step reads and writes, about.

    It reads and writes weights, their slots and gradients some twelve times, and the
    gates of a lane some eighteen times.

    Args:
        architecture: of the network.
        lanes: of a batch.

    Example:
        >>> network = Architecture("lstm", "binary", 1, 10, features=1, outputs=1)
        >>> update_bytes(network, lanes=1), update_bytes(network, lanes=8)
        (26448, 46608)
    """
    gates = architecture.layers * architecture.sizes.gates * architecture.units
    return 4 * (12 * architecture.parameters + 18 * lanes * gates)


def kept_bytes(architecture: Architecture, timesteps: int) -> int:
    """Return the bytes that an update keeps for its gradient, of one sample, about.

    Args:
        architecture: of the network.
        timesteps: of the sample.
    """
    sizes = architecture.sizes
    kept = 2 * (sizes.gates + sizes.states + 1)  # and the gradients by them
    return 4 * timesteps * architecture.layers * architecture.units * kept


def flops(architecture: Architecture, timesteps: int, predicted: int) -> int:
    """Return the floating point operations of one sample in one update, about.

    Args:
        architecture: of the network.
        timesteps: of the sample.
        predicted: how many of them are predicted.
    """
    gates = architecture.sizes.gates
    rows = sum(sum(block) for block in architecture.blocks[:-1])
    head = predicted * sum(architecture.blocks[-1]) * architecture.outputs
    return 6 * (timesteps * rows * gates * architecture.units + head)
