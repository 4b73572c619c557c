from typing import NamedTuple

import numpy as np
import pytest

from statelab import arrays
from statelab.errors import UserError


class Pair(NamedTuple):
    one: np.ndarray
    two: np.ndarray


def test_read_gives_back_what_write_wrote_memory_mapped(tmp_path):
    arrays.write(tmp_path / "pair", Pair(np.arange(3), np.float32([[1.5], [2.5]])))
    pair = arrays.read(tmp_path / "pair", Pair)
    assert isinstance(pair.one, np.memmap)
    assert pair.one.tolist() == [0, 1, 2]
    assert pair.two.dtype == np.float32 and pair.two.tolist() == [[1.5], [2.5]]


def test_read_names_the_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match=r"one\.npy: no such file\. Run `dvc repro`"):
        arrays.read(tmp_path, Pair)
