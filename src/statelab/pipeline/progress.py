"""Shows how far something is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_DRAWINGS = 0.1


class _Bar:
    """A bar below lines of text; where standard error is no terminal, lines alone."""

    def __init__(self, label: str, unit: str = "", total: float | None = None):
        self.on_terminal = sys.stderr.isatty()
        self._label, self._drawn = label, time.monotonic()
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            auto_refresh=False,  # a thread would draw into what others print
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not self.on_terminal,
        )
        self._task = self._bars.add_task(label, total=total, note="")
        self._bars.start()
        # Ctrl-C ends a stage at once: a cursor that is hidden would stay so
        self._bars.console.show_cursor()

    def begin_at(self, done: int) -> None:
        """Leave what was done before out of the time that remains."""
        self._bars.reset(self._task, completed=done)

    def advance(self, done: int = 1) -> None:
        self._bars.advance(self._task, done)
        self._draw()

    def update(self, done: int, total: int) -> None:
        self._bars.update(self._task, completed=done, total=total)
        self._draw()

    def note(self, text: str) -> None:
        self._bars.update(self._task, note=text)

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        text = f"{self._label}: {text}"
        if self.on_terminal:
            self._bars.console.out(text, highlight=False)
        else:
            print(text, file=sys.stderr)

    def close(self) -> None:
        self._bars.stop()

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn > SECONDS_BETWEEN_DRAWINGS:
            self._drawn = now
            self._bars.refresh()


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Pass items on, and show on a terminal how many are done.

    Args:
        items: which take some time each.
        label: what is done.
        total: how many there are.
    """
    bar = _Bar(label, total=total)
    try:
        for item in items:
            yield item
            bar.advance()
    finally:
        bar.close()


@contextmanager
def lines(label: str, unit: str) -> Iterator[Callable[[str], None]]:
    """Show a line for each of some things done, and below them a bar on a terminal.

    Args:
        label: what is done.
        unit: what is counted.

    Yields:
        A function to be called with each line.
    """
    bar = _Bar(label, unit)

    def line(text: str) -> None:
        bar.line(text)
        bar.advance()

    try:
        yield line
    finally:
        bar.close()


class Silent:
    """Shows nothing of one training, where a bar shows how many are done."""

    def resumed(self, epoch: int, batch: int, done: int) -> None: ...

    def batches(self, done: int, total: int) -> None: ...

    def epoch(self, epoch: int, lines: "pd.DataFrame") -> None: ...

    def done(self) -> None: ...


class Progress:
    """Follows the batches and epochs of one training.

    Args:
        label: what is trained.
        epochs: passes in all.
    """

    def __init__(self, label: str, epochs: int):
        self._epochs = epochs
        self._last_line = time.monotonic()
        self._unsaid = ""  # about the last epoch
        self._bar = _Bar(label, "batches")

    def resumed(self, epoch: int, batch: int, done: int) -> None:
        """Take note that training goes on where it was cut short.

        Args:
            epoch: the one under way, counted from 1.
            batch: batches done of it.
            done: batches done in all.
        """
        self._bar.begin_at(done)
        self._say(f"goes on from epoch {epoch}, batch {batch:,}")

    def batches(self, done: int, total: int) -> None:
        """Take note of the batches done so far, and of those in all."""
        self._bar.update(done, total)
        if self._due():
            self._say(f"{done:,} of {total:,} batches")

    def epoch(self, epoch: int, lines: "pd.DataFrame") -> None:
        """Take note of the end of an epoch.

        Args:
            epoch: counted from 1.
            lines: one for each seed, with every score: their means are shown.
        """
        means = lines.drop(columns=["seed", "epoch"]).mean()
        shown = [f"{name} {value:.4g}" for name, value in means.items()]
        self._bar.note(f"epoch {epoch}/{self._epochs}, {shown[-1]}")
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
        return not self._bar.on_terminal and waited > SECONDS_BETWEEN_LINES

    def _say(self, text: str) -> None:
        self._last_line, self._unsaid = time.monotonic(), ""
        self._bar.line(text)
