"""Where trials are carried out: in threads of this process, or by Dask workers.

What all trials have in common reaches a worker once, when it joins, and compiled
programs stay with it.
"""

import hashlib
import logging
import os
import pickle
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from statelab.errors import UserError
from statelab.lookback.trials import Problem, TrialState
from statelab.training import sizing

SCHEDULER, WORKERS = "STATELAB_SCHEDULER", "STATELAB_WORKERS"
LOST = 15  # seconds after which a scheduler that does not answer is given up


class Workers(NamedTuple):
    """Those who carry trials out."""

    # a function of `trials` and what it takes besides the ground, to where a trial
    # stands, and who has brought it there
    submit: Callable[..., "Future[tuple[TrialState, str]]"]
    threads: Callable[[], int]  # how many trials they can be at, as of now


@contextmanager
def opened(ground: Problem) -> Iterator[Workers]:
    """Carry trials out where the environment says: `statelab lookback` sets it.

    Args:
        ground: what they have in common.

    Raises:
        UserError: as in `cluster`.
    """
    address = os.environ.get(SCHEDULER)
    if address:
        with cluster(ground, address) as workers:
            yield workers
    else:
        with here(ground, int(os.environ.get(WORKERS) or sizing.CORES)) as workers:
            yield workers


@contextmanager
def here(ground: Problem, count: int) -> Iterator[Workers]:
    """Carry trials out in threads of this process.

    Args:
        ground: what they have in common.
        count: trials that run side by side.
    """
    with ThreadPoolExecutor(count, "worker") as executor:
        try:
            yield Workers(
                lambda function, *given: executor.submit(
                    _signed, function, ground, *given
                ),
                lambda: count,
            )
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def cluster(ground: Problem, address: str) -> Iterator[Workers]:
    """Let the workers of a Dask cluster carry trials out, and leave nothing with them.

    A trial whose worker dies is begun again by another one. The scheduler unpacks what
    it hands on, but no bytes: it needs neither statelab nor TensorFlow.

    Args:
        ground: what they have in common.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.

    Raises:
        UserError: Dask is not installed; no scheduler answers there, or no longer; its
            workers lack what they need; or a trial kills them.
    """
    try:
        import distributed
    except ImportError:
        raise UserError(
            "`--scheduler` needs dask.distributed: pip install 'statelab[dask]'. "
            f"Received: {address}"
        ) from None
    packed = pickle.dumps(ground)
    plugin = f"statelab-{hashlib.sha256(packed).hexdigest()[:16]}"

    class Common(distributed.WorkerPlugin):
        name = plugin

        def __init__(self) -> None:
            self.packed = packed

        def setup(self, worker: distributed.Worker) -> None:
            from statelab.pipeline import command

            logging.getLogger("tensorflow").setLevel(logging.ERROR)
            with command.quiet_import():
                from statelab.lookback import trials

            trials.share_cores(worker.state.nthreads)
            self.ground = pickle.loads(self.packed)
            del self.packed

    def carry_out(packed: bytes) -> Any:  # another annotation would be imported
        signed, function, given = pickle.loads(packed)
        common: Any = distributed.get_worker().plugins[plugin]
        return signed(function, common.ground, *given)

    lost = UserError(
        f"The Dask scheduler does not answer any more. Received: {address}"
    )
    # what it logs, with tracebacks, it raises as well
    for name in ("distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=LOST, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"`--scheduler` must be the address of a Dask scheduler: {error}. "
            f"Received: {address}"
        ) from None
    with client:
        try:
            client.register_plugin(Common())
        except ImportError as error:
            raise UserError(
                "`--scheduler` must have workers with the same statelab as here, and "
                f"what it needs: {error}. Received: {address}"
            ) from None
        if not client.nthreads():
            print(f"{address} has no worker: waiting for one", file=sys.stderr)
        executor = client.get_executor(pure=False)

        def submit(function: Callable[..., TrialState], *given: Any) -> Future:
            return executor.submit(carry_out, pickle.dumps((_signed, function, given)))

        def threads() -> int:
            try:
                by_worker: Any = client.nthreads()
            except OSError:
                raise lost from None
            return sum(by_worker.values())

        try:
            yield Workers(submit, threads)
        except CancelledError:
            raise lost from None
        except distributed.KilledWorker as error:
            raise UserError(
                "Each worker that began a certain trial has died; of too little "
                f"memory, perhaps. Received: {error.last_worker.address}"
            ) from None
        finally:
            if client.status == "running":
                client.unregister_worker_plugin(plugin)


def _signed(function: Callable[..., TrialState], *given: Any) -> tuple[TrialState, str]:
    who = f"{platform.node()}:{os.getpid()}:{threading.get_ident()}"
    return function(*given), who
