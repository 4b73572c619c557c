"""Pairs of a Keras model and the arrays of its DATA.npz, as users would bring them.

Each function returns (model, arrays): `x` [n, timesteps, features], `y`, and where the
user has them `sequence_id` [n], `x_val`, `y_val`. Rows of `x` are fed in order, at the
batch size of the model; rows of one sequence follow each other in time.
"""

import keras
import numpy as np
from keras import layers, ops

WINDOW = 8


# ---- broken


def series_in_naive_order():
    """One series, cut one segment after another, in batches of four."""
    keras.utils.set_random_seed(1)
    series = np.random.default_rng(1).normal(size=24 * 5 + 1).cumsum() / 5
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(4, 5, 1)),
            layers.LSTM(6, stateful=True, return_sequences=True),
            layers.Dense(1),
        ]
    )
    x, y = series[:-1].reshape(24, 5, 1), series[1:].reshape(24, 5, 1)
    return model, {"x": x, "y": y, "sequence_id": np.zeros(24, int)}


def sequences_in_blocks():
    """Four sequences of six segments, sorted by sequence, in batches of four."""
    keras.utils.set_random_seed(2)
    x = np.random.default_rng(2).uniform(size=(4, 6, 5, 2))
    y = np.cumsum(x.sum(axis=(2, 3)), axis=1)
    inputs = keras.Input(batch_shape=(4, 5, 2))
    outputs = layers.Dense(1)(layers.GRU(7, stateful=True)(inputs))
    return keras.Model(inputs, outputs), {
        "x": x.reshape(24, 5, 2).astype("float32"),
        "y": y.reshape(24, 1).astype("float32"),
        "sequence_id": np.repeat([11, 12, 13, 14], 6),
    }


def sequences_one_after_another():
    """Batch 1: five sequences of different length go through the only lane."""
    keras.utils.set_random_seed(3)
    lengths = [4, 2, 6, 3, 5]
    x = np.random.default_rng(3).normal(size=(sum(lengths), 3, 1)).astype("float32")
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(1, 3, 1)),
            layers.LSTM(5, stateful=True, return_sequences=True),
            layers.SimpleRNN(4, stateful=True),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    y = (x.sum(axis=1) > 0).astype("float32")
    return model, {"x": x, "y": y, "sequence_id": np.repeat(np.arange(5), lengths)}


def whole_sequences_nested():
    """A row is a whole sequence; a stateful GRU, one level down, carries state on."""
    keras.utils.set_random_seed(4)
    x = np.random.default_rng(4).normal(size=(24, 10, 2)).astype("float32")
    encoder = keras.Sequential(
        [layers.Input(batch_shape=(8, 10, 2)), layers.GRU(6, stateful=True)]
    )
    model = keras.Sequential([encoder, layers.Dense(4, activation="relu")])
    model.add(layers.Dense(1))
    return model, {"x": x, "y": x[:, :, 0].max(1), "sequence_id": np.arange(24)}


def whole_sequences_bidirectional():
    """A stateful Bidirectional on rows that are sequences of their own."""
    keras.utils.set_random_seed(5)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(15, 7, 1)).astype("float32")
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(3, 7, 1)),
            layers.Bidirectional(layers.LSTM(4, stateful=True)),
            layers.Dense(1),
        ]
    )
    return model, {"x": x, "y": x.mean(axis=1), "sequence_id": rng.permutation(15)}


def one_row_left_over():
    """Four lanes; sequence 0 has a segment more than the others, alone in its batch."""
    keras.utils.set_random_seed(6)
    x = np.random.default_rng(6).normal(size=(9, 6, 1)).astype("float32")
    model = keras.Sequential(
        [layers.Input(batch_shape=(4, 6, 1)), layers.GRU(5, stateful=True)]
    )
    model.add(layers.Dense(1))
    ids = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0])
    return model, {"x": x, "y": x[:, -1], "sequence_id": ids}


def centred_by_batch():
    """Stateless, but the mean over the batch is taken off inside the model."""
    keras.utils.set_random_seed(7)
    x = 3 + np.random.default_rng(7).normal(size=(40, 9, 2)).cumsum(axis=1)
    inputs = keras.Input((9, 2))
    centred = inputs - ops.mean(inputs, axis=0, keepdims=True)
    outputs = layers.Dense(1)(layers.LSTM(6)(centred))
    return keras.Model(inputs, outputs), {
        "x": x.astype("float32"),
        "y": x[:, -1, :1],
        "sequence_id": np.arange(40),
    }


