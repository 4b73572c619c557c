"""Training that was cut short, anywhere, goes on and ends with the same bytes."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from small_trainings import training

from statelab.data.tasks import first_step
from statelab.pipeline import resume_key
from statelab.samples.splitting import assign_splits
from statelab.samples.target_changes import TargetChange, UserUnits
from statelab.samples.windows import make_windows
from statelab.training import checkpoints, compiled, sizing, trainer
from statelab.training.early_stopping import Stopping
from statelab.training.trainer import TrainingProgress

SMALL = {"seeds": 2, "layers": 2, "epochs": 6, "learning_rate": 0.03}
TRAINING = training(**SMALL)
SETTINGS = checkpoints.settings_of(TRAINING)


class Cut(Exception):
    pass


class Heard:
    """Takes note of how far training is said to be."""

    def __init__(self):
        self.resumes, self.counts = [], []

    def resumed(self, epoch, batch, done):
        self.resumes.append((epoch, batch, done))

    def batches(self, done, total):
        self.counts.append(done)

    def epoch(self, epoch, lines): ...

    def done(self): ...


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    task = first_step(sequences=14, length=5, rng=rng)
    values = rng.normal(size=task.values.shape).astype(np.float32)
    codes = assign_splits(task.targets, test_size=2, validation_size=4, rng=rng)
    sizes = {"window_length": 2, "stride": 1, "segment_length": 1}
    table = make_windows(task.offsets, codes, layout="subsampled", **sizes)
    return task._replace(values=values), table


@pytest.fixture
def progress() -> TrainingProgress:
    """No number of it is like another; nothing of it fits into fewer bits."""
    counter = itertools.count(1)

    def array(*shape, dtype=np.float64):
        numbers = [next(counter) for _ in range(int(np.prod(shape)))]
        return (np.array(numbers) / 7).reshape(shape).astype(dtype)

    def tensor(*shape):
        return tf.constant(array(*shape, dtype=np.float32))

    lines = {"seed": [3, 4], "epoch": [1, 1], "loss": array(2)}
    return TrainingProgress(
        epoch=1,
        state=compiled.TrainState(
            matrices=tuple(tensor(2, 3, 4) for _ in range(11)),
            slots=tuple((tensor(2, 3, 4), tensor(2, 3, 4)) for _ in range(11)),
            updates=tf.constant([5, 6]),
            state=(tensor(2, 1, 4), tensor(2, 1, 4)),
            batch=7,
            batches=9,
            sums=array(3, 2),
        ),
        best=Stopping(
            np.array([0.1, np.inf]),
            {"b/kernel": array(2, 3), "a/bias": array(2)},
            np.array([0.3, np.inf]),
            np.array([0, 1]),
        ),
        history=[pd.DataFrame(lines)],
        seconds=[0.1, 0.2],
    )


def leaves(progress: TrainingProgress) -> list[tuple]:
    """Everything of it in order, with its type and bytes."""
    tables = [frame.to_dict("list") for frame in progress.history]
    flat = map(np.asarray, tf.nest.flatten(progress._replace(history=tables)))
    return [(leaf.dtype, leaf.tobytes()) for leaf in flat]


def test_load_gives_back_every_bit_that_save_wrote(tmp_path, progress):
    file = tmp_path / "abc.checkpoint"
    checkpoints.save(file, progress)
    loaded = checkpoints.load(file)
    assert loaded is not None
    tf.nest.assert_same_structure(loaded.state, progress.state)
    assert leaves(loaded) == leaves(progress)
    assert list(loaded.best.weights) == ["b/kernel", "a/bias"]
    pd.testing.assert_frame_equal(loaded.history[0], progress.history[0])


def test_load_gives_back_a_run_before_the_end_of_its_first_epoch(tmp_path, progress):
    file = tmp_path / "abc.checkpoint"
    sgd = progress.state._replace(slots=((),) * 11)
    first = progress._replace(epoch=0, state=sgd, history=[], seconds=[0.5])
    checkpoints.save(file, first)
    loaded = checkpoints.load(file)
    assert loaded is not None
    assert leaves(loaded) == leaves(first)
    assert loaded.state.slots == ((),) * 11


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:700] + bytes([content[700] ^ 1]) + content[701:],
    ],
)
def test_load_does_not_use_what_is_damaged_and_says_so(
    tmp_path, progress, damage, capsys
):
    file = tmp_path / "abc.checkpoint"
    checkpoints.save(file, progress)
    file.write_bytes(damage(file.read_bytes()))
    assert checkpoints.load(file) is None
    assert capsys.readouterr().err == f"{file}: damaged, and not used\n"


def test_load_does_not_use_a_checkpoint_under_the_name_of_another(
    tmp_path, progress, capsys
):
    checkpoints.save(tmp_path / "abc.checkpoint", progress)
    other = (tmp_path / "abc.checkpoint").rename(tmp_path / "abd.checkpoint")
    assert checkpoints.load(other) is None
    assert "not used" in capsys.readouterr().err


def test_fingerprint_is_another_for_whatever_changes_the_outcome(
    data, tmp_path, monkeypatch
):
    sequences, windows = data
    arrays = [*sequences, *windows]
    usual = resume_key.fingerprint(SETTINGS, arrays)
    monkeypatch.setattr(resume_key, "LINES_AT_ONCE", 5)  # so that all are in pieces
    assert resume_key.fingerprint(dict(reversed(SETTINGS.items())), arrays) == usual
    read = json.loads(json.dumps(SETTINGS))
    np.save(tmp_path / "values.npy", arrays[0])
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    assert resume_key.fingerprint(read, [mapped, *arrays[1:]]) == usual
    found = [usual]
    for name, value in {"seed": 4, "learning_rate": 0.031, "clipnorm": 1.0}.items():
        found.append(resume_key.fingerprint({**SETTINGS, name: value}, arrays))
    for index, array in enumerate(arrays):
        changed = array.copy()
        changed.flat[-1] += 1
        changed = [*arrays[:index], changed, *arrays[index + 1 :]]
        found.append(resume_key.fingerprint(SETTINGS, changed))
    turned = [arrays[0].reshape(-1, 2), *arrays[1:]]
    found.append(resume_key.fingerprint(SETTINGS, turned))
    with monkeypatch.context() as patched:
        patched.setattr(resume_key.os, "sched_getaffinity", lambda _: {7, 8, 9})
        found.append(resume_key.fingerprint(SETTINGS, arrays))
    with monkeypatch.context() as patched:
        patched.setattr(resume_key, "version", lambda _: "0")
        found.append(resume_key.fingerprint(SETTINGS, arrays))
    edited = tmp_path / "training.py"
    edited.write_text("# edited")
    with monkeypatch.context() as patched:
        patched.setattr(compiled, "__file__", str(edited))
        found.append(resume_key.fingerprint(SETTINGS, arrays))
    assert len(set(found)) == len(found)


CASES = [
    {"shuffle": True, "patience": 2, "schedule": "constant"},
    {"patience": 1, "optimizer": "sgd", "cell": "gru", "learning_rate": 3.0},
    {"stateful": False, "shuffle": True, "clipnorm": 0.01},
]


@pytest.mark.parametrize("changes", CASES)
def test_training_cut_after_any_chunk_goes_on_to_the_same_bytes(
    data, tmp_path, monkeypatch, changes
):
    """Some chunks an epoch: training goes on from some of the places where it stood,
    and then it is cut again and again, after every fifth of what it saves."""
    monkeypatch.setattr(sizing, "MAX_CHUNK", 6)  # of 16; a sequence takes 4
    changed = training(**{**SMALL, **changes})
    saved = []
    whole = trainer.train(*data, changed, progress=Heard(), on_checkpoint=saved.append)
    assert {0 < at.state.batch < at.state.batches for at in saved} == {True, False}
    lines = changed.settings.epochs * changed.settings.seeds
    stopped_early = len(whole.history) < lines
    assert stopped_early == ("patience" in changes)
    file = tmp_path / "abc.checkpoint"

    def cut_after(count):
        left = itertools.count(1)

        def on_checkpoint(at):
            checkpoints.save(file, at)
            if next(left) == count:
                raise Cut

        return on_checkpoint

    def resumed(heard, on_checkpoint=lambda _: None):
        return trainer.train(
            *data,
            changed,
            progress=heard,
            resume=checkpoints.load(file),
            on_checkpoint=on_checkpoint,
        )

    def assert_same(trained):
        assert trained.predictions.tobytes() == whole.predictions.tobytes()
        assert list(trained.weights) == list(whole.weights)
        for name, array in trained.weights.items():
            assert array.tobytes() == whole.weights[name].tobytes()
        pd.testing.assert_frame_equal(trained.history, whole.history, check_exact=True)
        assert trained.history.to_csv() == whole.history.to_csv()
        assert trained.updates == whole.updates
        assert len(trained.seconds) == len(whole.seconds)

    for at in [*saved[2::7], saved[-1]]:  # each part of an epoch
        checkpoints.save(file, at)
        heard = Heard()
        assert_same(resumed(heard))
        ((epoch, batch, done),) = heard.resumes
        assert (epoch, batch) == (at.epoch + 1, at.state.batch)
        assert all(count > done for count in heard.counts)
    file.unlink()
    cuts = 0
    while True:
        try:
            assert_same(resumed(Heard(), cut_after(5)))
            break
        except Cut:
            cuts += 1
    assert cuts == len(saved) // 5


def test_of_resumes_and_cleans_up(data, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    folder = tmp_path / ".checkpoints"

    def cut(at):
        save(at)
        raise Cut

    with (
        pytest.raises(Cut),
        checkpoints.of(TRAINING, *data) as (resume, save),
    ):
        assert resume is None
        trainer.train(*data, TRAINING, progress=Heard(), on_checkpoint=cut)
    (kept,) = folder.iterdir()
    with checkpoints.of(TRAINING._replace(seed=4), *data) as (resume, _):
        assert resume is None
    for kind in ("difference", "log_difference"):
        units = UserUnits(data[0], TargetChange(kind, feature=0, horizon=1))
        with checkpoints.of(TRAINING, *data, units=units) as (resume, _):
            assert resume is None
    assert kept.exists()
    levels = UserUnits(data[0], None)
    with checkpoints.of(TRAINING, *data, units=levels) as (resume, _):
        assert resume is not None and resume.epoch == 0 and resume.state.batch > 0
        assert kept.exists()
    assert not list(folder.iterdir())


def test_saving_takes_a_small_share_of_the_time(tmp_path, monkeypatch, progress):
    """Saving takes 1 second of a clock of our own: at 1 in 50, one in 50 is due."""
    now, saved = [0.0], []

    def save(file, at):
        saved.append(now[0])
        now[0] += 1.0

    monkeypatch.setattr(checkpoints, "save", save)
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    on_checkpoint = checkpoints._saver(tmp_path / "abc.checkpoint")
    for _ in range(1000):
        on_checkpoint(progress)
        now[0] += 0.125  # a chunk
    assert saved == [0.0, 50.0, 100.0]


def test_other_engines_are_neither_saved_nor_resumed(
    data, tmp_path, monkeypatch, progress
):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with checkpoints.of(training(engine="reference"), *data) as (resume, save):
        assert resume is None
        save(progress)
        assert not list(tmp_path.iterdir())
