"""Where trials are carried out: in threads of this process, or by Dask workers.

What all trials have in common reaches a worker once, when it joins, and compiled
programs stay with it.
"""

import os
import platform
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from statelab import training, trials
from statelab.errors import UserError
from statelab.trials import Ground, Standing

SCHEDULER, WORKERS = "STATELAB_SCHEDULER", "STATELAB_WORKERS"
COMMON = "statelab"  # the plugin that holds it
LOST = 30  # seconds after which a scheduler that does not answer is given up
RETRIES = 3  # of a trial whose worker died

# of a function of `trials`, and what it takes besides the ground, to where a trial
# stands, and who has brought it there
Submit = Callable[..., "Future[tuple[Standing, str]]"]


@contextmanager
def opened(ground: Ground) -> Iterator[Submit]:
    """Carry trials out where the environment says: `statelab lookback` sets it.

    Args:
        ground: what they have in common.

    Raises:
        UserError: as in `cluster`.
    """
    address = os.environ.get(SCHEDULER)
    if address:
        with cluster(ground, address) as submit:
            yield submit
    else:
        with here(ground, int(os.environ.get(WORKERS) or training.CORES)) as submit:
            yield submit


@contextmanager
def here(ground: Ground, count: int) -> Iterator[Submit]:
    """Carry trials out in threads of this process.

    Args:
        ground: what they have in common.
        count: trials that run side by side.
    """
    with ThreadPoolExecutor(count, "worker") as executor:
        try:
            yield lambda function, *given: executor.submit(
                _signed, function, ground, *given
            )
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def cluster(ground: Ground, address: str) -> Iterator[Submit]:
    """Let the workers of a Dask cluster carry trials out.

    A trial whose worker dies is begun again by another one.

    Args:
        ground: what they have in common.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.

    Raises:
        UserError: Dask is not installed, or no scheduler answers there.
    """
    try:
        import distributed
    except ImportError:
        raise UserError(
            "`--scheduler` needs dask.distributed: pip install 'statelab[dask]'. "
            f"Received: {address}"
        ) from None

    class Common(distributed.WorkerPlugin):
        name = COMMON

        def __init__(self) -> None:
            self.ground = ground

        def setup(self, worker: distributed.Worker) -> None:
            trials.share_cores(worker.state.nthreads)

    try:
        client = distributed.Client(address, timeout=LOST, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"`--scheduler` must be the address of a Dask scheduler: {error}. "
            f"Received: {address}"
        ) from None
    with client:
        client.register_plugin(Common())
        executor = client.get_executor(pure=False, retries=RETRIES)
        yield lambda function, *given: executor.submit(_by_worker, function, *given)


def _by_worker(function: Callable[..., Standing], *given: Any) -> tuple[Standing, str]:
    from distributed import get_worker

    common: Any = get_worker().plugins[COMMON]
    return _signed(function, common.ground, *given)


def _signed(function: Callable[..., Standing], *given: Any) -> tuple[Standing, str]:
    who = f"{platform.node()}:{os.getpid()}:{threading.get_ident()}"
    return function(*given), who
