"""The command `statelab`."""

import subprocess
import sys
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from statelab import command, post

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _statelab() -> None:
    """Does a recurrent network have to carry state on your sequences?"""


@app.command("post")
def _post(
    run: Annotated[
        bool, typer.Option(help="Run the experiments that are missing.")
    ] = True,
) -> None:
    """Run every experiment of the post that this commit lacks, and print the table."""
    if run:
        for name in post.missing():
            post.run(name)
    table = Table(box=box.MARKDOWN)
    headings = (
        "test accuracy of",
        "the post",
        f"ours, {post.SEEDS} seeds",
        "ceiling",
        "at the last step",
        "s/epoch, post",
        f"s/epoch, all {post.SEEDS}",
    )
    for heading in headings:
        table.add_column(heading, justify="right" if table.columns else "left")
    for line in post.table():
        table.add_row(*line)
    Console(width=200).print(table)  # a line for each row, also in a file


def main() -> None:
    """Run the command, and exit as `command` says."""
    with command.one_line_errors():
        try:
            app()
        except subprocess.CalledProcessError as error:
            sys.exit(error.returncode)  # the program that failed has said why
