"""How a long training goes, for others to read while it does."""

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import pandas as pd
import psutil

from statelab.io import csv_files

FIRST, LONGEST = 20.0, 300.0  # seconds until it is told of, and between two tellings


def live(history: Path) -> Path:
    """Return where a history stands for as long as it grows."""
    return history.with_name(f".{history.name}.live")


class LiveLog:
    """Follows a training: what it has scored so far, and what of the machine it takes.

    Args:
        history: where the scores go once training is over; until then they stand beside
            it, as `live` says.
        tell: a command that reads them. It is run ever less often, and never twice at
            once; none where it is empty.
    """

    def __init__(self, history: Path, tell: Sequence[str] = ()):
        self._live, self._tell = live(history), tell
        self._teller: subprocess.Popen[bytes] | None = None
        self._began = time.monotonic()
        self._tell_at = FIRST
        self._process = psutil.Process()
        self._process.cpu_percent()  # begins to count
        self._lines: list[tuple[float, float, float]] = []

    def note(self, history: Sequence[pd.DataFrame]) -> None:
        """Take note of the lines of the epochs done so far."""
        now = time.monotonic() - self._began
        # one a second, and of a day some eight hundred
        if not self._lines or now - self._lines[-1][0] > max(1.0, now / 100):
            self._measure(now)
        if now > self._tell_at and history and self._tell and self._has_told():
            self._tell_at = min(1.5 * now, now + LONGEST)
            with suppress(OSError):  # a full disk, say: training goes on all the same
                csv_files.write(self._live, pd.concat(history))
                self._teller = subprocess.Popen(self._tell)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._teller is not None:
            self._teller.terminate()  # all will be told in a moment
            self._teller.wait()
        self._live.unlink(missing_ok=True)

    def usage(self) -> pd.DataFrame:
        """Return what training took of the machine.

        Returns:
            A line for each measurement: `seconds` since training began, the share of
            all cores in percent, and memory in megabytes.
        """
        self._measure(time.monotonic() - self._began)
        names = ["seconds", "cpu_utilization_percentage", "memory_usage_megabytes"]
        return pd.DataFrame(self._lines, columns=names).round(1)

    def _has_told(self) -> bool:
        return self._teller is None or self._teller.poll() is not None

    def _measure(self, now: float) -> None:
        share = self._process.cpu_percent() / (psutil.cpu_count() or 1)
        self._lines.append((now, share, self._process.memory_info().rss / 1e6))
