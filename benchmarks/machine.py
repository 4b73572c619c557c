"""What the times were measured on."""

import os
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path

import numpy as np

PACKAGES = ("tensorflow", "keras", "torch", "jax", "optax", "numba", "numpy")


def description() -> dict[str, object]:
    """Return the processor, its cores, and the versions of everything timed."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version for name in PACKAGES if (version := _version(name))},
    }


def sgemm_gflops(size: int = 1024, turns: int = 9) -> float:
    """Return what NumPy multiplies square float32 matrices with, in GFLOP/s."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, size, size), dtype=np.float32)
    seconds = []
    for _ in range(turns + 1):
        started = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / statistics.median(seconds[1:]) / 1e9  # the first one warms up


def _cpu() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