def time_major():
    """Ported from PyTorch: time is put first, so the LSTM runs along the batch."""
    keras.utils.set_random_seed(8)
    x = np.random.default_rng(8).normal(size=(30, 6, 1)).astype("float32")
    inputs = keras.Input((6, 1))
    h = ops.transpose(inputs, (1, 0, 2))  # [T, B, F]
    h = layers.LSTM(5, return_sequences=True)(h)
    h = ops.transpose(h, (1, 0, 2))  # [B, T, units]
    model = keras.Model(inputs, layers.Dense(1)(h))
    return model, {"x": x, "y": np.cumsum(x, axis=1), "sequence_id": np.arange(30)}


def _windows(part, stride=1):
    """[steps] -> windows [n, WINDOW, 1] and the value that follows each [n, 1]."""
    w = np.lib.stride_tricks.sliding_window_view(part, WINDOW + 1)[::stride]
    return w[:, :-1, None].astype("float32"), w[:, -1:].astype("float32")


def _stateless(cell):
    return keras.Sequential([layers.Input((WINDOW, 1)), cell, layers.Dense(1)])


def windows_split_at_random():
    """Windows of stride 1 are dealt to training and validation at random."""
    keras.utils.set_random_seed(9)
    rng = np.random.default_rng(9)
    x, y = _windows(rng.normal(size=208).cumsum())
    order = rng.permutation(len(x))
    train, val = order[:160], order[160:]
    return _stateless(layers.LSTM(6)), {
        "x": x[train],
        "y": y[train],
        "x_val": x[val],
        "y_val": y[val],
    }


def windows_split_at_the_end():
    """The last fifth of windows of stride 1: the first of them reach into training."""
    keras.utils.set_random_seed(10)
    x, y = _windows(np.random.default_rng(10).normal(size=158).cumsum())
    cell = layers.Bidirectional(layers.GRU(4))
    return _stateless(cell), {
        "x": x[:120],
        "y": y[:120],
        "x_val": x[120:],
        "y_val": y[120:],
    }


def minmax_on_everything():
    """Scaled to 0..1 over all steps, and the largest ones are validation's."""
    keras.utils.set_random_seed(11)
    trend = np.linspace(0, 10, 288) + np.random.default_rng(11).normal(size=288)
    scaled = (trend - trend.min()) / (trend.max() - trend.min())
    x = scaled.reshape(-1, WINDOW, 1)
    y = x.mean(axis=1)
    return _stateless(layers.LSTM(4)), {
        "x": x[:27],
        "y": y[:27],
        "x_val": x[27:],
        "y_val": y[27:],
    }


def standardised_on_everything():
    """Mean 0 and deviation 1 hold for both parts together, for neither alone."""
    keras.utils.set_random_seed(12)
    rng = np.random.default_rng(12)
    x = rng.normal(size=(60, 10, 2)) + np.linspace(0, 4, 60)[:, None, None]
    x = (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1))
    y = x[:, :, 0].mean(axis=1)
    model = keras.Sequential(
        [layers.Input((10, 2)), layers.SimpleRNN(5), layers.Dense(1)]
    )
    return model, {"x": x[:45], "y": y[:45], "x_val": x[45:], "y_val": y[45:]}


def alternating_labels():
    """Equal sequences, labels 1, 0, 1, 0; the state left over tells which it is.

    One tanh unit: h = tanh(x - 10 h_before) from 0 goes 0.76, -1.00, 1.00, -1.00.
    """
    rnn = layers.SimpleRNN(1, stateful=True)
    head = layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([layers.Input(batch_shape=(1, 1, 1)), rnn, head])
    rnn.set_weights([np.array([[1.0]]), np.array([[-10.0]]), np.array([0.0])])
    head.set_weights([np.array([[8.0]]), np.array([0.0])])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model, {
        "x": np.ones((20, 1, 1), "float32"),
        "y": (np.arange(20) % 2 == 0).astype("float32")[:, None],
        "sequence_id": np.arange(20),
    }


