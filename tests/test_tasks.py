import numpy as np

from statelab.tasks import first_step


def test_first_step_is_the_input_of_the_post():
    task = first_step(sequences=1200, length=20, rng=np.random.default_rng(0))
    values = task.values.reshape(1200, 20)
    assert values.dtype == np.float32
    assert values[:, 0].sum() == 600
    assert not values[:, 1:].any()
    assert (task.targets == values[:, 0]).all()
    assert task.offsets[[0, 1, -1]].tolist() == [0, 20, 24000]


def test_first_step_is_drawn_anew_for_another_seed():
    one, two = (
        first_step(sequences=40, length=2, rng=np.random.default_rng(seed)).targets
        for seed in (0, 1)
    )
    assert (one != two).any()
