"""What `make bench` compares is the same training; the docs show what it wrote."""

import json

import numpy as np
import pytest
from checkouts import REPOSITORY

from benchmarks import calls, table, works
from benchmarks.contestants import ours
from benchmarks.processes import started
from benchmarks.works import OURS

WORKS = {work.name: work for work in works.WORKS}


@pytest.mark.parametrize("name", ["one seed", "batch 8", "gradient window 100"])
def test_the_floor_trains_the_network_that_we_train(name):
    """The arithmetic in C, or numba, gives our loss over the first updates. It runs in
    a process of its own: -ffast-math takes subnormal numbers from all that follows.
    """
    work = WORKS[name]
    floor = next(peer for peer in work.peers if peer.module == "floor")
    if floor.form == "numba":
        pytest.importorskip("numba")  # there is no cc
    with started(floor._replace(updates=60), work) as contestant:
        mine = ours.prepare(work, 60, OURS.form).run()
        least = contestant.ready()
    assert least == pytest.approx(mine, rel=1e-4)
    assert 0.3 < mine < 1  # the loss has not gone to 0, where numbers get slow


def test_series_of_known_kind_are_what_they_are_called(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    rng = np.random.default_rng(3)
    walk = calls.KINDS["walk"].make(rng, 50)
    np.testing.assert_allclose(walk.targets[:-1], walk.values[1:, 0], rtol=1e-6)
    latch = calls.KINDS["latch"].make(rng, 4000)
    marks = np.flatnonzero(latch.values[:, 0])
    last = latch.values[marks[np.searchsorted(marks, np.arange(4000), "right") - 1], 0]
    noise = latch.targets - last
    assert abs(noise.mean()) < 0.05 and noise.std() == pytest.approx(0.5, abs=0.03)
    settings = calls.default_params(calls.KINDS["latch"].changes, seeds=2)
    assert settings.train_stateless.lookbacks == [1, 4]
    assert settings.train_stateful.updates == 1500


def test_the_docs_show_the_tables_of_the_latest_run():
    document = json.loads((REPOSITORY / "metrics" / "benchmark.json").read_text())
    assert table.markdown(document) in (REPOSITORY / "docs/benchmark.md").read_text()
    assert table.summary(document) in (REPOSITORY / "README.md").read_text()
    document = json.loads((REPOSITORY / "metrics" / "calls.json").read_text())
    assert calls.markdown(document) in (REPOSITORY / "docs/verdict.md").read_text()
