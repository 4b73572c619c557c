"""What is said of state in Keras, and what the installed Keras does.

Each test is a claim. The first line of its docstring says it; then come who says so,
whether it holds (Yes, No, In part: what happens) and what to do. `make traps` writes
docs/traps.md out of them. A test that fails shows which claim Keras has changed.
"""

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
import traps_page
from checkouts import REPOSITORY


def adder(batch_size=1, timesteps=1, stateful=True, **layer):
    """A network that predicts the sum of its inputs since its state was zero."""
    return keras.Sequential(
        [
            keras.Input((timesteps, 1), batch_size=batch_size),
            keras.layers.SimpleRNN(
                1,
                activation=None,
                kernel_initializer="ones",
                recurrent_initializer="ones",
                stateful=stateful,
                **layer,
            ),
        ]
    )


def frozen(model, **arguments):
    """Compile a model so that `fit` moves its state and leaves its weights."""
    model.compile(keras.optimizers.SGD(0.0), "mse", **arguments)
    return model


def samples(*values):
    """Inputs [batch, timesteps, features]: a sample for each value or list of them."""
    return np.array(values, np.float32).reshape(len(values), -1, 1)


def targets(x):
    """A target of 0 for each sample."""
    return np.zeros((len(x), 1), np.float32)


def predict(model, x, batch_size=1):
    """What the model predicts, one number for each sample."""
    return model.predict(x, batch_size=batch_size, verbose=0).ravel().tolist()


def state(model):
    """What the first layer carries, one number for each sample of a batch."""
    return model.layers[0].states[0].numpy().ravel().tolist()


class HookLog(keras.callbacks.Callback):
    """Keeps which hooks are called, and the state when they are."""

    def __init__(self, *hooks):
        super().__init__()
        self.calls = []
        for hook in hooks:
            setattr(self, hook, partial(self.append, hook))

    def append(self, hook, *_, logs=None):
        self.calls.append((hook, *state(self.model)))


def test_stateless_samples_know_nothing_of_each_other():
    """An LSTM finds dependencies between the samples only if it is stateful.

    Source: the post, "Is it possible that the LSTM may find dependencies between the
    sequences?"

    Yes: a stateless layer begins each sample with zeros, a stateful one goes on.

    Do: feed the whole sequence as one sample, or carry state.
    """
    x = samples(1, 2, 4)
    assert predict(adder(stateful=False), x) == [1, 2, 4]
    assert predict(adder(stateful=True), x) == [1, 3, 7]


def test_sample_i_of_a_batch_goes_on_from_sample_i_of_the_batch_before():
    """The state of sample i is where sample i + batch size begins.

    Source: the post, "Why do we make the difference between stateless and stateful LSTM
    in Keras?", after Keras's own definition.

    Yes: each place of a batch (here: a lane) carries a state of its own.

    Do: give each sequence a lane, and its parts to batches that follow each other.
    """
    x = samples(1, 10, 2, 20)
    assert predict(adder(batch_size=2), x, batch_size=2) == [1, 10, 3, 30]


def test_a_batch_is_one_update_by_its_mean_gradient():
    """A batch is one update, by the mean of the gradients of its samples.

    Source: the post, "average the gradients and propagate it".

    Yes: of y = wx with w = 0, the gradients -2xy of two samples are -2 and -6, and a
    rate of 1 moves w to their mean, 4.

    Do: count updates, not epochs, when batch sizes are compared: with a batch of one
    step there are as many updates as steps.
    """
    model = adder(batch_size=2, use_bias=False)
    model.layers[0].cell.kernel.assign([[0.0]])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(samples(1, 3), np.ones((2, 1)), batch_size=2, verbose=0)
    assert model.layers[0].cell.kernel.numpy() == [[4.0]]
    assert model.optimizer.iterations == 1


