"""The command `statelab`.

A command's libraries are imported when it runs: `statelab --help` loads none of them.
"""

import subprocess
import sys

import typer

from statelab.cli import diagnose, lookback, models, plan, results, studies
from statelab.pipeline import command

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, its paragraphs filled
)


@app.callback()
def _statelab() -> None:
    """Does a recurrent network have to carry state on your sequences?"""


app.command("plan")(plan.show_plan)
app.command("diagnose")(diagnose.diagnose)
app.command("lookback")(lookback.search_lookback)
app.command("report")(results.report)
app.command("predict")(models.predict)
app.command("export")(models.export)
app.command("sync")(results.sync)
app.command("post")(studies.compare_post)
app.command("beyond")(studies.compare_beyond)
app.command("examples")(studies.compare_examples)
app.command("gradients")(studies.measure_gradients)


def main() -> None:
    """Run the command, and exit as `command` says."""
    with command.one_line_errors():
        try:
            app()
        except subprocess.CalledProcessError as error:
            sys.exit(error.returncode)  # the program that failed has said why
