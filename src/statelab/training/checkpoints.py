"""Saves where a training stands, so that one that was killed goes on from there.

A checkpoint is found by its fingerprint: a hash of everything that decides the bytes of
a training's outputs. So it is never taken for that of other data, settings or code. It
stands at the root of the main checkout: DVC removes a stage's outputs before it runs,
and a temporary workspace is gone when its experiment is.
"""

import hashlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from statelab.config.settings import Training
from statelab.data.sequences import Sequences
from statelab.io import files
from statelab.networks import devices
from statelab.pipeline import resume_key
from statelab.samples.scaling import Scaling
from statelab.samples.target_changes import UserUnits
from statelab.samples.windows import Windows
from statelab.training import compiled
from statelab.training.early_stopping import Stopping
from statelab.training.trainer import TrainingProgress

SHARE = 0.02  # of the time, at most, that saving takes
SEAL = hashlib.sha256().digest_size  # bytes at the beginning of a checkpoint

OnCheckpoint = Callable[[TrainingProgress], None]
OF_OTHER_TRAININGS = {"again", "lookbacks", "gradient_windows"}


@contextmanager
def of(
    training: Training,
    sequences: Sequences,
    windows: Windows,
    scaling: Scaling | None = None,
    units: UserUnits | None = None,
) -> Iterator[tuple[TrainingProgress | None, OnCheckpoint]]:
    """Return where a training was cut short, if it was, and what saves it from now on.

    Both are arguments of `trainer.train`. The checkpoint is removed when the block
    ends, and stays where it raises. Keras's engines are neither saved nor resumed.

    Args:
        training, sequences, windows, scaling, units: what is trained, as in
            `trainer.train`.
    """
    if training.settings.engine != "compiled":
        yield None, lambda _: None
        return
    settings, data = settings_of(training), [*sequences, *windows, *(scaling or ())]
    settings |= {"device": devices.current().name}
    if units is not None and units.change is not None:
        settings |= {"change": units.change._asdict()}
        data += units.data
    name = resume_key.fingerprint(settings, data)
    file = resume_key.folder() / f"{name}.checkpoint"
    yield load(file), _saver(file)
    file.unlink(missing_ok=True)


def settings_of(training: Training) -> dict[str, Any]:
    """Return what decides a training besides its data, as JSON can hold it."""
    model, settings, seed = training
    return {
        "seed": seed,
        "stateful": settings.stateful,
        **model.model_dump(),
        **settings.model_dump(exclude=OF_OTHER_TRAININGS),
    }


def save(file: Path, progress: TrainingProgress) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        file: whose name is the fingerprint.
        progress: of a training by the compiled engine.
    """
    content = io.BytesIO()
    np.savez(content, **_arrays(progress))  # pyright: ignore[reportArgumentType]
    with files.atomic_write(file) as stream:
        stream.write(_seal(file, content.getbuffer()))
        stream.write(content.getbuffer())


def load(file: Path) -> TrainingProgress | None:
    """Return what `save` wrote; None where there is no such file.

    One that is damaged, or was written for another fingerprint, is no such file; a line
    says so.
    """
    if not file.exists():
        return None
    content = memoryview(file.read_bytes())
    if content[:SEAL] != _seal(file, content[SEAL:]):
        print(f"{file}: damaged, and not used", file=sys.stderr)
        return None
    with np.load(io.BytesIO(content[SEAL:])) as saved:
        return _progress(dict(saved))


def _saver(file: Path) -> OnCheckpoint:
    """Return what saves as often as it may."""
    due = 0.0

    def on_checkpoint(progress: TrainingProgress) -> None:
        nonlocal due
        began = time.monotonic()
        if began >= due:
            save(file, progress)
            ended = time.monotonic()
            due = ended + (ended - began) * (1 / SHARE - 1)

    return on_checkpoint


def _seal(file: Path, content: memoryview) -> bytes:
    digest = hashlib.sha256(file.stem.encode())
    digest.update(content)
    return digest.digest()


# --- progress <-> named arrays --------------------------------------------------------


def _arrays(progress: TrainingProgress) -> dict[str, np.ndarray]:
    state, best = progress.state, progress.best
    history = pd.concat(progress.history) if progress.history else pd.DataFrame()
    groups = {
        "matrices": _numbered(state.matrices),
        **{f"slots {i}": _numbered(slots) for i, slots in enumerate(state.slots)},
        "state": _numbered(state.state),
        "best": best.weights,
        "history": {name: history[name].to_numpy() for name in history},
    }
    return {
        "epoch": np.array(progress.epoch),
        "seconds": np.array(progress.seconds),
        "updates": np.asarray(state.updates),
        "batch": np.array(state.batch),
        "batches": np.array(state.batches),
        "sums": state.sums,
        "loss": best.loss,
        "fallen_to": best.fallen_to,
        "waited": best.waited,
        **{
            f"{group}/{name}": np.asarray(array)
            for group, named in groups.items()
            for name, array in named.items()
        },
    }


def _progress(saved: dict[str, np.ndarray]) -> TrainingProgress:
    def group(name: str) -> dict[str, np.ndarray]:
        start = f"{name}/"
        return {
            key.removeprefix(start): array
            for key, array in saved.items()
            if key.startswith(start)
        }

    def tensors(name: str) -> tuple[tf.Tensor, ...]:
        return tuple(tf.constant(array) for array in group(name).values())

    matrices, history = tensors("matrices"), group("history")
    return TrainingProgress(
        epoch=int(saved["epoch"]),
        state=compiled.TrainState(
            matrices=matrices,
            slots=tuple(tensors(f"slots {i}") for i in range(len(matrices))),
            updates=tf.constant(saved["updates"]),
            state=tensors("state"),
            batch=int(saved["batch"]),
            batches=int(saved["batches"]),
            sums=saved["sums"],
        ),
        best=Stopping(
            saved["loss"], group("best"), saved["fallen_to"], saved["waited"]
        ),
        history=[pd.DataFrame(history)] if history else [],
        seconds=saved["seconds"].tolist(),
    )


def _numbered(tensors: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    return {str(number): tensor for number, tensor in enumerate(tensors)}
