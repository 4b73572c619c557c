"""How much memory training takes on data that are large."""

import subprocess
import sys

import numpy as np
import pytest
from checkouts import REPOSITORY
from peak_memory import TRAINING

SEQUENCES, FEATURES = 10, 8


def peak(folder, steps) -> int:
    """Return the bytes that training on so many steps takes at its peak."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    values = np.lib.format.open_memmap(
        folder / "values.npy", "w+", np.float32, (steps, FEATURES)
    )
    for part in np.array_split(values, SEQUENCES):
        part[:] = rng.standard_normal(part.shape, np.float32)
    np.save(folder / "offsets.npy", np.arange(SEQUENCES + 1) * (steps // SEQUENCES))
    np.save(folder / "targets.npy", np.float32(np.arange(SEQUENCES) % 2))
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tests/helpers/peak_memory.py", folder],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells the peak")
def test_training_on_windows_of_long_data_does_not_copy_them_out(tmp_path):
    """Windows of 100 steps at a stride of 1: written out, 100 times the data."""
    short, long = 10**4, 10**7
    more = peak(tmp_path / "long", long) - peak(tmp_path / "short", short)
    raw = (long - short) * FEATURES * 4
    print(f"{more / raw:.2f} times the data, for {TRAINING.settings.seeds} seed")
    assert more < raw
