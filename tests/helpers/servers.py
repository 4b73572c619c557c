"""Servers on loopback, which end with what they were begun for."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

HOST = "127.0.0.1"
LONGEST = 3600  # seconds after which one ends by itself


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]


@contextmanager
def serving(*words: object, port: int, **options) -> Iterator[None]:
    """Run a server until the block ends; it ends by itself if that never does."""
    server = subprocess.Popen(
        ["timeout", str(LONGEST), *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            with closing(socket.socket()) as asked:
                if asked.connect_ex((HOST, port)) == 0:
                    break
            assert server.poll() is None and time.monotonic() < deadline, words
            time.sleep(0.2)
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # half-way through whatever it is at
        server.wait()
