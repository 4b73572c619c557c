"""Splitting: which sequences, or steps of them, train, validate and test."""

from pathlib import Path

import numpy as np

from statelab.config.settings import WindowSettings
from statelab.config.values import count
from statelab.data import sequences
from statelab.data.sequences import LEFT_OUT, SPLITS, Sequences
from statelab.errors import UserError
from statelab.samples.windows import (
    Windows,
    layout_settings,
    make_windows,
    require_targets,
)

ORIGINS = 3  # rolling ones, of a single series
FOLDER = "splits"  # within that of the windows: those after the first, by number


def split_and_window(
    data: Sequences,
    window: WindowSettings,
    *,
    seed: int,
    horizon: int = 0,
    given: np.ndarray | None = None,
    number: int = 0,
) -> Windows:
    """Split sequences, and cut them into samples.

    Args:
        data: the sequences; classes are split in proportion, by their last targets.
        window: of these settings
            `split`: `auto` is `time` where there are fewer sequences than splits, for
            a single one, say, and else `sequence`.
            `sequence` puts each sequence into one split. `time` cuts each into
            parts: the first trains, the next validates, and the last tests. Every part
            has a line of its own in the table, and no sample reaches from one into
            another. A sequence too short for that trains as a whole. `given` puts each
            sequence where its file says; where that has none to validate on, these are
            drawn from train.
            `test_size`, `validation_size`: counts of sequences, or fractions of them;
            with `time`, of the steps of each sequence.
            `layout` and its sizes: as in `windows.make_windows`.
        seed: of the draw.
        horizon: how many time steps ahead targets are. As many steps at the end of a
            part are left out: their targets are values of the next part.
        given: the split of each sequence that a file gives, codes of `SPLITS`, int8
            [sequences]; None where it gives none.
        number: of the split, counted from 0. In time, each later one ends by the length
            of test earlier than the one before it, and what follows is left out: a
            rolling origin, with all that is before it to train on. Else sequences are
            drawn again.

    Raises:
        UserError: a split is left without a sequence, a sample, or a target.
    """
    if kind_of(data, window) == "time":
        offsets, codes = _in_time(data, window, horizon, number)
    elif window.split == "given":
        codes = _with_validation(data, _as_given(given), window.validation_size, seed)
        offsets = data.offsets
    else:
        drawn = (seed, 1, number) if number else (seed, 1)
        offsets, codes = data.offsets, _by_sequence(data, window, drawn)
    layout = layout_settings(dict(window))
    return require_targets(data, make_windows(offsets, codes, **layout))


def kind_of(data: Sequences, window: WindowSettings) -> str:
    """Return `window.split`, or where it is `auto` what that comes to."""
    if window.split != "auto":
        return window.split
    splits = 3 if window.validation_size else 2
    few = len(data.offsets) - 1 < splits and len(data.targets) == len(data.values)
    return "time" if few else "sequence"


def folder_of(windows: Path, number: int) -> Path:
    """Return the folder of the windows of a split.

    Args:
        windows: the folder of those of the first.
        number: of the split, counted from 0.

    Example:
        >>> folder_of(Path("data"), 0), folder_of(Path("data"), 2)
        (PosixPath('data'), PosixPath('data/splits/2'))
    """
    return windows / FOLDER / str(number) if number else windows


def folders(windows: Path) -> list[Path]:
    """Return the folders of all splits that were written, in order."""
    later = len(list((windows / FOLDER).glob("*")))
    return [folder_of(windows, number) for number in range(1 + later)]


def count_of(data: Sequences, window: WindowSettings, splits: int | str) -> int:
    """Return how many splits are compared.

    Args:
        data: the sequences.
        window: how they are split.
        splits: `evaluate.splits`; `auto` is 3 rolling origins where a single series is
            cut in time, and else 1.
    """
    if splits != "auto":
        return int(splits)
    alone = len(data.offsets) == 2
    return ORIGINS if alone and kind_of(data, window) == "time" else 1


def _by_sequence(
    data: Sequences, window: WindowSettings, seed: tuple[int, ...]
) -> np.ndarray:
    """Return the split of each sequence."""
    last = data.offsets[1:] - 1
    test, validation = (
        count(size, len(last)) for size in (window.test_size, window.validation_size)
    )
    if test < 1 or test + validation >= len(last):
        raise UserError(
            "`window.test_size` and `window.validation_size` must leave sequences to "
            "train on and to test on; a single long one can be cut by "
            f"`window.split: time`. Received: {test} and {validation} of {len(last)} "
            "sequences"
        )
    return assign_splits(
        _classes(data),
        test_size=test,
        validation_size=validation,
        rng=np.random.default_rng(seed),
    )


