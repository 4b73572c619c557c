"""Dask clusters of real processes, which end with the block that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import distributed
from checkouts import REPOSITORY
from servers import HOST, LONGEST, free_port, serving

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}


@contextmanager
def scheduling() -> Iterator[str]:
    port = free_port()
    here = ("--host", HOST, "--port", port, "--no-dashboard")
    with serving(
        sys.executable, "-m", "distributed.cli.dask_scheduler", *here, port=port
    ):
        yield f"tcp://{HOST}:{port}"


@contextmanager
def working(address: str, folder: Path, name: str) -> Iterator[Path]:
    """Run a worker of one thread, below a nanny, until the block ends."""
    log = folder / f"{name}.log"
    words = [
        "timeout",
        str(LONGEST),
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
    ]
    words += [address, "--nthreads", "1", "--no-dashboard", "--name", name]
    with log.open("w") as stream:
        worker = subprocess.Popen(
            [*words, "--local-directory", str(folder)],
            stdout=stream,
            stderr=stream,
            env=ENVIRONMENT,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@contextmanager
def two_workers(folder: Path) -> Iterator[str]:
    with ExitStack() as stack:
        address = stack.enter_context(scheduling())
        for name in ("one", "two"):
            stack.enter_context(working(address, folder, name))
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)  # a search says where it has none
        yield address
