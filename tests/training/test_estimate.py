from types import SimpleNamespace

import pytest
from small_trainings import task_and_windows, training

from statelab.training import estimate, sizing


def estimated(monkeypatch, ticks, **changes):
    clock = iter(ticks)
    monkeypatch.setattr(
        estimate, "time", SimpleNamespace(perf_counter=lambda: next(clock))
    )
    costs = estimate.estimate(
        *task_and_windows(layout="per_timestep"), training(**changes)
    )
    assert list(clock) == []
    return costs


def test_estimate_tells_the_whole_from_what_is_done_once_it_is_compiled(monkeypatch):
    # 12 batches an epoch in chunks of 3; begun at 100, they end at 110, 111 and 114:
    # two quarters of an epoch take 4 s, and the other 4.75 epochs 8 s each
    monkeypatch.setattr(sizing, "MAX_CHUNK", 3)
    costs = estimated(monkeypatch, [100, 110, 111, 114], epochs=5, seeds=2)
    assert costs.seconds == pytest.approx(10 + 4.75 * 8)


def test_estimate_takes_whole_epochs_for_a_measure_where_they_are_short(monkeypatch):
    # a chunk is an epoch: done at 5, scored at 9, which compiles; then one epoch is
    # done at 9.5 and scored at 9.75, and the next at 10.5 and at 11.75
    ticks = [0, 5, 9, 9.5, 9.75, 10.5, 11.75]
    costs = estimated(monkeypatch, ticks, epochs=101, seeds=1)
    assert costs.seconds == pytest.approx(9 + 100 * (11.75 - 9) / 2)


def test_estimate_goes_on_while_nothing_but_scores_has_been_done(monkeypatch):
    # scoring the first epoch took long: that is no measure of what is to come
    costs = estimated(monkeypatch, [100, 110, 113, 117], epochs=5, seeds=1)
    assert costs.seconds == pytest.approx(13 + 4 * 4)


def test_estimate_trains_to_the_end_where_that_takes_no_time(monkeypatch):
    # a chunk is an epoch: costs after it, after its scores, and at the end
    costs = estimated(
        monkeypatch, [100, 100.1, 100.2, 101.5, 101.6, 102], epochs=2, seeds=1
    )
    assert costs.seconds == 2


def test_estimate_counts_the_answers_of_all_seeds(monkeypatch):
    monkeypatch.setattr(
        estimate.resource, "getrusage", lambda _: SimpleNamespace(ru_maxrss=7)
    )
    monkeypatch.setattr(estimate.sys, "platform", "linux")
    costs = estimated(monkeypatch, [0, 1, 2, 3], epochs=1, seeds=3)
    assert costs.memory == 7 * 1024 + 48 * (4 * 3 + estimate.PER_PREDICTION)