def test_a_last_batch_that_is_not_full_is_spread_over_all_lanes():
    """The batch size of a stateful model divides the number of samples.

    Source: the post, "where your batch size divides nb_samples"; keras#1853, keras#1561
    and keras#9036, where Keras 2 said so in an error.

    No: it has to, and Keras 3 does not check. Three samples in batches of 2 give four
    predictions: the last sample goes on from both lanes, and changes both.

    Do: pad with whole sequences of weight 0, or choose another batch size.
    """
    model = adder(batch_size=2)
    assert predict(model, samples(1, 10, 100), batch_size=2) == [1, 10, 101, 110]
    assert state(model) == [101, 110]


def test_fit_shuffles_by_default():
    """By default Keras shuffles the samples, and what one leads to another is lost.

    Source: the post, "By default, Keras shuffles (permutes) the samples"; keras#1870,
    keras#1820.

    Yes: also those of a stateful model, and without a warning. That breaks up every
    sequence of more than one sample. In the test, what the state grows by shows in
    which order the samples have been fed.

    Do: pass `shuffle=False` to `fit`, always, with a stateful model.
    """
    keras.utils.set_random_seed(1)
    x = samples(1, 2, 4, 8, 16, 32)
    order = {}
    for name, arguments in {"default": {}, "no shuffle": {"shuffle": False}}.items():
        log = HookLog("on_train_batch_end")
        frozen(adder()).fit(
            x, targets(x), batch_size=1, callbacks=[log], verbose=0, **arguments
        )
        sums = [total for _, total in log.calls]
        order[name] = np.diff(sums, prepend=0).tolist()
    assert order["no shuffle"] == [1, 2, 4, 8, 16, 32]
    assert order["default"] != order["no shuffle"]
    assert sorted(order["default"]) == order["no shuffle"]


def test_a_stateful_model_needs_a_batch_size():
    """Keras requires the batch size of a stateful model.

    Source: the post, "Why do Keras require the batch size in stateful mode?"

    Yes: the model cannot be built without it.

    Do: begin with `keras.Input(shape, batch_size=...)`.
    """
    with pytest.raises(ValueError, match="the batch size must be static"):
        adder(batch_size=None)


def test_batch_input_shape_is_gone():
    """The batch size is given as `LSTM(10, batch_input_shape=(1, 1, 1))`.

    Source: the post, "Finally, let's see how the stateless model would perform here";
    Keras's own documentation of that time, keras#20327.

    No: Keras 3 has no such argument.

    Do: begin with `keras.Input((1, 1), batch_size=1)`.
    """
    with pytest.raises(ValueError, match="Unrecognized keyword arguments"):
        keras.layers.LSTM(10, batch_input_shape=(1, 1, 1))


def test_there_is_one_state_for_each_lane():
    """The state of a layer has the shape (batch size, units).

    Source: the post, "the structure to store the states is of the shape"; the question
    most read, Stack Overflow 43882796.

    Yes: an LSTM has two of them, h and c; there is none for the layer as a whole.

    Do: think of `batch_size` networks side by side that share their weights.
    """
    layer = keras.layers.LSTM(5, stateful=True)
    keras.Sequential([keras.Input((4, 1), batch_size=3), layer])
    assert [tuple(part.shape) for part in layer.states] == [(3, 5), (3, 5)]


def test_the_stateful_flag_helps_windows_whose_lanes_are_right():
    """Activating the statefulness of the model does not help at all on windows.

    Source: the post, "Impact of sequences subsampling".

    No: the batching decides. The windows of one sequence, 1 0 0 0, in batches of 1 all
    know its first step. In batches of 3 each is in a lane of its own, and only the
    first of them does.

    Do: give each sequence a lane. Windows that overlap read steps twice; segments that
    do not overlap read each step once.
    """
    windows = samples([1, 0], [0, 0], [0, 0])
    assert predict(adder(timesteps=2, stateful=False), windows) == [1, 0, 0]
    assert predict(adder(timesteps=2), windows) == [1, 1, 1]
    assert predict(adder(batch_size=3, timesteps=2), windows, batch_size=3) == [1, 0, 0]


