import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from statelab.data.sequences import Sequences
from statelab.evaluation import ceilings
from statelab.evaluation.ceilings import find_ceiling, majority_vote, visible_classes
from statelab.samples.windows import make_windows


@given(
    values=st.lists(st.integers(0, 1), min_size=8, max_size=8),
    stretches=st.lists(
        st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=12
    ),
)
def test_visible_classes_are_equal_where_the_stretches_are(values, stretches):
    start = np.array([first for first, _ in stretches])
    stop = np.minimum(start + [length for _, length in stretches], 8)
    classes = visible_classes(np.array(values)[:, None], start, stop)
    stretch = [tuple(values[a:b]) for a, b in zip(start, stop, strict=True)]
    for one, class_of_one in zip(stretch, classes, strict=True):
        for two, class_of_two in zip(stretch, classes, strict=True):
            assert (one == two) == (class_of_one == class_of_two)


def test_visible_classes_tell_every_feature_apart():
    values = np.array([[1, 0], [0, 1], [1, 0]])
    classes = visible_classes(values, np.arange(3), np.arange(3) + 1)
    assert classes[0] == classes[2] != classes[1]


def test_majority_vote_counts_the_most_frequent_target_of_each_class():
    # class 5: targets 1 1 0, vote right 2 times; class 2: 0 0, right 2 times; 4 of 5
    classes, target = np.array([5, 2, 5, 5, 2]), np.array([1, 0, 1, 0, 0])
    assert majority_vote(classes, target) == 0.8


def test_ceiling_is_none_where_inputs_are_continuous(monkeypatch):
    monkeypatch.setattr(ceilings, "STEPS_AT_ONCE", 7)
    values = np.random.default_rng(0).normal(size=80)
    task = Sequences(
        np.float32(values)[:, None], np.array([0, 40, 80]), np.array([0, 1])
    )
    table = make_windows(
        task.offsets,
        np.int8([2, 2]),
        layout="full",
        window_length=1,
        stride=1,
        segment_length=1,
    )
    scored = {
        "visible_from": np.repeat([0, 40], 40),
        "predictions": np.array([39, 79]),
        "target": task.targets,
    }
    assert find_ceiling(task, table, **scored) is None
    symbols = np.float32(np.arange(80) // 30)  # the last of three comes late
    assert find_ceiling(task._replace(values=symbols[:, None]), table, **scored) == 1
    monkeypatch.setattr(ceilings, "MAX_SYMBOLS", 2)
    assert find_ceiling(task._replace(values=symbols[:, None]), table, **scored) is None