def _classes(data: Sequences) -> np.ndarray:
    """Return the class of each sequence's last target; one for all of values."""
    last = data.offsets[1:] - 1
    targets = sequences.targets_at(data, np.arange(len(last)), last)
    return targets if targets.dtype.kind == "i" else np.zeros(len(last))


def _as_given(given: np.ndarray | None) -> np.ndarray:
    """Return the split of each sequence, where a file gives what is needed."""
    if given is None:
        raise UserError(
            "`window.split` must be sequence or time where no column or array `split` "
            "says in which split a sequence is. Received: given"
        )
    for name in ("train", "test"):
        if not (given == SPLITS[name]).any():
            raise UserError(
                f"`window.split: given` must leave a sequence to {name} on. "
                f"Received: none of {len(given)} sequences"
            )
    return given


def _with_validation(
    data: Sequences, codes: np.ndarray, size: int | float, seed: int
) -> np.ndarray:
    """Draw what validates from train, as much of it as wanted, where nothing does."""
    train = np.flatnonzero(codes == SPLITS["train"])
    wanted = count(size, len(train))
    if (codes == SPLITS["validation"]).any() or not 0 < wanted < len(train):
        return codes
    codes = codes.copy()
    codes[train] = assign_splits(
        _classes(data)[train],
        test_size=0,
        validation_size=wanted,
        rng=np.random.default_rng((seed, 1)),
    )
    return codes


def _in_time(
    data: Sequences, window: WindowSettings, horizon: int, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the parts of all sequences begin and end, and the split of each."""
    if len(data.targets) != len(data.values):
        raise UserError(
            "`window.split` must be sequence where a target is a whole sequence's. "
            "Received: time"
        )
    begin, end = data.offsets[:-1], data.offsets[1:]
    steps = end - begin
    test, validation = (
        np.array([count(size, length) for length in steps.tolist()])
        for size in (window.test_size, window.validation_size)
    )
    last, end = end[-1], np.maximum(end - number * test, begin)
    train = end - begin - test - validation
    enough = (train > horizon) & (test > 0)
    enough &= (validation == 0) | (validation > horizon)
    if not enough.any():
        longest = int(steps.argmax())
        if number:
            raise UserError(
                "`evaluate.splits` must leave steps to train on before each of them. "
                f"Received: {number + 1} tests of {test[longest]} of "
                f"{steps[longest]} steps"
            )
        raise UserError(
            "`window.test_size` and `window.validation_size` must leave steps of some "
            "sequence to train on and to test on, and of each part but the last more "
            f"than `generate.horizon` ({horizon}). Received: {test[longest]} and "
            f"{validation[longest]} of the {steps[longest]} steps of the longest"
        )
    last_begin = np.where(enough, end - test, end)
    middle = np.where(enough, begin + train, end)
    parts = {
        SPLITS["train"]: (begin, np.where(enough, middle - horizon, end)),
        SPLITS["validation"]: (middle, np.maximum(last_begin - horizon, middle)),
        SPLITS["test"]: (last_begin, end),
    }
    # Between two parts lie the steps that are left out.
    edges = np.stack([edge for part in parts.values() for edge in part], axis=1)
    codes = [code for part in parts for code in (part, LEFT_OUT)]
    if not number:  # nothing follows the test
        edges, codes = edges[:, :-1], codes[:-1]
    return (
        np.append(edges.ravel(), last),
        np.tile(np.array(codes, np.int8), len(begin)),
    )


def assign_splits(
    classes: np.ndarray,
    *,
    test_size: int,
    validation_size: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Assign every sequence to train, validation or test, each class in proportion.

    Args:
        classes: the class of each sequence, [sequences].
        test_size: how many sequences to test on.
        validation_size: how many to validate on; the others train.
        rng: draws which sequences of a class go where.

    Returns:
        A code of `SPLITS` for each sequence, int8 [sequences].

    Example:
        >>> classes = np.array([0, 1, 0, 1, 0, 1])
        >>> rng = np.random.default_rng(0)
        >>> assign_splits(classes, test_size=2, validation_size=0, rng=rng)
        array([0, 0, 2, 2, 0, 0], dtype=int8)
    """
    order = rng.permutation(len(classes))
    # Deal the classes like cards: the k-th member of a class of n has rank (k + ½)/n,
    # so that every stretch of the deal holds the classes in proportion.
    rank = np.empty(len(classes))
    for label in np.unique(classes):
        members = order[classes[order] == label]
        rank[members] = (np.arange(len(members)) + 0.5) / len(members)
    dealt = order[np.argsort(rank[order], kind="stable")]
    test, validation, _ = np.split(dealt, [test_size, test_size + validation_size])
    codes = np.full(len(classes), SPLITS["train"], np.int8)
    codes[test] = SPLITS["test"]
    codes[validation] = SPLITS["validation"]
    return codes
