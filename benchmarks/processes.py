"""Contestants, each in a process of its own that sleeps until it is its turn."""

import importlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from benchmarks.works import OURS, Peer, Work


class Unable(Exception):
    """A contestant cannot do a work; the text says why, in one line."""


class Contestant(NamedTuple):
    """A process that trains a turn whenever it is told to."""

    pipe: Connection

    def ready(self) -> float:
        """Wait for the end of what is done once, and return the first turn's loss.

        Raises:
            Unable: it will never be ready.
        """
        return self._receive()[1]

    def turn(self) -> tuple[float, float]:
        """Return the µs per update and network of one turn, and its mean loss."""
        self.pipe.send("go")
        return self._receive()

    def _receive(self):
        try:
            done, answer = self.pipe.recv()
        except EOFError:
            raise Unable("its process died") from None
        if not done:
            raise Unable(answer)
        return answer


@contextmanager
def started(peer: Peer, work: Work) -> Iterator[Contestant]:
    """Start a contestant, which prepares itself while the caller goes on."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, peer, work), daemon=True)
    process.start()
    there.close()
    try:
        yield Contestant(here)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, peer: Peer, work: Work) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TensorFlow greets; errors are sent
    given = os.environ.get("XLA_FLAGS", "")
    try:
        module = importlib.import_module(f"benchmarks.contestants.{peer.module}")
        if peer.module != OURS.module:
            os.environ["XLA_FLAGS"] = given  # what we set is for us alone
        work = work._replace(**dict(peer.changes))
        turn = module.prepare(work, peer.updates or work.updates, peer.form)
        answer = _timed(turn)  # compiles
        while True:
            pipe.send((True, answer))
            pipe.recv()
            answer = _timed(turn)
    except EOFError:
        pass  # nobody asks any more
    except Exception as error:
        line = next(iter(str(error).splitlines()), "")
        pipe.send((False, f"{type(error).__name__}: {line}"))


def _timed(turn) -> tuple[float, float]:
    started = time.perf_counter()
    loss = turn.run()
    return (time.perf_counter() - started) / turn.updates * 1e6, loss
