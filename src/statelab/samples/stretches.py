"""Stretches: how long sequences fill lanes that would be empty.

A single series is one sequence, and would be read by one lane, one sample after
another. As in language modelling it is cut into contiguous stretches instead, each read
by a lane of its own. State is carried within a stretch. A stretch after the first
begins some samples early, from a state of zeros, with samples that do not count: the
stretch before it counts them.
"""

import heapq

import numpy as np


def cut(
    count: np.ndarray, before: np.ndarray, lanes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cut sequences into stretches until there is one for each lane.

    The sequence with the longest stretches is cut next. None is cut so short that more
    of its samples would be burn-in than count.

    Args:
        count: samples of each sequence, int64 [sequences].
        before: samples that a stretch after the first reads as burn-in, int64
            [sequences].
        lanes: how many stretches there are to be; with as many sequences none is cut.

    Returns:
        Of each stretch, int64 [stretches]: the sequence, counted from 0; its first
        sample, counted from that of the sequence; its samples; and how many of these
        are burn-in.

    Example:
        A sequence of 9 samples and one of 3, 2 samples of burn-in and 4 lanes:

        >>> for field in cut(np.array([9, 3]), np.array([2, 2]), 4):
        ...     print(field)
        [0 0 0 1]
        [0 1 4 0]
        [3 5 5 3]
        [0 2 2 0]
    """
    pieces = np.ones_like(count)
    longest = [(-n, s) for s, n in enumerate(count.tolist())]
    heapq.heapify(longest)
    while longest and pieces.sum() < lanes:
        _, s = heapq.heappop(longest)
        each = count[s] // (pieces[s] + 1)
        if each >= max(before[s], 1):
            pieces[s] += 1
            heapq.heappush(longest, (-(int(count[s]) // int(pieces[s])), s))
    sequence = np.repeat(np.arange(len(count)), pieces)
    nth = np.arange(len(sequence)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = nth * count[sequence] // pieces[sequence]
    end = (nth + 1) * count[sequence] // pieces[sequence]
    burn_in = np.where(nth > 0, np.minimum(before[sequence], begin), 0)
    return sequence, begin - burn_in, end - begin + burn_in, burn_in
