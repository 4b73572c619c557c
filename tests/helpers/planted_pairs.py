"""Pairs of a Keras model and data as users make them, with a fault or without."""

import keras
import numpy as np
from keras import layers


def _rng():
    return np.random.default_rng(5)


def _stateful(lanes, timesteps, features=1, cell=layers.LSTM, **options):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input(batch_shape=(lanes, timesteps, features)),
            cell(4, stateful=True, **options),
            layers.Dense(1),
        ]
    )


def _stateless(timesteps, features=1, cell=layers.LSTM, **options):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((timesteps, features)),
            cell(4, **options),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def _data(x, sequence_id=None, **more):
    held = {"x": np.asarray(x, np.float32), "y": np.zeros(len(x), np.float32), **more}
    return held if sequence_id is None else held | {"sequence_id": sequence_id}


def _walk(steps, features=1):
    return np.cumsum(_rng().normal(size=(steps, features)), axis=0).astype(np.float32)


def _windows(series, length, stride=1):
    begins = range(0, len(series) - length + 1, stride)
    return np.stack([series[begin : begin + length] for begin in begins])


def _in_lanes(series, lanes, timesteps):
    """Cut a series into as many stretches as lanes, each along its lane."""
    pieces = series.reshape(lanes, -1, timesteps, series.shape[-1])
    return pieces.swapaxes(0, 1).reshape(-1, timesteps, series.shape[-1])


# Faults.


def pieces_of_each_sequence_one_after_another_in_batches_of_two():
    x = _rng().normal(size=(8, 3, 1))
    return _stateful(2, 3), _data(x, np.repeat([7, 4], 4))


def one_series_in_pieces_several_at_once():
    wave = np.sin(np.arange(240) * 0.13)[:, None]
    return _stateful(4, 5), _data(wave.reshape(48, 5, 1))


def one_sequence_with_its_pieces_shuffled():
    wave = np.sin(np.arange(400) * 0.07)[:, None].reshape(40, 10, 1)
    return _stateful(1, 10), _data(_rng().permutation(wave), np.zeros(40, int))


def rows_of_sequences_shuffled():
    order = _rng().permutation(12)
    x, ids = _rng().normal(size=(12, 3, 2)), np.repeat([0, 1, 2], 4)
    return _stateful(1, 3, 2, layers.GRU), _data(x[order], ids[order])


def windows_that_overlap_with_carried_state():
    return _stateful(1, 6), _data(_windows(_walk(40), 6))


def windows_of_symbols_that_overlap_in_one_sequence():
    series = _rng().integers(0, 2, size=(60, 1))
    return _stateful(1, 8), _data(_windows(series, 8), np.zeros(53, int))


def bidirectional_with_carried_state():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(2, 5, 1)),
            layers.Bidirectional(layers.LSTM(3, stateful=True)),
            layers.Dense(1),
        ]
    )
    return model, _data(_rng().normal(size=(8, 5, 1)), np.tile([0, 1], 4))


def one_sequence_after_another_and_no_reset():
    x = _rng().normal(size=(9, 4, 1))
    model = _stateful(1, 4, cell=layers.SimpleRNN)
    return model, _data(x, np.repeat([2, 0, 1], [2, 3, 4]))


def two_sequences_after_two_others_in_their_lanes():
    x = _rng().normal(size=(8, 4, 2))
    ids = np.array([0, 1, 0, 1, 2, 3, 2, 3])
    return _stateful(2, 4, 2), _data(x, ids)


def whole_sequences_in_two_batches():
    return _stateful(3, 7), _data(_rng().normal(size=(6, 7, 1)), np.arange(6))


def nested_with_a_sequence_after_another():
    keras.utils.set_random_seed(3)
    inner = keras.Sequential(
        [keras.Input(batch_shape=(1, 4, 1)), layers.GRU(3, stateful=True)]
    )
    model = keras.Sequential(
        [keras.Input(batch_shape=(1, 4, 1)), inner, layers.Dense(1)]
    )
    x = _rng().normal(size=(6, 4, 1))
    return model, _data(x, np.repeat([0, 1], 3))


def rows_that_are_no_whole_batches():
    return _stateful(2, 4), _data(_walk(28).reshape(7, 4, 1)[:, ::-1] * 9)


