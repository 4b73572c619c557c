"""Two contestants by turns, so that what slows the machine slows both."""

import statistics
import time
from typing import Any

from benchmarks.processes import Contestant
from benchmarks.works import Peer, Work, gflop


def duel(work: Work, ours: Contestant, peer: Peer, theirs: Contestant) -> dict:
    """Return a line of the table: medians over the pairs, of times and of ratios."""
    pairs, end = [], time.monotonic() + work.seconds
    while len(pairs) < work.pairs or time.monotonic() < end:
        pairs.append((ours.turn()[0], theirs.turn()[0]))
    ours_us, peer_us = (statistics.median(times) for times in zip(*pairs, strict=True))
    row: dict[str, Any] = {
        "work": work.name,
        "group": work.group,
        "ours_us": ours_us,
        "peer": peer.name,
        "peer_us": peer_us,
        "ratio": statistics.median(slow / fast for fast, slow in pairs),
    }
    if work.counts_flops:
        for name in ("ours", "peer"):
            row[f"{name}_gflops"] = gflop(work) / row[f"{name}_us"] * 1e6
    return row
