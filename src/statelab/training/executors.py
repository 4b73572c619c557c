"""Where networks are trained: in threads of this process, or by workers of a cluster.

These are the trials of a search, or the pieces of a comparison. What all of them have
in common is sent to a worker once, when it joins, and compiled programs stay with it.
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
from statelab.training import sizing

SCHEDULER, WORKERS = "STATELAB_SCHEDULER", "STATELAB_WORKERS"
LOST = 15  # seconds after which a scheduler that does not respond is given up


class Workers(NamedTuple):
    """The threads or processes that train."""

    # takes a function and its arguments after what all have in common; the future has
    # what it returns, and the name of the worker that called it
    submit: Callable[..., "Future[tuple[Any, str]]"]
    slots: Callable[[], int]  # how many they can train at once, as of now


def are_named() -> bool:
    """Tell whether the environment says where to train."""
    return any(os.environ.get(name) for name in (SCHEDULER, WORKERS))


@contextmanager
def from_environment(common: Any) -> Iterator[Workers]:
    """Train where STATELAB_SCHEDULER and STATELAB_WORKERS say.

    Args:
        common: what all that is trained has in common.

    Raises:
        UserError: STATELAB_WORKERS is not a number; or as in `cluster`.
    """
    address = os.environ.get(SCHEDULER)
    if address:
        with cluster(common, address) as workers:
            yield workers
    else:
        with threads(common, _count()) as workers:
            yield workers


def _count() -> int:
    given = os.environ.get(WORKERS) or str(sizing.CORES)
    if not given.isdecimal() or int(given) == 0:
        raise UserError(
            f"`{WORKERS}` must be a whole number above 0, of trainings side by side. "
            f"Received: {given}"
        )
    return int(given)


@contextmanager
def threads(common: Any, count: int) -> Iterator[Workers]:
    """Train in threads of this process.

    Args:
        common: what all that is trained has in common.
        count: how many run side by side.
    """
    with ThreadPoolExecutor(count, "worker") as executor:
        try:
            yield Workers(
                lambda function, *arguments: executor.submit(
                    _named, function, common, *arguments
                ),
                lambda: count,
            )
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def cluster(common: Any, address: str) -> Iterator[Workers]:
    """Let the workers of a Dask cluster train, and leave nothing with them.

    What a worker was training when it died is begun again by another one. The
    scheduler unpacks what it hands on, but no bytes: it needs neither statelab nor
    TensorFlow.

    Args:
        common: what all that is trained has in common.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.

    Raises:
        UserError: Dask is not installed; no scheduler responds there, or no longer; its
            workers lack what they need; or die of what they train.
    """
    try:
        import distributed
    except ImportError:
        raise UserError(
            "`--scheduler` or STATELAB_SCHEDULER needs dask.distributed: "
            f"pip install 'statelab[dask]'. Received: {address}"
        ) from None
    # what these log, with tracebacks, they raise as well
    for name in ("distributed.client", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=LOST, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(
            f"`--scheduler` or STATELAB_SCHEDULER must be the address of a Dask "
            f"scheduler: {error}. "
            f"Received: {address}"
        ) from None
    lost = UserError(
        f"The Dask scheduler does not answer any more. Received: {address}"
    )
    with client:
        plugin, run = _register(client, common, address)
        executor = client.get_executor(pure=False)

        def submit(function: Callable[..., Any], *arguments: Any) -> Future:
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
                "Each worker that began a certain training has died; of too little "
                f"memory, perhaps. Received: {error.last_worker.address}"
            ) from None
        finally:
            if client.status == "running":
                client.unregister_worker_plugin(plugin)


def _register(
    client: Any, common: Any, address: str
) -> tuple[str, Callable[[bytes], Any]]:
    """Give every worker what is in common, also those that join later.

    Returns:
        The name of the plugin that holds it there, and a function for a worker to run:
        it unpacks another function and calls it with that.
    """
    import distributed

    packed = pickle.dumps(common)
    plugin = f"statelab-{hashlib.sha256(packed).hexdigest()[:16]}"

    class HoldCommon(distributed.WorkerPlugin):
        name = plugin

        def __init__(self) -> None:
            self.packed = packed

        def setup(self, worker: distributed.Worker) -> None:
            from statelab.pipeline import command

            logging.getLogger("tensorflow").setLevel(logging.ERROR)
            with command.quiet_import():
                from statelab.networks import devices

            devices.share_cores(worker.state.nthreads)
            self.common = pickle.loads(self.packed)
            del self.packed

    def run(packed: bytes) -> Any:  # another annotation would be imported
        named, function, arguments = pickle.loads(packed)
        held: Any = distributed.get_worker().plugins[plugin]
        return named(function, held.common, *arguments)

    try:
        client.register_plugin(HoldCommon())
    except ImportError as error:
        raise UserError(
            "`--scheduler` or STATELAB_SCHEDULER must have workers with the same "
            f"statelab as here, and what it needs: {error}. Received: {address}"
        ) from None
    if not client.nthreads():
        print(f"{address} has no worker: waiting for one", file=sys.stderr)
    return plugin, run


def _named(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    worker = f"{platform.node()}:{os.getpid()}:{threading.get_ident()}"
    return function(*arguments), worker
