import keras
import numpy as np
import pytest

from statelab import callbacks
from statelab.errors import UserError
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import make_plan
from statelab.training import keras_fit
from statelab.training.options import TrainOptions


def test_train_refuses_to_reset_one_lane_alone(ragged, cut):
    table = cut(ragged, layout="per_timestep")
    plan = make_plan(table, np.arange(3), batch_size=2, stateful=True)
    network = Architecture("lstm", "binary", layers=1, units=2, features=2, outputs=1)
    optimizer = Optimizer("adam", 0.1, "constant", None, 7)
    weights = keras_models.initial_weights(range(1), network)
    options, reader = (
        TrainOptions(network, optimizer),
        ChunkReader(ragged, table, [plan]),
    )
    with pytest.raises(UserError, match="`engine` must be `compiled`"):
        keras_fit.train(keras_fit.start(weights, options), reader, options)


def test_train_lets_a_lane_run_out(noise, cut):
    """Of three sequences in two lanes the third is alone: padding is reset with it."""
    table = cut(noise, layout="per_timestep", segment_length=4)
    plan = make_plan(table, np.arange(3), batch_size=2, stateful=True)
    assert keras_fit.ResetByPlan(plan)._reset.tolist() == [True, False, True, False]


def stateful_model(lanes: int) -> keras.Model:
    model = keras_models.build(
        Architecture("lstm", "binary", layers=2, units=3, features=2, outputs=1),
        batch_size=lanes,
        timesteps=1,
        stateful=True,
    )
    model.compile(loss="mse")
    return model


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
def test_reset_states_covers_training_validation_and_prediction(noise, cut, call):
    """Every pass begins with zeros, whatever state was left behind."""
    table = cut(noise, layout="per_timestep")
    plan = make_plan(table, np.array([0, 1]), batch_size=1, stateful=True)
    x, y, _ = keras_fit.arrays_of(ChunkReader(noise, table, [plan]))
    model = stateful_model(lanes=1)
    states = []
    for _ in range(2):
        data = {"x": x} if call == "predict" else {"x": x, "y": y}
        if call == "fit":
            model.optimizer.learning_rate = 0.0  # so that only state could differ
            data["shuffle"] = False
        getattr(model, call)(
            **data, batch_size=1, verbose=0, callbacks=[keras_fit.ResetByPlan(plan)]
        )
        states.append([part.numpy() for part in callbacks.states(model)])
    assert len(states[0]) == 4  # h and c of two layers
    for once, twice in zip(*states, strict=True):
        np.testing.assert_array_equal(once, twice)
        assert once.any()


def test_reset_states_happens_where_the_plan_says(noise, cut):
    """Sequence 1 alone leaves the state that sequences 0 and 1 leave."""
    table = cut(noise, layout="per_timestep")
    states = []
    for chosen in ([0, 1], [1]):
        plan = make_plan(table, np.array(chosen), batch_size=1, stateful=True)
        x, _, _ = keras_fit.arrays_of(ChunkReader(noise, table, [plan]))
        model = stateful_model(lanes=1)
        model.predict(
            x, batch_size=1, verbose=0, callbacks=[keras_fit.ResetByPlan(plan)]
        )
        states.append([part.numpy() for part in callbacks.states(model)])
    for both, alone in zip(*states, strict=True):
        np.testing.assert_allclose(both, alone, atol=1e-7)