BROKEN = {
    "series_in_naive_order": (series_in_naive_order, {"contiguity"}),
    "sequences_in_blocks": (sequences_in_blocks, {"contiguity", "boundary", "order"}),
    "sequences_one_after_another": (sequences_one_after_another, {"boundary", "order"}),
    "whole_sequences_nested": (whole_sequences_nested, {"boundary", "order"}),
    "whole_sequences_bidirectional": (
        whole_sequences_bidirectional,
        {"boundary", "order"},
    ),
    "one_row_left_over": (one_row_left_over, {"batch_size"}),
    "centred_by_batch": (centred_by_batch, {"batch_size", "boundary", "order"}),
    "time_major": (time_major, {"batch_size", "boundary", "order"}),
    "windows_split_at_random": (windows_split_at_random, {"overlap"}),
    "windows_split_at_the_end": (windows_split_at_the_end, {"overlap"}),
    "minmax_on_everything": (minmax_on_everything, {"scaling"}),
    "standardised_on_everything": (standardised_on_everything, {"scaling"}),
    "alternating_labels": (alternating_labels, {"ceiling", "boundary", "order"}),
}


# ---- sound


def a_lane_for_each_sequence():
    """Four sequences of six segments, each in a lane of its own from first to last."""
    keras.utils.set_random_seed(21)
    x = np.random.default_rng(21).uniform(size=(6, 4, 5, 2)).astype("float32")
    y = np.cumsum(x.sum(axis=(2, 3)), axis=0)
    inputs = keras.Input(batch_shape=(4, 5, 2))
    outputs = layers.Dense(1)(layers.LSTM(7, stateful=True)(inputs))
    return keras.Model(inputs, outputs), {
        "x": x.reshape(24, 5, 2),
        "y": y.reshape(24, 1),
        "sequence_id": np.tile([11, 12, 13, 14], 6),
    }


def one_series_in_one_lane():
    """Batch 1 and one series, segment by segment."""
    keras.utils.set_random_seed(22)
    series = np.sin(np.arange(20 * 4 + 1) / 3)
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(1, 4, 1)),
            layers.SimpleRNN(5, stateful=True, return_sequences=True),
            layers.Dense(1),
        ]
    )
    x, y = series[:-1].reshape(20, 4, 1), series[1:].reshape(20, 4, 1)
    return model, {"x": x, "y": y, "sequence_id": np.zeros(20, int)}


def windows_split_before():
    """The series is split in time and then windowed; the gap is a whole window."""
    keras.utils.set_random_seed(23)
    series = np.random.default_rng(23).normal(size=220).cumsum()
    x, y = _windows(series[:160])
    x_val, y_val = _windows(series[160 + WINDOW :])
    return _stateless(layers.GRU(6)), {
        "x": x,
        "y": y,
        "x_val": x_val,
        "y_val": y_val,
    }


