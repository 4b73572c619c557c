import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from statelab.config.values import count
from statelab.data.sequences import SPLITS, Sequences, targets_at
from statelab.samples.splitting import assign_splits


def test_targets_at_are_those_of_the_sequence_or_of_the_step():
    values, offsets = np.zeros((5, 1)), np.array([0, 2, 5])
    where = np.array([[0], [1]]), np.array([[1], [3]])
    each_sequence = Sequences(values, offsets, np.array([7, 3]))
    each_step = Sequences(values, offsets, np.array([4, 5, 6, 8, 9]))
    assert targets_at(each_sequence, *where).tolist() == [[7], [3]]
    assert targets_at(each_step, *where).tolist() == [[5], [8]]


def test_split_of_the_post_is_half_and_half():
    classes = np.random.default_rng(1).permutation(np.arange(1200) % 2)
    rng = np.random.default_rng(0)
    codes = assign_splits(classes, test_size=200, validation_size=0, rng=rng)
    assert np.bincount(codes).tolist() == [1000, 0, 200]
    assert classes[codes == SPLITS["train"]].sum() == 500
    assert classes[codes == SPLITS["test"]].sum() == 100


@given(
    classes=st.lists(st.integers(0, 2), min_size=10, max_size=60).map(np.array),
    test_size=st.integers(1, 4),
    validation_size=st.floats(0, 0.4),
    seed=st.integers(0, 9),
)
def test_split_has_the_given_sizes_and_classes_in_proportion(
    classes, test_size, validation_size, seed
):
    codes = assign_splits(
        classes,
        test_size=test_size,
        validation_size=count(validation_size, len(classes)),
        rng=np.random.default_rng(seed),
    )
    rounded = round(validation_size * len(classes))
    sizes = {
        "test": test_size,
        "validation": max(rounded, 1) if validation_size else 0,  # one at least
    }
    for name, size in sizes.items():
        chosen = classes[codes == SPLITS[name]]
        assert len(chosen) == size
        for label in np.unique(classes):
            share = (classes == label).mean()
            # a stretch of the deal holds each class to within one card at either end
            assert abs((chosen == label).sum() - share * size) <= 2


def test_split_depends_on_the_generator_alone():
    classes = np.arange(20) % 2
    first, again, other = (
        assign_splits(
            classes, test_size=4, validation_size=0, rng=np.random.default_rng(seed)
        ).tolist()
        for seed in (0, 0, 1)
    )
    assert first == again != other
