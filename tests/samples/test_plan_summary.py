import numpy as np
from project_params import training
from small_windows import cut

from statelab.data.sequences import Sequences, at_the_end
from statelab.samples import plan_summary, plans
from statelab.samples.plan_summary import PlanSummary


def sequences(*lengths) -> Sequences:
    offsets = np.append(0, np.cumsum(lengths))
    values = np.zeros((offsets[-1], 1), np.float32)
    return Sequences(values, offsets, np.arange(len(lengths)) % 2)


def test_a_summary_by_hand():
    # 5, 3 and 4 steps in segments of 2: samples of 2 2 1, 2 1 and 2 2 steps; the
    # first two sequences begin together, and the third follows in the second lane
    table = cut([5, 3, 4], layout="per_timestep", segment_length=2)
    task = sequences(5, 3, 4)
    plan = plans.training_plan(table, training("stateful", batch_size=2))
    assert plan_summary.summarize(task, table, plan) == PlanSummary(
        sequences=3,
        samples=7,
        burn_in=0,
        predictions=12,
        timesteps=(1, 2),
        lanes=2,
        batches=4,
        updates=4,
        labelled_steps=12,
        padding=4 / 16,
    )
    # ends are at batch 2 in lane 0, and at batches 1 and 3 in lane 1
    ends = plan_summary.summarize(at_the_end(task), table, plan)
    assert (ends.updates, ends.labelled_steps) == (3, 3)
    # of 12 steps the first two of each sequence do not count: three samples
    late = plan_summary.summarize(task, table, plan, burn_in=2)
    assert (late.updates, late.labelled_steps) == (3, 6)


def test_drawing_shows_lanes_that_go_on_while_others_begin():
    table = cut([5, 3, 4], layout="per_timestep", segment_length=2)
    stateful = plans.training_plan(table, training("stateful", batch_size=2))
    assert plan_summary.drawing(table, stateful, lanes=9, batches=9) == ["Aaa-", "BbCc"]
    assert plan_summary.drawing(table, stateful, lanes=1, batches=2) == ["Aa"]
    stateless = plans.training_plan(table, training("stateless", batch_size=3))
    assert plan_summary.drawing(table, stateless, lanes=3, batches=9) == [
        *("ABC", "AB-", "AC-"),
    ]


def test_in_words_keeps_the_three_lengths_apart():
    summary = PlanSummary(3, 7, 0, 12, (1, 20), 2, 4, 4, 12, 0.125)
    words = plan_summary.in_words(
        summary, training("stateful", reset="every_40", gradient_window=5)
    )
    assert words["steps of a sample"] == "1 to 20"
    assert words["the gradient reaches back"] == "5 steps at most"
    assert words["state is zero at each"] == "sequence, and every 40 steps"
    assert words["padding"] == "12.5%"
    stateless = plan_summary.in_words(summary, training("stateless"))
    assert stateless["state is zero at each"] == "sample"
    assert stateless["the gradient reaches back"] == "20 steps at most"
    short = plan_summary.in_words(summary, training("stateful", gradient_window=1))
    assert short["the gradient reaches back"] == "1 step at most"


def test_places_number_sequences_as_they_appear_and_leave_padding_out():
    table = cut([5, 3, 4], layout="per_timestep", segment_length=2)
    plan = plans.training_plan(table, training("stateful", batch_size=2))
    shown = plan_summary.places(table, plan, lanes=2, batches=9)
    assert shown.sequence.T.tolist() == [[0, 0, 0, -1], [1, 1, 2, 2]]
    assert shown.reset.T.tolist() == [[1, 0, 0, 0], [1, 0, 1, 0]]
    assert shown.length.T.tolist() == [[2, 2, 1, 0], [2, 1, 2, 2]]
    four = cut([1, 1, 1, 1], layout="full")
    plan = plans.training_plan(four, training("stateful", batch_size=3))
    only = plan_summary.places(four, plan, lanes=1, batches=2)
    assert only.sequence.tolist() == [[0], [3]]  # 1 and 2 are in lanes not shown
