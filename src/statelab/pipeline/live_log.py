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

FIRST, LONGEST = 20.0, 300.0  # seconds until scores are written, and between two times


class LiveLog:
    """Follows a training: what it has scored so far, and what of the machine it takes.

    Args:
        file: where the scores stand until training is over.
        command: reads them. It is run ever less often, and never twice at once; where
            it is empty, nothing is written.
    """

    def __init__(self, file: Path, command: Sequence[str] = ()):
        self._file, self._command = file, command
        self._reader: subprocess.Popen[bytes] | None = None
        self._began = time.monotonic()
        self._next = FIRST  # when the scores are written
        self._process = psutil.Process()
        self._process.cpu_percent()  # begins to count
        self._lines: list[tuple[float, float, float]] = []

    def note(self, history: Sequence[pd.DataFrame]) -> None:
        """Take note of the lines of the epochs done so far."""
        now = time.monotonic() - self._began
        # one a second, and of a day some eight hundred
        if not self._lines or now - self._lines[-1][0] > max(1.0, now / 100):
            self._measure(now)
        if now > self._next and history and self._command and self._has_read():
            self._next = min(1.5 * now, now + LONGEST)
            with suppress(OSError):  # a full disk, say: training goes on all the same
                csv_files.write(self._file, pd.concat(history))
                self._reader = subprocess.Popen(self._command)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.terminate()  # in a moment there are all scores to read
            self._reader.wait()
        self._file.unlink(missing_ok=True)

    def usage(self) -> pd.DataFrame:
        """Return what training took of the machine.

        Returns:
            A line for each measurement: `seconds` since training began, the share of
            all cores in percent, and memory in megabytes.
        """
        self._measure(time.monotonic() - self._began)
        names = ["seconds", "cpu_utilization_percentage", "memory_usage_megabytes"]
        return pd.DataFrame(self._lines, columns=names).round(1)

    def _has_read(self) -> bool:
        return self._reader is None or self._reader.poll() is not None

    def _measure(self, now: float) -> None:
        share = self._process.cpu_percent() / (psutil.cpu_count() or 1)
        self._lines.append((now, share, self._process.memory_info().rss / 1e6))
