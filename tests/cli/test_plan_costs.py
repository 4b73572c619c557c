import numpy as np
from small_trainings import training

from statelab.cli import plan_costs
from statelab.cli.plan_costs import Problem
from statelab.data.sequences import Sequences
from statelab.evaluation.variants import Budget, Variant
from statelab.samples.windows import make_windows


def test_every_training_of_a_mode_is_counted():
    steps, offsets = np.zeros((60, 1), np.float32), np.array([0, 40, 60])
    sequences = Sequences(steps, offsets, steps[:, 0])
    segments = make_windows(
        offsets, np.int8([0, 2]), layout="per_timestep", segment_length=5
    )
    problem = Problem(sequences, segments, None, None, splits=3, task=True)
    in_use = training(stateful=False, epochs=3, batch_size=4, learning_rates=[0.5])
    windows = {"layout": "subsampled", "window_length": 10, "stride": 1}
    variants = [
        Variant("in use", {}, 5, in_use, Budget(0, 0)),
        Variant("lookback 10", windows, 10, in_use, Budget(0, 0)),
    ]
    # 3 epochs of 2 batches of 4 segments of 5, and of 8 batches of 4 windows of 10;
    # what is in use once more at another rate, the windows for 2 other splits as well
    read = plan_costs.inputs_read(problem, variants)
    assert read == [120, 960, 120, 960, 960]
