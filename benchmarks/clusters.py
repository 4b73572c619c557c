"""Dask clusters of this machine, which end with the block that started them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import distributed

from statelab.config import params

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def cluster(count: int) -> Iterator[str]:
    """Run a scheduler and so many workers of one thread, until the block ends."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder) / "scheduler.json"
        here = ("--no-dashboard", "--scheduler-file", str(file))
        stack.enter_context(
            _process("scheduler", "--host", "127.0.0.1", "--port", "0", *here)
        )
        for _ in range(count):
            scratch = ("--local-directory", folder, "--nthreads", "1", "--no-nanny")
            stack.enter_context(_process("worker", *here, *scratch))
        while not file.exists() or not (address := params.parse(file.read_text())):
            time.sleep(0.1)
        with distributed.Client(address["address"], set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)
        yield address["address"]


@contextmanager
def _process(name: str, *words: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{name}", *words],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()