def validation_rows_that_are_no_whole_batches():
    x = _in_lanes(_walk(120), 4, 5)
    return _stateful(4, 5), _data(x, x_val=_rng().normal(size=(6, 5, 1)))


def windows_shuffled_and_then_split():
    x = _rng().permutation(_windows(_walk(200, 2), 9))
    return _stateless(9, 2), _data(x[:150], x_val=x[150:])


def windows_split_in_time_but_not_apart():
    x = _windows(_walk(150), 10)
    return _stateless(10), _data(x[:100], x_val=x[100:])


def ragged_sequences_that_train_and_validate():
    x = _rng().normal(size=(30, 12, 2))
    for row, steps in enumerate(_rng().integers(5, 12, size=30)):
        x[row, steps:] = 0
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((12, 2)), layers.Masking(), layers.LSTM(3), layers.Dense(1)]
    )
    return model, _data(x[:24], x_val=x[20:].astype(np.float32))


def standardised_with_validation():
    x = _walk(600, 2)
    x = ((x - x.mean(axis=0)) / x.std(axis=0)).reshape(60, 10, 2)
    return _stateless(10, 2), _data(x[:45], x_val=x[45:])


def windows_of_a_series_that_was_standardised_whole():
    x = _walk(300)
    x = (x - x.mean()) / x.std()
    train, validation = _windows(x[:200], 8), _windows(x[200:], 8)
    return _stateless(8), _data(train, x_val=validation)


def min_and_max_of_validation():
    x = _walk(500)
    x = ((x - x.min()) / (x.max() - x.min())).reshape(50, 10, 1)
    return _stateless(10), _data(x[:20], x_val=x[20:])


def validation_standardised_by_itself():
    x = _walk(500)
    train, validation = ((p - p.mean()) / p.std() for p in (x[:300], x[300:]))
    return _stateless(10), _data(
        train.reshape(30, 10, 1), x_val=validation.reshape(20, 10, 1)
    )


# Sound.


def sequences_each_in_its_lane():
    x = _rng().normal(size=(12, 3, 2))
    return _stateful(4, 3, 2), _data(x, np.tile([9, 2, 5, 7], 3))


def one_series_piece_by_piece():
    return _stateful(1, 5, cell=layers.GRU), _data(_walk(200).reshape(40, 5, 1))


def one_series_cut_into_lanes():
    wave = np.sin(np.arange(480) * 0.05)[:, None]
    return _stateful(4, 6), _data(_in_lanes(wave, 4, 6))


def a_periodic_series_piece_by_piece():
    wave = np.sin(2 * np.pi * (np.arange(500) % 7) / 7)[:, None]
    return _stateful(1, 10), _data(wave.reshape(50, 10, 1), np.zeros(50, int))


def pieces_of_one_step_that_are_mostly_zero():
    x = np.zeros((60, 1, 1))
    x[:3] = [[[1]], [[0]], [[1]]]
    return _stateful(3, 1), _data(x, np.tile([0, 1, 2], 20))


def whole_sequences_in_one_stateful_batch():
    return _stateful(5, 7), _data(_rng().normal(size=(5, 7, 1)), np.arange(5))


def windows_that_overlap_by_rows_but_follow_each_other_in_lanes():
    return _stateful(5, 5), _data(_windows(_walk(84), 5))


def stateful_with_ragged_ends_that_are_masked():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(2, 4, 1)),
            layers.Masking(),
            layers.LSTM(3, stateful=True, return_sequences=True),
            layers.Dense(1),
        ]
    )
    x = _rng().normal(size=(6, 4, 1))
    x[3, 2:] = x[5] = 0  # the second sequence has 6 steps, the first 12
    return model, _data(x, np.tile([0, 1], 3)) | {"y": np.zeros((6, 4))}


def stateful_symbols_embedded():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(2, None)),
            layers.Embedding(6, 3, mask_zero=True),
            layers.LSTM(3, stateful=True),
            layers.Dense(2, activation="softmax"),
        ]
    )
    x = _rng().integers(1, 6, size=(8, 5))
    return model, {
        "x": x,
        "y": x[:, 0] % 2,
        "sequence_id": np.tile(["b", "a"], 4),
    }


