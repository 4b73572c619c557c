"""What `make bench` compares is the same training; README shows what it wrote."""

import json

import pytest
from conftest import REPOSITORY

from benchmarks import table, works
from benchmarks.contestants import floor, ours

WORKS = {work.name: work for work in works.WORKS}


@pytest.mark.parametrize("name", ["one seed", "batch 8", "gradient window 100"])
def test_the_floor_trains_the_network_that_we_train(name):
    """The arithmetic in C, or numba, gives our loss over the first updates."""
    work = WORKS[name]
    form = next(p.form for p in work.peers if p.module == "floor")
    if form == "numba":
        pytest.importorskip("numba")  # there is no cc
    mine, least = (
        module.prepare(work, 60, way).run()
        for module, way in ((ours, "compiled"), (floor, form))
    )
    assert least == pytest.approx(mine, rel=1e-4)
    assert 0.3 < mine < 1  # the loss has not gone to 0, where numbers get slow


def test_readme_shows_the_table_of_the_latest_run():
    document = json.loads((REPOSITORY / "metrics" / "benchmark.json").read_text())
    assert table.markdown(document) in (REPOSITORY / "README.md").read_text()