def test_a_model_has_no_reset_states():
    """`model.reset_states()` sets the state to zero.

    Source: the post, "we have to manually call model.reset_states()"; keras#20327.

    No: layers have `reset_state`, models have neither.

    Do: call `statelab.callbacks.reset_states(model)`, which finds nested layers too.
    """
    model = adder()
    assert not hasattr(model, "reset_states")
    assert not hasattr(model, "reset_state")
    predict(model, samples(1, 2))
    model.layers[0].reset_state()
    assert state(model) == [0]


def test_a_callback_can_reset_state_in_training():
    """A callback can reset the state at each sequence.

    Source: the post, "Another method to do that is to write a callback".

    Yes: in `fit`, with hooks called for each batch. Here 1 + 2, and anew 4 + 8.

    Do: use `statelab.callbacks.ResetStates`, which handles validation and what follows.
    """

    class Reset(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch % 2 == 0:
                self.model.layers[0].reset_state()

    x = samples(1, 2, 4, 8)
    log = HookLog("on_train_batch_end")
    frozen(adder()).fit(
        x,
        targets(x),
        batch_size=1,
        shuffle=False,
        callbacks=[Reset(), log],
        verbose=0,
    )
    assert [total for _, total in log.calls] == [1, 3, 4, 12]


def test_hooks_are_called_in_validation():
    """Callbacks are not properly called when using `validation_data` in `fit`.

    Source: the post, in its closing note; keras#4185, keras#2661.

    No: not any more. `on_test_batch_begin` is called before each batch of validation.
    `on_batch_begin` is training's alone, so that a callback that has no other hook
    still resets nothing there.

    Do: reset in `on_test_batch_begin` and `on_predict_batch_begin` too.
    """
    log = HookLog("on_batch_begin", "on_test_batch_begin")
    x = samples(1)
    frozen(adder()).fit(
        x,
        targets(x),
        batch_size=1,
        validation_data=(samples(2, 4), np.zeros((2, 1))),
        callbacks=[log],
        verbose=0,
    )
    called = [hook for hook, _ in log.calls]
    assert called == ["on_batch_begin", "on_test_batch_begin", "on_test_batch_begin"]


def test_the_gradient_vanishes_as_far_as_the_forget_gate_is_shut():
    """An LSTM's state is updated by addition, such that the gradient hardly vanishes.

    Source: the post, "Introduction of Stateful LSTMs".

    In part: what is left of the gradient after n steps is the product of n forget
    gates. With Keras's bias of 1 a gate begins at sigmoid(1) = 0.731, and 20 steps
    leave 0.0019; with a bias of 4, at 0.982, they leave 0.70.

    Do: for long memories give the forget gate a larger bias, as statelab does with
    `model.forget_bias: chrono`.
    """
    left = {}
    for bias in (1.0, 4.0):
        layer = keras.layers.LSTM(
            1,
            kernel_initializer="zeros",
            recurrent_initializer="zeros",
            return_state=True,
        )
        layer.build((1, 20, 1))
        layer.cell.bias.assign([0.0, bias, 0.0, 0.0])  # of the gates i, f, c, o
        h, c = tf.constant([[0.0]]), tf.constant([[3.0]])
        with tf.GradientTape() as tape:
            tape.watch(c)
            _, _, last = layer(tf.zeros((1, 20, 1)), initial_state=[h, c])
        left[bias] = tape.gradient(last, c).numpy().item()
    assert left[1.0] == pytest.approx(0.7310586**20, rel=1e-4)
    assert left[4.0] == pytest.approx(0.9820138**20, rel=1e-4)


def test_no_gradient_flows_through_carried_state():
    """A stateful layer learns from what it was fed in earlier batches.

    Source: keras#1820, keras#3669, keras#8945, keras#4188, where people ask.

    No: state is carried, gradient is not. Of h = w(3 + 2) the derivative by w is 5
    where both steps are one sample, and 2 where the first was in the batch before.

    Do: make samples as long as the dependence that is to be learnt (the gradient
    window), and carry state over more than that if you like.
    """

    def derivative(model, *batches):
        with tf.GradientTape() as tape:
            for batch in batches:
                prediction = model(batch)
        return tape.gradient(prediction, model.layers[0].cell.kernel).numpy().item()

    assert derivative(adder(timesteps=2), samples([3, 2])) == 5
    assert derivative(adder(timesteps=1), samples(3), samples(2)) == 2


def test_predict_takes_a_batch_of_another_size():
    """A stateful model refuses a batch of another size than its own.

    Source: keras#21183, keras#21742, which brought the check.

    In part: a call does; `predict` does not. One row gives two predictions, from the
    states of both lanes, and changes both.

    Do: keep to the batch size, or build a model of another one with the same weights.
    """
    model = adder(batch_size=2)
    assert predict(model, samples(1, 10), batch_size=2) == [1, 10]
    with pytest.raises(ValueError, match="Expected batch size: 2"):
        model(samples(5))
    assert predict(model, samples(5), batch_size=1) == [6, 15]
    assert state(model) == [6, 15]


def test_validation_split_leaves_a_batch_that_is_not_full():
    """`validation_split` leaves whole batches to a stateful model.

    Source: keras#1853, keras#1561, rstudio/keras3#1189.

    No: it takes the last samples, however many they are. 2 of 5 leave three samples
    to train in batches of 2, and the third is spread over both lanes.

    Do: cut the validation set yourself, by whole sequences, and pass it as
    `validation_data`.
    """
    x = samples(1, 10, 100, 1000, 10000)
    log = HookLog("on_test_begin")
    frozen(adder(batch_size=2)).fit(
        x,
        targets(x),
        batch_size=2,
        validation_split=0.4,
        shuffle=False,
        callbacks=[log],
        verbose=0,
    )
    assert log.calls == [("on_test_begin", 101, 110)]


def test_no_command_begins_with_zeros():
    """`fit`, `evaluate` and `predict` begin with a state of zeros.

    Source: keras#2849, keras#4756, keras#10231, where people ask.

    No: each goes on from whatever was run before, `fit` from epoch to epoch, and
    `predict_on_batch` and plain calls as well. The same sample is
    predicted otherwise the second time.

    Do: reset before each of them, or pass each a `ResetStates`.
    """
    model = frozen(adder())
    assert predict(model, samples(1)) == [1]
    assert predict(model, samples(1)) == [2]
    assert model.predict_on_batch(samples(1)).item() == 3
    assert model(samples(1)).numpy().item() == 4
    model.fit(samples(10), targets(samples(10)), batch_size=1, epochs=2, verbose=0)
    assert state(model) == [24]


def test_validation_and_training_share_their_state():
    """Validation begins with zeros, and training goes on with its own state.

    Source: keras#4185, keras#2661; the post advises to validate by hand.

    No: it leaks both ways. Two epochs train on 1 and 2 and validate on 10. Validation
    begins at 3, where training stopped; the second epoch begins at 13.

    Do: pass a `ResetStates` to `fit`.
    """
    log = HookLog("on_epoch_begin", "on_test_begin")
    frozen(adder()).fit(
        samples(1, 2),
        np.zeros((2, 1)),
        batch_size=1,
        epochs=2,
        shuffle=False,
        validation_data=(samples(10), np.zeros((1, 1))),
        callbacks=[log],
        verbose=0,
    )
    assert log.calls == [
        ("on_epoch_begin", 0),
        ("on_test_begin", 3),
        ("on_epoch_begin", 13),
        ("on_test_begin", 16),
    ]


def test_evaluate_twice_is_two_losses():
    """`evaluate` on the same data gives the same loss.

    Source: taken for granted in most scripts.

    No: the second begins with the state that the first has left. Squared, 1 and then 2.

    Do: reset before it.
    """
    model = frozen(adder())
    x = samples(1)
    losses = [model.evaluate(x, targets(x), batch_size=1, verbose=0) for _ in range(2)]
    assert losses == [1, 4]


def test_hooks_skip_batches_with_steps_per_execution():
    """`on_train_batch_begin` is called before each batch.

    Source: Keras's own name for it; the post's callback relies on it.

    No: with `steps_per_execution=4` it is called once for four of them. A callback that
    counts calls then resets after 8 batches where 2 were meant. Here the second call
    comes after 0 + 1 + 2 + 3.

    Do: leave `steps_per_execution` at 1 with hooks that reset. `ResetStates` requires
    it.
    """
    x = samples(*range(8))
    log = HookLog("on_train_batch_begin")
    frozen(adder(), steps_per_execution=4).fit(
        x, targets(x), batch_size=1, shuffle=False, callbacks=[log], verbose=0
    )
    assert log.calls == [("on_train_batch_begin", 0), ("on_train_batch_begin", 6)]


def test_weights_know_no_batch_size():
    """A model that was trained in batches of 2 can predict in batches of 1.

    Source: keras#2322, keras#1332, keras#14155, keras#7441, keras#2959, keras#623.

    Yes: with the same weights in another model. They know neither the batch size nor
    whether state is carried.

    Do: `another.set_weights(model.get_weights())`.
    """
    trained, single = adder(batch_size=2), adder(batch_size=1)
    trained.layers[0].cell.kernel.assign([[7.0]])
    single.set_weights(trained.get_weights())
    assert predict(trained, samples(1, 10), batch_size=2) == [7, 70]
    assert predict(single, samples(1, 10)) == [7, 77]


def test_reset_state_takes_no_state():
    """`layer.reset_state(states=...)` sets the state to given values.

    Source: Keras's own documentation, keras#20327; keras#8317.

    No: it has no such argument.

    Do: assign to the variables in `layer.states`.
    """
    model = adder(batch_size=2)
    with pytest.raises(TypeError, match="states"):
        model.layers[0].reset_state(states=[np.ones((2, 1))])
    model.layers[0].states[0].assign([[5], [6]])
    assert predict(model, samples(1, 10), batch_size=2) == [6, 16]


def test_one_lane_alone_can_be_reset():
    """The state of one sample of a batch can be reset, and the others kept.

    Source: keras#2750, keras#11175, keras#5481, keras#4577.

    In part: not by `reset_state`, which is for all of them; by assigning, between
    batches. Within a batch it cannot.

    Do: multiply the state by 0 where a sequence begins, or let `statelab` train, which
    resets each lane where its own sequences begin.
    """
    model = adder(batch_size=2)
    predict(model, samples(1, 10), batch_size=2)
    carried = model.layers[0].states[0]
    carried.assign(carried * [[0], [1]])
    assert predict(model, samples(2, 20), batch_size=2) == [2, 30]


def test_a_loop_over_layers_misses_nested_models():
    """`for layer in model.layers: if hasattr(layer, "reset_state")` resets everything.

    Source: tf-keras#61, keras#17440, MITDeepLearning/introtodeeplearning#174.

    No: of a model within a model it finds nothing, and says nothing.

    Do: call `statelab.callbacks.reset_states(model)`.
    """
    inner = adder()
    outer = keras.Sequential([keras.Input((1, 1), batch_size=1), inner])
    predict(outer, samples(1, 2))
    for layer in outer.layers:
        if hasattr(layer, "reset_state"):
            layer.reset_state()
    assert state(inner) == [3]


def test_lookup_layers_have_a_reset_state_of_another_kind():
    """Whatever has a `reset_state` carries state from batch to batch.

    Source: the loop of tf-keras#61, which calls every one.

    No: vocabularies and bins have one too. It drops what has been counted, and a
    vocabulary that is still being counted loses its words. Of a layer that has been
    adapted nothing is lost.

    Do: reset recurrent layers alone; `statelab.callbacks.reset_states(model)` does.
    """
    adapted = keras.layers.StringLookup()
    adapted.adapt(np.array(["b", "a", "b"]))
    adapted.reset_state()
    assert adapted.get_vocabulary() == ["[UNK]", "b", "a"]
    counting = keras.layers.StringLookup()
    counting.update_state(np.array(["b", "a", "b"]))
    counting.reset_state()
    counting.finalize_state()
    assert counting.get_vocabulary() == ["[UNK]"]


def test_a_backward_layer_cannot_carry_state():
    """A Bidirectional layer can carry its state from batch to batch.

    Source: tensorflow/tensorflow#38403, tf-keras#61, where people try.

    In part: both halves carry, and `reset_state` resets both, but what the backward
    half carries is of no use: it reads 8 and 4, and adds the 1 + 2 of the past, where
    the future should have come.

    Do: no state with Bidirectional layers; give them whole sequences.
    """
    both = keras.layers.Bidirectional(adder(timesteps=2).layers[0])
    model = keras.Sequential([keras.Input((2, 1), batch_size=1), both])
    forward_backward = model.predict(samples([1, 2], [4, 8]), batch_size=1, verbose=0)
    assert forward_backward.tolist() == [[3, 3], [15, 15]]
    both.reset_state()
    assert model.predict(samples([4, 8]), verbose=0).tolist() == [[12, 12]]


def test_a_layer_of_several_cells_cannot_be_reset():
    """Every stateful layer of Keras has a `reset_state` that works.

    Source: Keras's own documentation of `RNN`; tensorflow/tensorflow#28614, of the same
    layer.

    No: `RNN` with a list of cells carries state, and its `reset_state` raises
    an AttributeError.

    Do: one layer for each cell, or `statelab.callbacks.reset_states(model)`.
    """
    cells = [keras.layers.LSTMCell(2), keras.layers.GRUCell(3)]
    layer = keras.layers.RNN(cells, stateful=True)
    keras.Sequential([keras.Input((1, 1), batch_size=2), layer])
    with pytest.raises(AttributeError, match="assign"):
        layer.reset_state()


def test_a_keras_file_holds_no_state(tmp_path):
    """A `.keras` file keeps the state with the weights.

    Source: keras#4379, keras#4410, keras#1947, keras#2181, keras#7024.

    No: weights come back, and state comes back as zeros.

    Do: save `layer.states` beside the weights, or feed what came before once more.
    """
    model = adder()
    assert predict(model, samples(3)) == [3]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert predict(model, samples(1)) == [4]
    assert predict(loaded, samples(1)) == [1]


def test_chunks_with_carried_state_predict_what_the_sequence_at_once_does():
    """Predictions of a sequence in chunks, state carried, are those of the whole.

    Source: keras#7224, keras#8198, keras#15232, where losses of the two are compared.

    Yes: they are the same to rounding. Training is not: no gradient flows from chunk
    to chunk, and there are more updates.

    Do: use it as a test of your own set-up: reset, predict both, compare.
    """
    keras.utils.set_random_seed(3)
    layers = [
        keras.layers.LSTM(3, return_sequences=True, stateful=True),
        keras.layers.LSTM(3, return_sequences=True),
    ]
    in_chunks, at_once = (
        keras.Sequential([keras.Input((timesteps, 1), batch_size=1), layer])
        for timesteps, layer in zip((2, 6), layers, strict=True)
    )
    at_once.set_weights(in_chunks.get_weights())
    x = samples([1, -2], [3, 0.5], [-1, 2])
    np.testing.assert_allclose(
        predict(in_chunks, x), predict(at_once, x.reshape(1, 6, 1)), rtol=1e-5
    )


def test_the_loss_that_fit_shows_is_of_weights_that_move():
    """The loss that `fit` shows is that of the trained weights.

    Source: keras#3326, where `fit` said 902 and `evaluate` 3694.

    No: it is the mean over batches, each before its own update. The first of two equal
    samples has a loss of 1, and after its update the second one has 0: `fit` says 0.5.
    With a batch of 1 it may also be too low, as weights follow the last few labels.

    Do: `evaluate` on the training set, with a fresh state.
    """
    model = adder(stateful=False, use_bias=False)
    model.layers[0].cell.kernel.assign([[0.0]])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    x, y = samples(1, 1), np.ones((2, 1))
    history = model.fit(x, y, batch_size=1, verbose=0).history
    assert history["loss"] == [0.5]
    assert model.evaluate(x, y, batch_size=1, verbose=0) == 0


def test_segments_one_after_another_do_not_follow_each_other_in_batches():
    """The segments of a sequence, one after another in an array, go on from each other.

    Source: keras#1870, tensorflow/tensorflow#40067, keras-preprocessing#251, Stack
    Overflow 58276337.

    No: only in batches of 1. In batches of 2 the second segment is in another lane, and
    the third goes on from the first: 1 + 4 where 1 + 2 + 4 was meant.

    Do: order samples by time first and sequence second, so that batch k holds segment k
    of each sequence.
    """
    x = samples(1, 2, 4, 8)
    assert predict(adder(batch_size=1), x) == [1, 3, 7, 15]
    assert predict(adder(batch_size=2), x, batch_size=2) == [1, 2, 5, 10]
    two = samples([1, 2, 4], [10, 20, 40])  # two sequences of three segments
    by_time = two.transpose(1, 0, 2).reshape(6, 1, 1)
    predictions = predict(adder(batch_size=2), by_time, batch_size=2)
    assert predictions == [1, 10, 3, 30, 7, 70]


def test_masked_steps_leave_state_as_it_is():
    """Masked steps at the end of a sample leave the state as it was.

    Source: keras#11175, keras#5481, where sequences of different lengths share a batch.

    Yes: exactly, and a sample that is masked altogether leaves it as well.

    Do: pad sequences of different lengths on the right, with a value that none has,
    below `keras.layers.Masking`.
    """
    layer = adder(timesteps=3, batch_size=2).layers[0]
    model = keras.Sequential(
        [keras.Input((3, 1), batch_size=2), keras.layers.Masking(-9.0), layer]
    )
    model.predict(samples([1, 2, -9], [10, 20, 40]), batch_size=2, verbose=0)
    assert layer.states[0].numpy().ravel().tolist() == [3, 70]
    model.predict(samples([4, 8, -9], [-9, -9, -9]), batch_size=2, verbose=0)
    assert layer.states[0].numpy().ravel().tolist() == [15, 70]


def test_an_lstm_is_not_compiled_by_xla_by_default():
    """`jit_compile="auto"` lets XLA compile an LSTM.

    Source: Keras's own documentation of `compile`.

    No: not on a machine without a GPU, and on one with it not where an LSTM may use
    cuDNN. With `jit_compile=True` it does.

    Do: say `jit_compile=True`, and on a GPU `use_cudnn=False` too.
    """
    model = keras.Sequential([keras.Input((2, 1)), keras.layers.LSTM(1)])
    model.compile("sgd", "mse")
    assert model.jit_compile is False
    model.compile("sgd", "mse", jit_compile=True)
    assert model.jit_compile is True
    assert model.predict(samples([1, 2]), verbose=0).shape == (1, 1)


def test_the_page_is_what_these_tests_give():
    """What docs/traps.md says is what holds in the installed Keras, as tested above."""
    page = (REPOSITORY / "docs" / "traps.md").read_text()
    assert page == traps_page.page(traps_page.claims()), "`make traps` writes it anew"


def test_a_claim_that_does_not_hold_any_more_is_marked():
    claims = traps_page.claims()
    page = traps_page.page(claims, changed={claims[3].test})
    row = next(line for line in page.splitlines() if f"[{claims[3].says[:-1]}]" in line)
    assert row.endswith("| **has changed** |")
    assert f"`{claims[3].test}` fails." in " ".join(page.split())
