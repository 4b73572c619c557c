"""The command diagnose: does state leak?"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from statelab.errors import UserError
from statelab.pipeline import command

if TYPE_CHECKING:
    from statelab.diagnosis.findings import Finding


def diagnose(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCRIPT.py [-- ARGS…] | MODEL.keras DATA.npz]",
            help="A training script, or a model and data; else this workspace.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each probe.")
    ] = False,
) -> None:
    """Check whether state leaks between sequences or into validation.

    A training script is run, and what it passes to Keras is recorded. A model and data
    (x, y, and optionally sequence_id, x_val, y_val) show less. With neither, what
    `dvc repro` has left in this workspace is checked.

    Ends with 0 where everything is sound, with 1 where a probe fails.
    """
    from statelab.diagnosis import findings
    from statelab.pipeline import progress

    probes = len(findings.QUESTIONS)
    results = list(progress.track(_findings(paths or []), "diagnose", probes))
    if as_json:
        for finding in results:
            print(json.dumps(finding._asdict()))
    else:
        _print_findings(results)
    sys.exit(any(finding.passed is False for finding in results))


def _findings(paths: list[str]) -> Iterable["Finding"]:
    """Run the probes that suit what the command line names, one by one."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UserError(f"KERAS_BACKEND must be tensorflow. Received: {backend}")
    with command.quiet_import():
        match [Path(path).suffix for path in paths]:
            case []:
                from statelab.diagnosis import workspace

                return workspace.findings()
            case [".py", *_]:
                from statelab.diagnosis.script import registry

                return registry.findings(Path(paths[0]), paths[1:])
            case [".keras", ".npz"]:
                from statelab.diagnosis import model

                return model.findings(*map(Path, paths))
    raise UserError(
        "`statelab diagnose` takes SCRIPT.py, or MODEL.keras DATA.npz, or nothing. "
        f"Received: {' '.join(paths)}"
    )


def _print_findings(findings: list["Finding"]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for heading in ("probe", "", "where"):
        table.add_column(heading, overflow="fold")
    signs = {True: "[green]sound", False: "[red bold]FAILS", None: "[dim]cannot tell"}
    # what fails is read first
    for name, passed, where, repair in sorted(
        findings, key=lambda f: f.passed is not False
    ):
        more = f"\n[bold]repair:[/bold] {escape(repair)}" if repair else ""
        table.add_row(name, signs[passed], escape(where) + more)
    Console().print(table)
    counts = Counter(finding.passed for finding in findings)
    print(f"{counts[False]} fail, {counts[True]} sound, {counts[None]} cannot tell")
