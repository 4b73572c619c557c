"""The commands inspect and try: a file of which nothing is known yet."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from statelab.cli.console import print_words
from statelab.errors import UserError

if TYPE_CHECKING:
    from statelab.inspection.inspect import Inspected

DVC_SAYS = (  # what helps nobody who tries a file
    *("> ", "Updating lock file", "To track the changes", "\tgit add"),
    *("To enable auto", "\tdvc config", "Use `dvc push`", "Generating lock file"),
)
File = Annotated[Path, typer.Argument(help="A file, or a folder of them.")]
Target = Annotated[
    str | None,
    typer.Option(help="The column to predict; `remaining`: the time to the last step."),
]
Horizon = Annotated[
    int | None, typer.Option(min=0, help="Steps ahead of the prediction; 0 for none.")
]


def inspect(
    path: File,
    target: Target = None,
    horizon: Horizon = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the settings into params.yaml.")
    ] = False,
) -> None:
    """Show how a file would be read, and what speaks for it.

    Guesses separator, dates, sequences and the target from parts of the file, and reads
    all of it so. What is uncertain is marked: set it in params.yaml.
    """
    inspected = _inspected(path, target, horizon)
    if inspected.error:
        raise UserError(inspected.error)
    if write:
        _write(inspected)
        print("written into params.yaml")


def try_file(path: File, target: Target = None, horizon: Horizon = None) -> None:
    """Read a file, train on it, and print the verdict.

    Writes what `statelab inspect` finds into params.yaml, and runs `dvc repro`.
    """
    inspect(path, target, horizon, write=True)
    sys.stdout.flush()
    ran = False
    command = ["dvc", "repro", "evaluate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            ran |= line.startswith("Running stage 'evaluate'")
            if line.strip() and not line.startswith(DVC_SAYS):
                print(line, end="", flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    if not ran:  # it has not printed the verdict
        from statelab.evaluation import evaluation

        print(evaluation.read().verdict.in_full())


def _inspected(path: Path, target: str | None, horizon: int | None) -> "Inspected":
    import numpy as np

    from statelab.config import params
    from statelab.data import sources
    from statelab.inspection import inspect as inspection

    given = params.read()["generate"]
    inspected = inspection.inspect(path, given, target=target, horizon=horizon)
    rows = [inspection.in_words(guess) for guess in inspected.guesses]
    print_words(rows, "generate", "value", "because")
    for note in inspected.notes:
        print(note)
    if inspected.loaded is not None:
        loaded = inspected.loaded
        print(sources.in_words(loaded))
        for note in loaded.notes:
            print(note)
        offsets = loaded.sequences.offsets
        longest = int(np.diff(offsets).argmax())
        part = slice(offsets[longest], offsets[longest + 1])
        targets = loaded.sequences.targets[part].astype(float)
        if loaded.classes is not None:
            targets = np.where(targets < 0, np.nan, targets)
        if len(np.unique(targets[~np.isnan(targets)])) > 1:
            print(f"the target of sequence {loaded.names[longest]}:")
            print(inspection.sparkline(targets))
        if inspected.season:
            print(
                f"its changes are most alike {inspected.season} steps apart: a season"
            )
    return inspected


def _write(inspected: "Inspected") -> None:
    from statelab.config import params

    params.write_section("generate", inspected.settings)
    params.write_section("window", inspected.window)
