"""Commands that show results: sync, report."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from statelab.pipeline import paths


def sync() -> None:
    """Bring MLflow in step with DVC's experiments and the workspace.

    Delivers runs that waited for a store that was down, logs results that came out of
    DVC's cache, and tags each run with every experiment that shares it. Running it
    twice changes nothing.
    """
    from statelab.tracking import connection, sync

    try:
        done = sync.sync()
    except connection.NotLogged as error:
        print(f"sync: stopped by {connection.refusal(error)}", file=sys.stderr)
        sys.exit(1)
    for line in done.lost:
        print(f"no run: {line}", file=sys.stderr)
    print(
        f"{connection.address()}: {done.results} results of {done.experiments} "
        f"experiments and the workspace, {done.delivered} runs delivered from the "
        f"spool, {done.made} made from DVC's cache, {done.named} found by more "
        f"experiments, {done.merged} doubles deleted"
    )


def report(
    out: Annotated[Path, typer.Option(help="The file to write.")] = paths.REPORT,
) -> None:
    """Write the results as one HTML page that needs no network.

    Trains nothing: it shows what `dvc repro` has left behind.
    """
    from statelab.report import page

    for note in page.write(out):
        print(note, file=sys.stderr)
    print(out)
