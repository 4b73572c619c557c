"""A single series in several lanes, against stock Keras fed the same lanes by hand."""

import keras
import numpy as np
from small_windows import cut

from statelab import callbacks
from statelab.data.sequences import Sequences
from statelab.networks import keras_models
from statelab.networks.architecture import Architecture
from statelab.networks.optimizers import Optimizer
from statelab.samples.chunks import ChunkReader
from statelab.samples.plans import make_plan
from statelab.training import compiled, keras_fit
from statelab.training.options import TrainOptions

NETWORK = Architecture("lstm", "regression", layers=1, units=3, features=2, outputs=1)
# 25 samples of 4 steps in 3 lanes: 0 to 7, 8 to 15 and 16 to 24, and one of burn-in
LANES = [range(8), range(7, 16), range(15, 25)]


def test_a_series_in_lanes_is_keras_fed_each_stretch():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(100, 2)).astype(np.float32)
    series = Sequences(values, np.array([0, 100]), rng.normal(size=100))
    table = cut([100], layout="per_timestep", segment_length=4)
    plan = make_plan(
        table, np.arange(1), batch_size=3, stateful=True, stretch_burn_in=4
    )
    options = TrainOptions(
        NETWORK, Optimizer("adam", 0.02, "constant", None, plan.batches), None
    )
    weights = keras_models.initial_weights(range(2), NETWORK)
    reader = ChunkReader(series, table, [plan])
    ours = compiled.train(compiled.start(weights, options), reader, options)
    trained = compiled.weights_of(ours, NETWORK)
    fitted = keras_fit.train(keras_fit.start(weights, options), reader, options)
    for name, theirs in keras_fit.weights_of(fitted, NETWORK).items():
        np.testing.assert_allclose(trained[name], theirs, atol=1e-5, err_msg=name)
    for k in range(2):
        by_hand = _by_hand([array[k] for array in weights.values()], series)
        for mine, theirs in zip(trained.values(), by_hand, strict=True):
            np.testing.assert_allclose(mine[k], theirs, atol=1e-5)


def _by_hand(weights, series):
    """Train a stateful Keras model on the lanes, written out one batch at a time."""
    model = keras_models.build(
        NETWORK, timesteps=4, batch_size=3, stateful=True, return_sequences=True
    )
    model.set_weights(weights)
    model.compile(
        optimizer=keras.optimizers.Adam(0.02),
        loss=keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
    )
    callbacks.reset_states(model)
    for batch in range(10):
        x, y, weight = np.zeros((3, 4, 2)), np.zeros((3, 4, 1)), np.zeros((3, 4))
        for lane, samples in enumerate(LANES):
            if batch < len(samples):
                steps = slice(4 * samples[batch], 4 * samples[batch] + 4)
                x[lane], y[lane, :, 0] = series.values[steps], series.targets[steps]
                weight[lane] = lane == 0 or batch > 0
        model.train_on_batch(x, y, sample_weight=weight)
    return model.get_weights()
