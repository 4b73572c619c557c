"""The command `statelab`.

A command's libraries are imported when it runs: `statelab --help` loads none of them.
"""

import subprocess
import sys

import typer

from statelab.cli import diagnose, files, lookback, models, plan, results, studies
from statelab.pipeline import command

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text, its paragraphs filled
)


@app.callback()
def _statelab() -> None:
    """Does a recurrent network have to carry state on your sequences?"""


app.command("inspect")(files.inspect)
app.command("try")(files.try_file)
app.command("plan")(plan.show_plan)
app.command("diagnose")(diagnose.diagnose)
app.command("lookback")(lookback.search_lookback)
app.command("report")(results.report)
app.command("predict")(models.predict)
app.command("export")(models.export)
app.command("sync")(results.sync)
study = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Repeat published studies."
)
app.add_typer(study, name="study")
for _app in (app, study):
    _app.command("post")(studies.compare_post)
    _app.command("beyond")(studies.compare_beyond)
    _app.command("examples")(studies.compare_examples)
    _app.command("gradients")(studies.measure_gradients)
study.command("external")(studies.compare_external)


def main() -> None:
    """Run the command, and exit as `command` says."""
    with command.one_line_errors():
        try:
            app()
        except subprocess.CalledProcessError as error:
            sys.exit(error.returncode)  # the program that failed has said why
