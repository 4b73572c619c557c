import numpy as np
import pytest

from statelab.diagnosis import array_probes, split_probes
from statelab.diagnosis.array_probes import Lanes

NOT = np.zeros((3, 2), bool)
SEQUENCE = np.array([[0, 1], [0, 1], [2, -1]])
FIRST = np.array([[0, 0], [4, 4], [0, 0]])


def test_lanes_that_go_on_are_sound_and_a_new_sequence_may_begin():
    assert array_probes.contiguity(Lanes(SEQUENCE, FIRST, FIRST + 4, NOT)).passed


@pytest.mark.parametrize(
    "first, where",
    [
        (3, "batch 1, lane 1: reads sequence 1 from step 3, where it had come to step"),
        (6, "batch 1, lane 1: reads sequence 1 from step 6, where it had come to step"),
    ],
)
def test_a_lane_that_goes_back_or_ahead_is_named(first, where):
    moved = FIRST.copy()
    moved[1, 1] = first
    lanes = Lanes(SEQUENCE, moved, FIRST + 4, NOT)
    finding = array_probes.contiguity(lanes)
    assert finding.where == f"{where} 4; 1 of 5 samples are out of place"
    reset = NOT.copy()
    reset[1, 1] = True
    assert array_probes.contiguity(lanes._replace(reset=reset)).passed


def test_state_of_another_sequence_is_named_unless_it_is_reset():
    finding = array_probes.carried_over(Lanes(SEQUENCE, FIRST, FIRST + 4, NOT))
    assert finding is not None and finding.passed is False
    assert finding.where.startswith(
        "batch 2, lane 0, step 0: sequence 2 begins with the state that sequence 0 "
    )
    reset = NOT.copy()
    reset[2, 0] = True
    assert array_probes.carried_over(Lanes(SEQUENCE, FIRST, FIRST + 4, reset)) is None


ROWS = np.float32([[[1], [2]], [[3], [5]], [[4], [7]], [[8], [6]]])


def carried(x):
    """Sum what each row and those before it hold; state is reset before the third."""
    sums = x.sum(axis=(1, 2))
    return np.array([sums[0], sums[0] + sums[1], sums[2], sums[2] + sums[3]])[:, None]


@pytest.mark.parametrize(
    "sequence, where",
    [([5, 5, 9, 9], None), ([5, 5, 9, 3], "row 3"), ([0, 1, 2, 2], "row 1")],
)
def test_the_first_prediction_that_another_sequence_changes_is_named(sequence, where):
    other = array_probes.altered(ROWS)
    finding = array_probes.boundary(
        carried, ROWS, other, np.array(sequence), "row {}".format
    )
    assert finding.passed == (where is None)
    start = f"{where}: the prediction of sequence "
    assert where is None or finding.where.startswith(start)


def test_predictions_that_do_not_follow_their_sequences_are_named():
    swapped = np.array([2, 3, 0, 1])
    before = carried(ROWS)
    sound = array_probes.order(
        before[swapped], carried(ROWS[swapped]), str, "halves swapped"
    )
    assert sound.passed
    turned = np.array([1, 0, 2, 3])
    finding = array_probes.order(
        before[turned], carried(ROWS[turned]), str, "two swapped"
    )
    assert finding.where == "0: another prediction with two swapped; 2 of 4 differ"


def test_predictions_at_another_batch_size_are_compared_and_counted():
    at_2 = np.float32([[0.5], [0.25], [4.0]])
    near = at_2 + np.float32([[0], [0], [1e-6]])
    assert array_probes.batch_size({2: at_2, 3: near}, str).passed
    far = at_2 + [[0], [0.01], [0]]
    finding = array_probes.batch_size({2: at_2, 3: at_2, 1: far}, str)
    assert finding.where == "1: another prediction at batch size 1 than at 2"
    more = np.append(at_2, at_2[:1], axis=0)
    finding = array_probes.batch_size({2: at_2, 1: more}, str)
    assert finding.where == "3 predictions at batch size 2, 4 at 1"


def test_a_stretch_of_training_is_found_in_validation_row_and_step():
    series = np.random.default_rng(2).normal(size=(65, 2))
    x, x_val = series[:45].reshape(9, 5, 2), series[45:].reshape(4, 5, 2).copy()
    assert split_probes.overlap(x, x_val).passed
    x_val[2, 1:4] = x[6, 2:5]
    finding = split_probes.overlap(x, x_val)
    assert finding.where == (
        "`x_val`, row 2, step 1 is `x`, row 6, step 2; 1 of 4 rows share steps with "
        "training"
    )


@pytest.mark.parametrize(
    "series",
    [
        np.arange(90) % 7 * 0.3,  # periodic
        np.full(90, 0.7),
        np.random.default_rng(1).integers(0, 3, 90) * 0.1,
        np.where(np.arange(90) % 15 < 2, np.random.default_rng(4).normal(size=90), 0),
    ],
)
def test_values_that_recur_are_not_taken_for_the_same_steps(series):
    rows = series.reshape(18, 5, 1)
    assert split_probes.overlap(rows[:12], rows[12:]).passed is not False


def test_a_share_that_saturates_has_not_been_scaled():
    rng = np.random.default_rng(0)
    scaled = rng.uniform(size=(400, 1))
    scaled[[7, 90]] = [[0.0], [1.0]]
    assert split_probes.spans(scaled, 0.0) and not split_probes.saturates(scaled)
    clipped = np.clip(rng.normal(0.5, 0.5, (400, 1)), 0, 1)
    assert split_probes.spans(clipped, 0.0) and split_probes.saturates(clipped)
