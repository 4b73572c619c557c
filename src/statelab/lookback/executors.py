"""Where trials are trained: in threads of this process, or by the workers of a cluster.

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
from statelab.lookback.problem import Problem
from statelab.lookback.trials import TrialState
from statelab.training import sizing

SCHEDULER, WORKERS = "STATELAB_SCHEDULER", "STATELAB_WORKERS"
LOST = 15  # seconds after which a scheduler that does not respond is given up


class Workers(NamedTuple):
    """The threads or processes that train trials."""

    # takes a function of `trials` and its arguments after the problem; the future has
    # the state of the trial, and the name of the worker that trained it
    submit: Callable[..., "Future[tuple[TrialState, str]]"]
    slots: Callable[[], int]  # how many trials they can train at once, as of now


@contextmanager
def from_environment(problem: Problem) -> Iterator[Workers]:
    """Train trials where the environment says: `statelab lookback` sets it.

    Args:
        problem: what they have in common.

    Raises:
        UserError: as in `cluster`.
    """
    address = os.environ.get(SCHEDULER)
    if address:
        with cluster(problem, address) as workers:
            yield workers
    else:
        count = int(os.environ.get(WORKERS) or sizing.CORES)
        with threads(problem, count) as workers:
            yield workers


@contextmanager
def threads(problem: Problem, count: int) -> Iterator[Workers]:
    """Train trials in threads of this process.

    Args:
        problem: what they have in common.
        count: trials that run side by side.
    """
    with ThreadPoolExecutor(count, "worker") as executor:
        try:
            yield Workers(
                lambda function, *arguments: executor.submit(
                    _named, function, problem, *arguments
                ),
                lambda: count,
            )
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def cluster(problem: Problem, address: str) -> Iterator[Workers]:
    """Let the workers of a Dask cluster train trials, and leave nothing with them.

    A trial whose worker dies is begun again by another one. The scheduler unpacks what
    it hands on, but no bytes: it needs neither statelab nor TensorFlow.

    Args:
        problem: what they have in common.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.

    Raises:
        UserError: Dask is not installed; no scheduler responds there, or no longer; its
            workers lack what they need; or a trial kills them.
    """
    try:
        import distributed
    except ImportError:
        raise UserError(
            "`--scheduler` needs dask.distributed: pip install 'statelab[dask]'. "
            f"Received: {address}"
        ) from None
    # what these log, with tracebacks, they raise as well
    for name in ("distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=LOST, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"`--scheduler` must be the address of a Dask scheduler: {error}. "
            f"Received: {address}"
        ) from None
    lost = UserError(
        f"The Dask scheduler does not answer any more. Received: {address}"
    )
    with client:
        plugin, run = _register(client, problem, address)
        executor = client.get_executor(pure=False)

        def submit(function: Callable[..., TrialState], *arguments: Any) -> Future:
            return executor.submit(run, pickle.dumps((_named, function, arguments)))

        def slots() -> int:
            try:
                by_worker: Any = client.nthreads()
            except OSError:
                raise lost from None
            return sum(by_worker.values())

        try:
            yield Workers(submit, slots)
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


def _register(
    client: Any, problem: Problem, address: str
) -> tuple[str, Callable[[bytes], Any]]:
    """Give the problem to every worker, also to those that join later.

    Returns:
        The name of the plugin that holds it there, and a function for a worker to run:
        it unpacks another function and calls it with the problem.
    """
    import distributed

    packed = pickle.dumps(problem)
    plugin = f"statelab-{hashlib.sha256(packed).hexdigest()[:16]}"

    class HoldProblem(distributed.WorkerPlugin):
        name = plugin

        def __init__(self) -> None:
            self.packed = packed

        def setup(self, worker: distributed.Worker) -> None:
            from statelab.pipeline import command

            logging.getLogger("tensorflow").setLevel(logging.ERROR)
            with command.quiet_import():
                from statelab.lookback import trials

            trials.share_cores(worker.state.nthreads)
            self.problem = pickle.loads(self.packed)
            del self.packed

    def run(packed: bytes) -> Any:  # another annotation would be imported
        named, function, arguments = pickle.loads(packed)
        held: Any = distributed.get_worker().plugins[plugin]
        return named(function, held.problem, *arguments)

    try:
        client.register_plugin(HoldProblem())
    except ImportError as error:
        raise UserError(
            "`--scheduler` must have workers with the same statelab as here, and "
            f"what it needs: {error}. Received: {address}"
        ) from None
    if not client.nthreads():
        print(f"{address} has no worker: waiting for one", file=sys.stderr)
    return plugin, run


def _named(
    function: Callable[..., TrialState], *arguments: Any
) -> tuple[TrialState, str]:
    worker = f"{platform.node()}:{os.getpid()}:{threading.get_ident()}"
    return function(*arguments), worker
