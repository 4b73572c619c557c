"""Do contestants train the same network? Then their losses are the same numbers."""

from collections.abc import Iterator

from benchmarks.processes import Unable, started
from benchmarks.works import OURS, Peer, Work

UPDATES = 200
TOLERANCE = 1e-4  # relative: epsilon stands elsewhere in the Adam of PyTorch and optax

NUMBA = Peer("floor in numba", "floor", "numba", UPDATES)


def losses(work: Work) -> Iterator[tuple[str, float | str]]:
    """Yield each contestant with its mean loss over the first updates, or why not."""
    updates = min(UPDATES, work.updates)
    work = work._replace(updates=updates, shuffle=False)  # each has its own order
    peers = [OURS, *work.peers]
    if any(peer.module == "floor" for peer in peers):
        peers.append(NUMBA)
    for peer in peers:
        if peer.module == "floor" and work.seeds > 1:
            continue  # has the first network alone
        with started(peer._replace(updates=updates), work) as contestant:
            try:
                yield peer.name, contestant.ready()
            except Unable as error:
                yield peer.name, str(error)
