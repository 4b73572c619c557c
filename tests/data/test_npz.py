import numpy as np
import pytest
from read_files import load, steps, targets

from statelab.errors import UserError

X = np.arange(12.0).reshape(2, 3, 2)
Y = np.array([[0, 1, 0], [1, 1, 0]])


@pytest.fixture
def read(tmp_path):
    """Write an npz file, and load it."""

    def read(changes=(), **arrays):
        np.savez(tmp_path / "panel.npz", **arrays)
        return load(tmp_path / "panel.npz", "npz", **dict(changes))

    return read


def test_arrays_are_laid_end_to_end_without_their_padding(read):
    loaded = read(x=X, y=Y, lengths=np.array([1, 3]))
    assert steps(loaded) == [[[0, 1]], [[6, 7], [8, 9], [10, 11]]]
    assert targets(loaded) == [[0], [1, 1, 0]]
    assert loaded.features == ["x0", "x1"]


def test_one_target_for_a_sequence_is_that_of_each_of_its_steps(read):
    loaded = read(x=X, y=np.array([2.5, 1]), lengths=np.array([2, 1]))
    assert targets(loaded) == [[2.5, 2.5], [1]]
    loaded = read(x=X, y=np.array([7, 4]), changes={"label": "end"})
    assert targets(loaded) == [[-1, -1, 1], [-1, -1, 0]]
    assert loaded.classes == ["4", "7"]


def test_values_are_filled_from_those_before(read):
    x = X.copy()
    x[1, 1, 0] = np.nan
    assert steps(read(x=x, y=Y, changes={"missing": "fill"}))[1][1] == [6, 9]


def test_an_array_says_in_which_split_a_sequence_is(read, tmp_path):
    lengths = np.array([1, 3])
    split = np.array(["validation", "train"])
    assert read(x=X, y=Y, lengths=lengths, split=split).split.tolist() == [1, 0]
    assert read(x=X, y=Y).split is None
    np.savez(tmp_path / "b.npz", x=X, y=Y, split=split)
    with pytest.raises(UserError) as caught:
        load(tmp_path, "npz")
    assert str(caught.value) == (
        f"{tmp_path / 'panel.npz'}: must hold an array `split` where the file before "
        "it does, and none where it does not. Received: none"
    )


def test_files_of_a_folder_follow_each_other(tmp_path):
    np.savez(tmp_path / "b.npz", x=X[:1], y=Y[:1])
    np.savez(tmp_path / "a.npz", x=X[1:, :2], y=Y[1:, :2])
    loaded = load(tmp_path, "npz")
    assert loaded.names == ["a.npz 0", "b.npz 0"]
    assert steps(loaded) == [[[6, 7], [8, 9]], [[0, 1], [2, 3], [4, 5]]]