def stacked_cells_in_one_layer():
    keras.utils.set_random_seed(3)
    given = keras.Input(batch_shape=(2, 3, 2))
    cells = [layers.LSTMCell(3), layers.GRUCell(2)]
    h = layers.RNN(cells, stateful=True)(layers.TimeDistributed(layers.Dense(2))(given))
    model = keras.Model(given, layers.Dense(1)(h))
    return model, _data(_rng().normal(size=(8, 3, 2)), np.tile([0, 1], 4))


def nested_with_a_sequence_in_each_lane():
    keras.utils.set_random_seed(3)
    inner = keras.Sequential(
        [keras.Input(batch_shape=(2, 4, 1)), layers.LSTM(3, stateful=True)]
    )
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, 4, 1)), inner, layers.Dense(1)]
    )
    return model, _data(_rng().normal(size=(6, 4, 1)), np.tile([0, 1], 3))


def stateless_bidirectional_with_a_split_in_time():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((6, 2)),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(3),
            layers.Dense(1),
        ]
    )
    x = _walk(300, 2)
    x = (x - x[:200].mean(axis=0)) / x[:200].std(axis=0)
    return model, _data(_windows(x[:200], 6), x_val=_windows(x[200:], 6))


def stateless_pieces_of_several_sequences():
    x = _rng().normal(size=(9, 4, 1))
    return _stateless(4), _data(x, np.repeat([0, 1, 2], 3))


def stateless_sequences_of_few_symbols():
    x = _rng().integers(0, 2, size=(80, 6, 1))
    return _stateless(6), _data(x[:60], x_val=x[60:]) | {"y": x[:60, 0, 0]}


def stateless_constant_and_rounded_values():
    x = np.round(_walk(900), 1).reshape(90, 10, 1)
    x[::3] = 0.5
    return _stateless(10, cell=layers.SimpleRNN), _data(x[:70], x_val=x[70:])


def each_row_standardised_by_itself():
    x = _walk(600).reshape(60, 10, 1)
    x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    return _stateless(10), _data(x[:45], x_val=x[45:])


def scaled_by_training_alone():
    x = _walk(500)
    x = ((x - x[:300].min()) / np.ptp(x[:300])).reshape(50, 10, 1)
    return _stateless(10), _data(x[:30], x_val=x[30:])


BROKEN = {
    pieces_of_each_sequence_one_after_another_in_batches_of_two: {
        "contiguity",
        "boundary",
        "order",
    },
    one_series_in_pieces_several_at_once: {"contiguity"},
    one_sequence_with_its_pieces_shuffled: {"contiguity"},
    rows_of_sequences_shuffled: {"contiguity", "boundary", "order"},
    windows_that_overlap_with_carried_state: {"contiguity"},
    windows_of_symbols_that_overlap_in_one_sequence: {"contiguity"},
    bidirectional_with_carried_state: {"contiguity"},
    one_sequence_after_another_and_no_reset: {"boundary", "order"},
    two_sequences_after_two_others_in_their_lanes: {"boundary", "order"},
    whole_sequences_in_two_batches: {"boundary", "order"},
    nested_with_a_sequence_after_another: {"boundary", "order"},
    rows_that_are_no_whole_batches: {"batch_size"},
    validation_rows_that_are_no_whole_batches: {"batch_size"},
    windows_shuffled_and_then_split: {"overlap"},
    windows_split_in_time_but_not_apart: {"overlap"},
    ragged_sequences_that_train_and_validate: {"overlap"},
    standardised_with_validation: {"scaling"},
    windows_of_a_series_that_was_standardised_whole: {"scaling"},
    min_and_max_of_validation: {"scaling"},
    validation_standardised_by_itself: {"scaling"},
}
SOUND = [
    sequences_each_in_its_lane,
    one_series_piece_by_piece,
    one_series_cut_into_lanes,
    a_periodic_series_piece_by_piece,
    pieces_of_one_step_that_are_mostly_zero,
    whole_sequences_in_one_stateful_batch,
    windows_that_overlap_by_rows_but_follow_each_other_in_lanes,
    stateful_with_ragged_ends_that_are_masked,
    stateful_symbols_embedded,
    stacked_cells_in_one_layer,
    nested_with_a_sequence_in_each_lane,
    stateless_bidirectional_with_a_split_in_time,
    stateless_pieces_of_several_sequences,
    stateless_sequences_of_few_symbols,
    stateless_constant_and_rounded_values,
    each_row_standardised_by_itself,
    scaled_by_training_alone,
]
