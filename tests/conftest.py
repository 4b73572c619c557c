"""Small inputs on which nothing is symmetric."""

import os
from contextlib import contextmanager
from pathlib import Path

import checkouts
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from statelab.data.sequences import Sequences
from statelab.samples.windows import Windows, make_windows

settings.register_profile("statelab", deadline=None)  # speed is for make bench
settings.load_profile("statelab")

REPOSITORY = checkouts.REPOSITORY

collect_ignore = ["planted"]  # scripts to be run: importing one trains a model


LONGEST = [
    "test_pipeline",
    "test_sweep",
    "test_lookback_command",
    "test_compiled",
    "test_sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the modules that take longest first, so that all processes end together."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def trained(tmp_path_factory, worker_id) -> Path:
    """A repository with a small task that has been run, once for all of pytest's
    processes; tests take copies of it."""
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent
    root = folder / "trained"
    with FileLock(folder / "trained.lock"):
        if not root.exists():
            checkouts.make(folder / "training")
            checkouts.copy(folder / "training", root)
    return root


@pytest.fixture(scope="module")
def checkout(trained, tmp_path_factory) -> checkouts.Checkout:
    """A repository with a small task that has been run; a test leaves it as it was."""
    return checkouts.copy(trained, tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def ragged() -> Sequences:
    """Sequences of 5, 3 and 4 steps, two features, every value another."""
    values = np.random.default_rng(7).normal(size=(12, 2)).astype(np.float32)
    return Sequences(values, np.array([0, 5, 8, 12]), np.array([1, 0, 1]))


@pytest.fixture
def noise() -> Sequences:
    """12 sequences of 8 steps of noise with random labels, all in train: no loss of
    theirs goes to 0, where 32 bits would hide a difference."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(96, 2)).astype(np.float32)
    return Sequences(values, np.arange(13) * 8, rng.integers(0, 2, 12))


@pytest.fixture
def cut():
    """Cut sequences of one split, train, into windows."""

    def cut(sequences: Sequences, **layout) -> Windows:
        sizes = {"window_length": 1, "stride": 1, "segment_length": 1, **layout}
        split = np.zeros(len(sequences.offsets) - 1, np.int8)
        return make_windows(sequences.offsets, split, **sizes)

    return cut


@pytest.fixture
def forbidden():
    """Make a file unreadable for a while, to root as well."""

    @contextmanager
    def forbidden(file: Path):
        mode, user = file.stat().st_mode, os.geteuid()
        file.chmod(0)
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)
            file.chmod(mode)

    return forbidden