@pytest.mark.parametrize(
    ("arrays", "line"),
    [
        ({"x": None}, ": must hold an array `x`. Received: 'y'"),
        ({"y": None}, ": must hold an array `y`. Received: 'x'"),
        (
            {"x": X[0]},
            ": `x` must be numbers [sequences, timesteps, features]. "
            "Received: float64 [3, 2]",
        ),
        (
            {"x": X[:, :0]},
            ": `x` must be numbers [sequences, timesteps, features]. "
            "Received: float64 [2, 0, 2]",
        ),
        (
            {"x": X.astype(str)},
            ": `x` must be numbers [sequences, timesteps, features]. "
            "Received: <U32 [2, 3, 2]",
        ),
        (
            {"y": Y.T},
            ": `y` must be numbers or text [2] or [2, 3], as `x` is. "
            "Received: int64 [3, 2]",
        ),
        (
            {"y": Y + 1j},
            ": `y` must be numbers or text [2] or [2, 3], as `x` is. "
            "Received: complex128 [2, 3]",
        ),
        (
            {"lengths": np.array([3.0, 1.0])},
            ": `lengths` must be whole numbers [2]. Received: float64 [2]",
        ),
        (
            {"lengths": np.array([3, 4])},
            ": `lengths` must be from 1 to 3, the timesteps of `x`. Received: 4",
        ),
        (
            {"x": np.where(X == 9, -np.inf, X)},
            ": `x` must be finite in 32 bits. Received: -inf at [1, 1, 1]",
        ),
        (
            {"y": np.where(X[..., 0] == 4, 1e39, X[..., 0])},
            ": `y` must be finite in 32 bits. Received: 1e+39 at [0, 2]",
        ),
        (
            {"x": np.where(X == 9, np.nan, X)},
            ", sequence 1, step 1, column `x1`: must have a value, or set "
            "`generate.missing` to fill or mask. Received: none",
        ),
        (
            {"split": np.array([0, 2])},
            ": `split` must be text [2], a split for each sequence. "
            "Received: int64 [2]",
        ),
        (
            {"split": np.array(["train", "dev"])},
            ", sequence 1, `split`: must be train, validation or test. Received: 'dev'",
        ),
        (
            {"y": np.ones(2)},
            ", `y`: must have more than one value, or there is nothing to learn. "
            "Received: '1' alone",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, read, arrays, line):
    held = {"x": X, "y": Y, **arrays}
    with pytest.raises(UserError) as caught:
        read(**{name: array for name, array in held.items() if array is not None})
    assert str(caught.value) == f"{tmp_path / 'panel.npz'}{line}"


@pytest.mark.parametrize(
    ("x", "y", "rule"),
    [
        (
            X[..., :1],
            Y,
            "`x` must have 2 features, as in the file before it. Received: 1",
        ),
        (
            X,
            Y.astype("U1"),
            "`y` must be numbers, as in the file before it. Received: <U1",
        ),
    ],
)
def test_files_of_a_folder_must_be_alike(tmp_path, x, y, rule):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    np.savez(tmp_path / "b.npz", x=x, y=y)
    with pytest.raises(UserError) as caught:
        load(tmp_path, "npz")
    assert str(caught.value) == f"{tmp_path / 'b.npz'}: {rule}"


@pytest.mark.parametrize(
    ("arrays", "received"),
    [
        ({"y_test": np.array(["a"])}, "int64 [2], <U1 [1]"),
        ({"y_test": np.array(4)}, "int64 [2], int64 []"),
        ({"x_test": np.zeros((1, 2, 1))}, "float64 [2, 3, 1], float64 [1, 2, 1]"),
    ],
)
def test_arrays_of_splits_must_be_alike(tmp_path, read, arrays, received):
    held = {"x_train": np.zeros((2, 3, 1)), "x_test": np.zeros((1, 3, 1))}
    held |= {"y_train": np.array([1, 0]), "y_test": np.array([2]), **arrays}
    with pytest.raises(UserError, match="alike but in their number of seq") as caught:
        read(**held)
    assert str(caught.value).endswith(f". Received: {received}")


def test_what_is_no_npz_file_is_one_line(tmp_path):
    file = tmp_path / "panel.npz"
    np.savez(file, x=X, y=Y)
    whole = file.read_bytes()
    with (tmp_path / "array.npy").open("wb") as stream:
        np.save(stream, X)
    with (tmp_path / "objects.npz").open("wb") as stream:
        np.savez(stream, x=X, y=np.array([{}, {}]))
    for content in (
        b"",
        b"id,time",
        whole[:-30],
        whole[:90],
        whole.replace(X[1].tobytes(), X[0].tobytes()),
        (tmp_path / "array.npy").read_bytes(),
        (tmp_path / "objects.npz").read_bytes(),
    ):
        file.write_bytes(content)
        with pytest.raises(UserError) as caught:
            load(file, "npz")
        assert str(caught.value) == (
            f"{file}: must be an npz file of numbers and text. Received: other bytes"
        )
