import numpy as np
import pytest

from statelab.chunks import stretches


@pytest.mark.parametrize("features", [1, 3])
def test_stretches_are_the_steps_one_by_one(features):
    """One that overruns the end has its own steps first, and then any."""
    values = np.arange(7 * features, dtype=np.float32).reshape(7, features)
    x = stretches(values, np.array([[0, 3], [4, 6]]), 4)
    assert x.shape == (2, 2, 4, features)
    for stretch, first in zip(x.reshape(4, 4, features), (0, 3, 4, 6), strict=True):
        expected = values[first : first + 4]
        np.testing.assert_array_equal(stretch[: len(expected)], expected)
