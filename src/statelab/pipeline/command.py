"""What every command does alike: arguments, one-line errors, Ctrl-C."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from statelab.errors import UserError


def run(function: Callable[..., None]) -> None:
    """Run a stage's function with its arguments from the command line."""
    # Ctrl-C ends the process at once, also within compiled code; whatever was being
    # written, DVC had removed before, and `dvc checkout dvc.yaml` brings it back.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    with one_line_errors():
        app()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a mistake that the user can mend into one line and exit code 2."""
    try:
        yield
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


# Keras imports them where they are installed, for wrappers and plots of its own, which
# nothing here calls: a second and a half.
OPTIONAL_IN_KERAS = ("matplotlib.pyplot", "sklearn")


@contextmanager
def lean_import() -> Iterator[None]:
    """As `quiet_import`, and Keras takes what it can do without for not installed.

    A module that is None in `sys.modules` cannot be imported. Afterwards these can.
    """
    hidden = [name for name in OPTIONAL_IN_KERAS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType]
    try:
        with quiet_import():
            yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def quiet_import() -> Iterator[None]:
    """Drop what TensorFlow's libraries print while they are imported.

    They write straight to file descriptor 2, six lines on a machine without a GPU, and
    more when they are first used, but for this setting. An exception passes, and is
    printed as ever.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
