"""Runs a training script in this process, with what it hands to Keras recorded."""

import contextlib
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import keras

from statelab.diagnosis.recording import keras_patches
from statelab.diagnosis.recording.recorder import Recorder
from statelab.diagnosis.recording.records import Recording
from statelab.diagnosis.recording.script_variables import ScriptVariables
from statelab.errors import UserError


def record(script: Path, arguments: Sequence[str] = ()) -> Recording:
    """Run a script as Python would, with what it hands to Keras recorded.

    It computes what it computes without: batches are copied on their way, and states
    are read between batches. What it prints goes to stderr. Of batches the first 200 MB
    that differ are kept, of later ones the order alone.

    Args:
        script: a Python file.
        arguments: of its command line.

    Returns:
        What was recorded.

    Raises:
        UserError: if there is no such file, or it does not run to its end.
    """
    if not script.is_file():
        raise UserError(f"A training script must be a file. Received: {script}")
    source = script.read_bytes().decode(errors="replace")
    keras_patches.check_backend(keras.backend.backend())
    recorder = Recorder(source, ScriptVariables(script))
    try:
        with (
            _as_started(script, arguments),
            keras_patches.installed(recorder),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", DeprecationWarning)
            variables = runpy.run_path(str(script), run_name="__main__")
            recorder.variables.copy_arrays(variables)
    except UserError:
        raise
    except SystemExit as error:
        if error.code not in (None, 0):
            raise _failure(script, error) from error
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise UserError(
            f"{error.filename or script}{line}: must be Python. Received: {error.msg}"
        ) from error
    except Exception as error:
        raise _failure(script, error) from error
    return recorder.recording()


@contextlib.contextmanager
def _as_started(script: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Let Python look to a script as it does to one that it has started.

    What is printed, by children as well, goes to stderr. Arguments, paths, environment
    and folder are put back afterwards. `os._exit` ends the script alone.
    """
    argv, path, folder = sys.argv, list(sys.path), os.getcwd()
    environment, exit_process, process = dict(os.environ), os._exit, os.getpid()
    error_stream = sys.stderr

    def exit_script(code: int = 0) -> NoReturn:
        if os.getpid() != process:
            exit_process(code)  # of a child that was forked
        raise SystemExit(code)

    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    os.environ.setdefault("MPLBACKEND", "Agg")  # a window would wait for ever
    os._exit = exit_script
    sys.stdout.flush()
    out = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(out, 1)
        os.close(out)
        os._exit = exit_process
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv, sys.path[:], sys.stderr = argv, path, error_stream


def _failure(script: Path, error: BaseException) -> UserError:
    script_lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(script)
    ]
    where = f"{script}, line {script_lines[-1]}" if script_lines else str(script)
    message = [line.strip() for line in str(error).splitlines() if line.strip()]
    on_batch_size = [line for line in message if "batch size" in line.lower()]
    text = (on_batch_size or message or ["nothing"])[0]
    return UserError(
        f"{where}: a training script must run to its end. "
        f"Received: {type(error).__name__}: {text}"
    )
