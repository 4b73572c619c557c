import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from statelab.errors import UserError
from statelab.io import arrays


class Pair(NamedTuple):
    one: np.ndarray
    two: np.ndarray


def test_read_gives_back_what_write_wrote_memory_mapped(tmp_path):
    arrays.write(tmp_path / "pair", Pair(np.arange(3), np.float32([[1.5], [2.5]])))
    pair = arrays.read(tmp_path / "pair", Pair)
    assert isinstance(pair.one, np.memmap)
    assert pair.one.tolist() == [0, 1, 2]
    assert pair.two.dtype == np.float32 and pair.two.tolist() == [[1.5], [2.5]]


def test_write_puts_rows_one_after_another_so_that_they_can_be_mapped(tmp_path):
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    arrays.write(tmp_path / "pair", Pair(columns, columns[:1]))
    one = arrays.read(tmp_path / "pair", Pair).one
    assert one.flags.c_contiguous and one.tolist() == columns.tolist()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells")
def test_let_go_gives_memory_back_and_keeps_what_is_in_the_file(tmp_path):
    """Of 32 MiB that were read, at least half; reading them again finds the same."""
    arrays.write(tmp_path / "pair", Pair(np.arange(2**22), np.arange(1)))
    one = arrays.read(tmp_path / "pair", Pair).one
    total = one.sum()
    mapped = resident()
    arrays.release_pages(one)
    assert mapped - resident() > 2**24
    assert one.sum() == total
    arrays.release_pages(np.arange(3))  # not mapped: nothing happens


def resident() -> int:
    """Bytes of files in the memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("RssFile"))
    return int(line.split()[1]) * 1024


def test_read_names_the_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"one\.npy: no such file\. Run `dvc repro`"):
        arrays.read(tmp_path, Pair)
