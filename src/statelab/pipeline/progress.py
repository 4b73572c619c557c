"""Shows a long training: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def steps(label: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar of a few steps on a terminal, and nothing elsewhere.

    Args:
        label: what is done.
        total: steps in all.

    Yields:
        A function to be called after each step, with its name.
    """
    with tqdm(
        desc=label, total=total, disable=not sys.stderr.isatty(), leave=False
    ) as bar:

        def step(name: str) -> None:
            bar.set_postfix_str(name)
            bar.update()

        yield step


@contextmanager
def lines(label: str, unit: str) -> Iterator[Callable[[str], None]]:
    """Show a line for each of some things done, and below them a bar on a terminal.

    Args:
        label: what is done.
        unit: what is counted.

    Yields:
        A function to be called with each line.
    """
    hidden = not sys.stderr.isatty()
    with tqdm(desc=label, unit=unit, disable=hidden, leave=False) as bar:

        def line(text: str) -> None:
            tqdm.write(f"{label}: {text}", file=sys.stderr)
            bar.update()

        yield line


class Progress:
    """Follows the batches and epochs of one training.

    Args:
        label: what is trained.
        epochs: passes in all.
    """

    def __init__(self, label: str, epochs: int):
        self._label = label
        self._epochs = epochs
        self._last_line = time.monotonic()
        self._unsaid = ""  # about the last epoch
        self._bar = tqdm(
            desc=label, unit=" batches", disable=not sys.stderr.isatty(), leave=False
        )

    def resumed(self, epoch: int, batch: int, done: int) -> None:
        """Take note that training goes on where it was cut short.

        Args:
            epoch: the one under way, counted from 1.
            batch: batches done of it.
            done: batches done in all.
        """
        self._bar.initial = self._bar.n = self._bar.last_print_n = done  # not of today
        self._say(f"goes on from epoch {epoch}, batch {batch:,}")

    def batches(self, done: int, total: int) -> None:
        """Take note of the batches done so far, and of those in all."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if self._due():
            self._say(f"{done:,} of {total:,} batches")

    def epoch(self, epoch: int, lines: pd.DataFrame) -> None:
        """Take note of the end of an epoch.

        Args:
            epoch: counted from 1.
            lines: one for each seed, with every score: their means are shown.
        """
        means = lines.drop(columns=["seed", "epoch"]).mean()
        shown = [f"{name} {value:.4g}" for name, value in means.items()]
        self._bar.set_postfix_str(f"epoch {epoch}/{self._epochs}, {shown[-1]}")
        self._unsaid = f"epoch {epoch}/{self._epochs}: {', '.join(shown)}"
        if epoch == 1 or self._due():
            self._say(self._unsaid)

    def done(self) -> None:
        """Take note that training has ended, perhaps before the last epoch."""
        self._bar.close()
        if self._unsaid:
            self._say(self._unsaid)

    def _due(self) -> bool:
        waited = time.monotonic() - self._last_line
        return self._bar.disable and waited > SECONDS_BETWEEN_LINES

    def _say(self, text: str) -> None:
        self._last_line, self._unsaid = time.monotonic(), ""
        tqdm.write(f"{self._label}: {text}", file=sys.stderr)
