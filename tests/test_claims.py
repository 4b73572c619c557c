"""What the README says of the task of the post, trained in full."""

import numpy as np
import pytest
from small_trainings import training

from statelab.data.tasks import first_step
from statelab.evaluation import bounds, scoring
from statelab.pipeline.progress import Silent
from statelab.samples.splitting import assign_splits
from statelab.samples.windows import make_windows
from statelab.training import trainer

AS_THE_POST = {"seed": 0, "units": 10, "batch_size": 1, "learning_rate": 0.001}


def task_of_the_post(layout):
    task = first_step(sequences=1200, length=20, rng=np.random.default_rng((0, 0)))
    rng = np.random.default_rng((0, 1))
    codes = assign_splits(task.targets, test_size=200, validation_size=0, rng=rng)
    return task, make_windows(
        task.offsets, codes, layout=layout, window_length=10, stride=1, segment_length=1
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "stateful", "epochs", "lowest"),
    [
        ("per_timestep", True, 3, 0.99),
        ("per_timestep", False, 15, 0.525),
        ("subsampled", False, 15, 6 / 11),
        ("full", False, 15, 0.99),
    ],
)
def test_every_seed_of_32_reaches_its_ceiling_and_none_is_above(
    layout, stateful, epochs, lowest
):
    task, table = task_of_the_post(layout)
    post = training(**AS_THE_POST, stateful=stateful, epochs=epochs, seeds=32)
    trained = trainer.train(task, table, post, progress=Silent())
    scored = scoring.seed_scores(trained.predictions, task, table, trained.history)
    limits = bounds.of_scores(task, table, trained.visible_from)
    assert scored["accuracy"].min() >= lowest - 1e-9
    assert bounds.above_ceiling(scored, limits.ceiling) == []


@pytest.mark.slow
def test_an_epoch_of_the_post_is_that_of_keras():
    """20,000 updates one step at a time, at the constant rate of the post."""
    task, table = task_of_the_post("per_timestep")
    ours, theirs = (
        trainer.train(
            task,
            table,
            training(
                **AS_THE_POST, engine=engine, schedule="constant", epochs=1, seeds=1
            ),
            progress=Silent(),
        ).history
        for engine in ("compiled", "reference")
    )
    assert ours["loss"].item() > 1e-4  # below, 32 bits tell nothing
    assert ours["loss"].item() == pytest.approx(theirs["loss"].item(), rel=0.01)
    assert ours["accuracy"].item() == pytest.approx(theirs["accuracy"].item(), abs=1e-3)
    assert ours["test_accuracy"].item() == theirs["test_accuracy"].item() == 1.0
