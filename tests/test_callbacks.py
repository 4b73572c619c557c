"""`fit` with ResetStates against a loop that resets by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from statelab import callbacks
from statelab.callbacks import ResetStates
from statelab.errors import UserError

LANES, TIMESTEPS, FEATURES = 3, 2, 2


class Network:
    """An LSTM below a nested GRU and a Bidirectional, which are reset one by one."""

    def __init__(self, **compiled):
        keras.utils.set_random_seed(5)
        self.lstm = keras.layers.LSTM(3, stateful=True, return_sequences=True)
        self.gru = keras.layers.GRU(2, stateful=True, return_sequences=True)
        forward = keras.layers.SimpleRNN(2, stateful=True)
        self.both = keras.layers.Bidirectional(forward)
        inner = keras.Sequential([keras.Input((TIMESTEPS, 3), LANES), self.gru])
        outer = [self.lstm, inner, self.both, keras.layers.Dense(1)]
        self.model = keras.Sequential(
            [keras.Input(batch_shape=(LANES, TIMESTEPS, FEATURES)), *outer]
        )
        self.first = self.model.get_weights()
        self.model.compile(keras.optimizers.SGD(0.1), "mse", **compiled)

    def begin(self):
        """Go back to the first weights; the state is what it was."""
        self.model.set_weights(self.first)

    def reset(self):
        for layer in (
            self.lstm,
            self.gru,
            self.both.forward_layer,
            self.both.backward_layer,
        ):
            layer.reset_state()


@pytest.fixture(scope="module")
def network():
    return Network()


def batches(count, seed):
    """Inputs and targets of so many batches, no two of them alike."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count * LANES, TIMESTEPS, FEATURES)).astype(np.float32)
    return x, rng.normal(size=(count * LANES, 1)).astype(np.float32)


def by_hand(network, one_batch, count, per_sequence):
    """What each batch gives, with a reset before the first one of each sequence."""
    given = []
    for batch in range(count):
        if batch % per_sequence == 0:
            network.reset()
        given.append(one_batch(slice(batch * LANES, (batch + 1) * LANES)))
    return given