def ragged_and_masked():
    """Stateless on padded sequences of 3 to 12 steps, validation of other sequences."""
    keras.utils.set_random_seed(24)
    rng = np.random.default_rng(24)
    rows = [rng.normal(size=(rng.integers(3, 13), 2)) for _ in range(50)]
    x = keras.utils.pad_sequences(rows, 12, "float32", padding="post")
    y = np.array([[r[-1, 0] > 0] for r in rows]).astype("float32")
    model = keras.Sequential(
        [
            layers.Input((12, 2)),
            layers.Masking(),
            layers.LSTM(6),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    return model, {
        "x": x[:40],
        "y": y[:40],
        "sequence_id": np.arange(40),
        "x_val": x[40:],
        "y_val": y[40:],
    }


def bidirectional_in_a_nested_model():
    """Stateless and bidirectional, one level down; ten rows are no multiple of 4."""
    keras.utils.set_random_seed(25)
    x = np.random.default_rng(25).normal(size=(10, 7, 1)).astype("float32")
    encoder = keras.Sequential(
        [
            layers.Input((7, 1)),
            layers.Bidirectional(layers.GRU(4, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(3)),
        ]
    )
    model = keras.Sequential([encoder, layers.Dropout(0.3), layers.Dense(1)])
    return model, {"x": x, "y": x.max(axis=1)}


def masked_lanes_end_early():
    """Three stays in three lanes; two end early and their last rows are padding."""
    keras.utils.set_random_seed(26)
    rng = np.random.default_rng(26)
    stays = [rng.normal(size=(n, 1)) for n in (20, 11, 6)]
    x = keras.utils.pad_sequences(stays, 20, "float32", padding="post", value=-9.0)
    model = keras.Sequential(
        [
            layers.Input(batch_shape=(3, 4, 1)),
            layers.Masking(-9.0),
            layers.GRU(6, stateful=True),
            layers.Dense(1),
        ]
    )
    return model, {
        "x": x.reshape(3, 5, 4, 1).swapaxes(0, 1).reshape(15, 4, 1),
        "y": np.tile([[s.mean()] for s in stays], (5, 1)),
        "sequence_id": np.tile([0, 1, 2], 5),
    }


def coin_flips():
    """Rows of five coin flips: many are equal in training and validation, by chance."""
    keras.utils.set_random_seed(27)
    x = np.random.default_rng(27).integers(0, 2, size=(120, 5, 1)).astype("float32")
    y = x.sum(axis=1) % 2
    model = keras.Sequential(
        [layers.Input((5, 1)), layers.LSTM(6), layers.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x[:90], y[:90], epochs=3, verbose=0)
    return model, {"x": x[:90], "y": y[:90], "x_val": x[90:], "y_val": y[90:]}


def minmax_on_training():
    """Scaled to 0..1 by the training part; the trend takes validation beyond 1."""
    keras.utils.set_random_seed(28)
    trend = np.linspace(0, 10, 288) + np.random.default_rng(28).normal(size=288)
    low, high = trend[:216].min(), trend[:216].max()
    scaled = ((trend - low) / (high - low)).reshape(-1, 9)
    return _stateless(layers.LSTM(4)), {
        "x": scaled[:24, :-1, None],
        "y": scaled[:24, -1:],
        "x_val": scaled[24:, :-1, None],
        "y_val": scaled[24:, -1:],
    }


def minmax_with_quiet_validation():
    """Scaled by the training part, and validation happens to stay well inside."""
    keras.utils.set_random_seed(29)
    rng = np.random.default_rng(29)
    x = rng.normal(size=(70, 6, 1))
    x[50:] *= 0.3
    low, high = x[:50].min(), x[:50].max()
    x = (x - low) / (high - low)
    y = x.mean(axis=1)
    model = keras.Sequential([layers.Input((6, 1)), layers.GRU(5), layers.Dense(1)])
    return model, {"x": x[:50], "y": y[:50], "x_val": x[50:], "y_val": y[50:]}


def nested_stack_in_lanes():
    """GRU and SimpleRNN in a nested model; validation has lanes of its own."""
    keras.utils.set_random_seed(30)
    x = np.random.default_rng(30).normal(size=(2, 7, 5, 3, 1)).astype("float32")
    y = np.cumsum(x.sum(axis=(3, 4)), axis=1)
    stack = keras.Sequential(
        [
            layers.Input(batch_shape=(5, 3, 1)),
            layers.GRU(6, stateful=True, return_sequences=True),
            layers.SimpleRNN(4, stateful=True),
        ]
    )
    return keras.Sequential([stack, layers.Dense(1)]), {
        "x": x[0].reshape(35, 3, 1),
        "y": y[0].reshape(35, 1),
        "sequence_id": np.tile(np.arange(5), 7),
        "x_val": x[1].reshape(35, 3, 1),
        "y_val": y[1].reshape(35, 1),
    }


def blocks_for_a_stateless_model():
    """Sequences in blocks, in any order: a stateless model does not mind."""
    keras.utils.set_random_seed(31)
    x = np.random.default_rng(31).normal(size=(18, 6, 2)).astype("float32")
    inputs = keras.Input((6, 2))
    h = layers.LSTM(5, return_sequences=True)(inputs)
    h = layers.LayerNormalization()(h)
    outputs = layers.Dense(1)(layers.LSTM(4)(h))
    ids = np.repeat([3, 1, 2], 6)
    return keras.Model(inputs, outputs), {"x": x, "y": x[:, -1, :1], "sequence_id": ids}


def period_of_one_window():
    """A period of 8 steps: windows coincide, and no time step is in both parts."""
    keras.utils.set_random_seed(32)
    series = np.tile([0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5], 40)
    x, y = _windows(series[:240])
    x_val, y_val = _windows(series[240:])
    return _stateless(layers.SimpleRNN(6)), {
        "x": x,
        "y": y,
        "x_val": x_val,
        "y_val": y_val,
    }


SOUND = {
    "a_lane_for_each_sequence": a_lane_for_each_sequence,
    "one_series_in_one_lane": one_series_in_one_lane,
    "windows_split_before": windows_split_before,
    "ragged_and_masked": ragged_and_masked,
    "bidirectional_in_a_nested_model": bidirectional_in_a_nested_model,
    "masked_lanes_end_early": masked_lanes_end_early,
    "coin_flips": coin_flips,
    "minmax_on_training": minmax_on_training,
    "minmax_with_quiet_validation": minmax_with_quiet_validation,
    "nested_stack_in_lanes": nested_stack_in_lanes,
    "blocks_for_a_stateless_model": blocks_for_a_stateless_model,
    "period_of_one_window": period_of_one_window,
}