# each example trains: a failing one is reported as it is, not made smaller
@settings(max_examples=8, phases=[Phase.generate])
@given(
    per_sequence=st.integers(1, 3),
    sequences=st.integers(1, 3),
    validation_per_sequence=st.integers(1, 3),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_fit_evaluate_and_predict_are_those_of_a_loop(
    network, per_sequence, sequences, validation_per_sequence, epochs, seed
):
    model, count = network.model, per_sequence * sequences
    x, y = batches(count, seed)
    x_val, y_val = batches(2 * validation_per_sequence, seed + 100)
    reset = ResetStates(per_sequence, validation_per_sequence)

    network.begin()
    history = model.fit(
        x,
        y,
        batch_size=LANES,
        epochs=epochs,
        shuffle=False,
        validation_data=(x_val, y_val),
        callbacks=[reset],
        verbose=0,
    ).history
    ours = {"weights": model.get_weights(), **history}
    ours["state"] = [part.numpy() for part in callbacks.states(model)]
    ours["evaluated"] = model.evaluate(
        x_val, y_val, batch_size=LANES, callbacks=[reset], verbose=0
    )
    ours["predicted"] = model.predict(x, batch_size=LANES, callbacks=[reset], verbose=0)

    network.begin()
    theirs = {"loss": [], "val_loss": []}
    for _ in range(epochs):
        losses = by_hand(
            network,
            lambda rows: model.train_on_batch(x[rows], y[rows]),
            count,
            per_sequence,
        )
        theirs["loss"].append(np.mean(losses))
        theirs["state"] = [part.numpy() for part in callbacks.states(model)]
        losses = by_hand(
            network,
            lambda rows: model.test_on_batch(x_val[rows], y_val[rows]),
            2 * validation_per_sequence,
            validation_per_sequence,
        )
        theirs["val_loss"].append(np.mean(losses))
    theirs["evaluated"] = theirs["val_loss"][-1]
    theirs["weights"] = model.get_weights()
    theirs["predicted"] = np.concatenate(
        by_hand(
            network, lambda rows: model.predict_on_batch(x[rows]), count, per_sequence
        )
    )
    assert ours.keys() == theirs.keys()
    for name in ours:
        for our, their in zip(*map(parts, (ours[name], theirs[name])), strict=True):
            np.testing.assert_allclose(our, their, rtol=1e-6, atol=1e-6, err_msg=name)


def parts(value):
    return value if isinstance(value, list) else [value]


def test_every_layer_that_carries_state_is_found(network):
    stacked = keras.layers.RNN(
        [keras.layers.LSTMCell(2), keras.layers.GRUCell(3)], stateful=True
    )
    words = keras.layers.StringLookup(vocabulary=["a", "b"])
    model = keras.Sequential([keras.Input((4, 1), batch_size=2), stacked])
    model.words = words
    model(np.ones((2, 4, 1)))
    assert [part.shape for part in callbacks.states(model)] == [(2, 2), (2, 2), (2, 3)]
    assert all(np.abs(part).min() > 0 for part in callbacks.states(model))
    callbacks.reset_states(model)
    assert all(np.abs(part).max() == 0 for part in callbacks.states(model))
    assert words.get_vocabulary() == ["[UNK]", "a", "b"]
    assert len(callbacks.stateful_layers(network.model)) == 4


class PredictInside(keras.callbacks.Callback):
    """Predict in the middle of a sequence that trains."""

    def __init__(self, x, reset):
        super().__init__()
        self.x, self.reset, self.predictions = x, reset, 0

    def on_train_batch_end(self, batch, logs=None):
        before = [part.numpy() for part in callbacks.states(self.model)]
        self.model.predict(self.x, batch_size=LANES, callbacks=[self.reset], verbose=0)
        self.predictions += 1
        for was, part in zip(before, callbacks.states(self.model), strict=True):
            np.testing.assert_array_equal(was, part)


def test_training_goes_on_with_its_own_state_after_predictions(network):
    x, y = batches(4, 1)
    inside = PredictInside(x[: 2 * LANES], ResetStates(2))
    network.begin()
    network.model.fit(
        x,
        y,
        batch_size=LANES,
        shuffle=False,
        callbacks=[ResetStates(4), inside],
        verbose=0,
    )
    assert inside.predictions == 4


def sums(**layer):
    """A small model, with the arguments of its one layer."""
    layer = keras.layers.SimpleRNN(1, **{"stateful": True, **layer})
    model = keras.Sequential([keras.Input(batch_shape=(2, 1, 1)), layer])
    model.compile("sgd", "mse")
    return model


ROWS = np.arange(12.0).reshape(12, 1, 1)  # six batches of two lanes
REST = {"batch_size": 2, "shuffle": False}


class Shuffling(keras.utils.PyDataset):
    """Three batches, in whatever order Keras likes."""

    def __len__(self):
        return 3

    def __getitem__(self, batch):
        return ROWS[:2], ROWS[:2, 0]


def one_by_one():
    """A generator: nobody knows how long."""
    while True:
        yield ROWS[:2], ROWS[:2, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 2}, "`shuffle` must be False.* Received: True"),
        ({"batch_size": 2, "shuffle": "batch"}, "`shuffle` must be .*: 'batch'"),
        ({"x": Shuffling(), "y": None}, "`shuffle` must be False.* Received: True"),
        ({"shuffle": False, "batch_size": 3}, "that of the model, 2.*: batch_size=3"),
        ({"x": ROWS[:11], "y": ROWS[:11, 0], **REST}, "a last batch of 1"),
        ({"x": ROWS[:8], "y": ROWS[:8, 0], **REST}, "of 3 batches each.*: 4 batches"),
        ({"steps_per_epoch": 4, **REST}, "of 3 batches each.* Received: 4 batches"),
        ({"x": one_by_one(), "y": None, "shuffle": False}, "a dataset of unknown"),
        (
            {"validation_data": (ROWS[:8], ROWS[:8, 0]), **REST},
            "of 3 batches each.* Received: 4 batches",
        ),
    ],
)
def test_fit_is_refused_what_cannot_be_done_right(given, message):
    given = {"x": ROWS, "y": ROWS[:, 0], "verbose": 0, **given}
    with pytest.raises(UserError, match=message):
        sums().fit(callbacks=[ResetStates(3)], **given)


def test_predict_is_refused_another_batch_size():
    with pytest.raises(UserError, match="that of the model, 2.*: batch_size=1"):
        sums().predict(ROWS, batch_size=1, verbose=0, callbacks=[ResetStates(3)])


def test_hooks_of_several_batches_are_refused():
    model = sums()
    model.compile("sgd", "mse", steps_per_execution=2)
    with pytest.raises(UserError, match="Received: steps_per_execution=2"):
        model.fit(ROWS, ROWS[:, 0], callbacks=[ResetStates(3)], verbose=0, **REST)


def test_a_stateless_model_is_refused():
    with pytest.raises(UserError, match="carries state"):
        sums(stateful=False).fit(
            ROWS, ROWS[:, 0], callbacks=[ResetStates(3)], verbose=0, **REST
        )


def test_a_loop_of_ones_own_is_refused_with_what_to_call():
    hooks = keras.callbacks.CallbackList([ResetStates(3)], model=sums())
    with pytest.raises(UserError, match="train_on_batch"):
        hooks.on_train_begin()


@pytest.mark.parametrize("given", [(0,), (2.0,), (3, 0)])
def test_a_count_is_a_whole_number(given):
    with pytest.raises(UserError, match="batches_per_sequence` must be a count"):
        ResetStates(*given)


def test_datasets_and_generators_of_known_length_are_taken():
    """Two sequences of two batches: 0 + 1 and 2 + 3 in the first lane, by hand."""
    ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    model = sums(activation="linear", **ones)
    x = np.array([0, 10, 1, 20, 2, 30, 3, 40.0]).reshape(8, 1, 1)
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(2)
    predictions = model.predict(dataset, callbacks=[ResetStates(2)], verbose=0)
    assert predictions[:, 0].tolist() == [0, 10, 1, 30, 2, 30, 5, 70]
    model.fit(
        one_by_one(),
        steps_per_epoch=3,
        epochs=2,
        shuffle=False,
        callbacks=[ResetStates(3)],
        verbose=0,
    )
